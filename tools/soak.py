"""Let a small training run for a long time, and see that it takes no more memory or files: `python tools/soak.py [--minutes 30]`

`minigpt_train` on the preset smoke, evaluated and saved every few steps. Its private memory, open files and the files in its
folder are looked at every few seconds. A run remembers its evaluations, so some growth is due: the size of its log and
samples, a few times over. What is above that from the second to the last quarter, by the middle of each, is a leak. At the end the run is stopped as by a user, and
its folder has to be whole. On Linux, which says what a process takes."""
import argparse, json, os, signal, subprocess, sys, tempfile, time
from pathlib import Path
from statistics import median

from kill_runs import whole

child = '''
import ctypes, gc, sys
from dataclasses import replace
from unittest import mock
from minigpt import run
preset,save = run.get_preset,run.Checkpoint.save
def often(name):
    config,sizes = preset(name)
    return replace(config, steps=10**9, eval_every=4, learning_rate=1e-3, min_lr=None),replace(sizes, dropout=.2)
def save_and_tidy(self, trainer):
    "What could be freed is freed, so that the rest is what the process holds."
    save(self, trainer)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
with mock.patch.object(run, 'get_preset', often), mock.patch.object(run.Checkpoint, 'save', save_and_tidy):
    run.minigpt_train.cli(sys.argv[1:])
'''

def looked_at(p, folder):
    "What the process holds now, and what its folder does."
    private = sum(int(l.split()[1]) for l in Path(f'/proc/{p.pid}/smaps_rollup').read_text().splitlines() if l.startswith('Private'))
    files = [f for f in folder.rglob('*') if f.is_file() and not f.name.endswith('.tmp')]
    saves = len((folder/'metrics.jsonl').read_text().splitlines())
    due = sum((folder/n).stat().st_size for n in ('metrics.jsonl','samples.txt'))
    return dict(saves=saves, private_mb=private/1024, open_files=len(os.listdir(f'/proc/{p.pid}/fd')), files=len(files), log_mb=due/2**20)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--minutes', type=float, default=30, help='how long (default: %(default)s)')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as d:
        folder,seen,end = Path(d)/'run',[],time.time() + 60*args.minutes
        p = subprocess.Popen([sys.executable,'-c',child,'--preset','smoke','--data','sample_play','--out',str(folder),'--device','cpu'],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while time.time() < end:
            time.sleep(5)
            if p.poll() is not None: sys.exit(f'it ended by itself, with status {p.returncode}')
            if (folder/'checkpoint'/'state.pt').exists(): seen.append(looked_at(p, folder))
            if len(seen) % 24 == 1: print('  '.join(f'{k} {v:.1f}' if isinstance(v, float) else f'{k} {v}' for k,v in seen[-1].items()), flush=True)
        p.send_signal(signal.SIGINT)
        stopped = p.wait(120)
        step = whole(folder)
    quarter = len(seen)//4
    early,late = ({k: median(s[k] for s in part) for k in seen[0]} for part in (seen[quarter:2*quarter], seen[-quarter:]))
    grown = {k: late[k]-early[k] for k in early}
    due = 8*grown['log_mb']
    print(f"{seen[-1]['saves']} saves, stopped with status {stopped}, checkpoint of step {step}; from the second to the last quarter: memory "
          f"{grown['private_mb']:+.1f} MB with {due:.1f} MB due and 16 MB of noise, files {grown['files']:+.0f}, open files {grown['open_files']:+.0f}")
    sys.exit(stopped != 130 or step is None or grown['private_mb'] > due + 16 or grown['files'] != 0 or grown['open_files'] > 1)

if __name__ == '__main__': main()
