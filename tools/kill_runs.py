"""Kill a training again and again, and see that nothing is lost: `python tools/kill_runs.py [--kills 50]`

`minigpt_train` is started, gets the signal KILL at a random moment, is started again with --resume, and so on. After the
last kill it may finish. Then its checkpoint must be that of a run which was never disturbed, to the last bit (times aside).
Two kills in three are aimed at a save, and whether one was under way is told by marks that the process writes to a pipe.
After each kill what lies in the folder has to be whole. About five seconds a kill; not for Windows, which has no KILL."""
import argparse, json, os, random, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path

import torch

from minigpt import load_corpus, load_pretrained

child = '''
import os, sys
from dataclasses import replace
from unittest import mock
from minigpt import run
from minigpt.checkpoint import Checkpoint
pipe,steps = int(sys.argv[1]),int(sys.argv[2])
save,preset = Checkpoint.save,run.get_preset
def marked(self, trainer):
    os.write(pipe, b'(')
    save(self, trainer)
    os.write(pipe, b')')
def often(name):   # with dropout, so that random states matter, and many saves
    config,sizes = preset(name)
    return replace(config, steps=steps, eval_every=5),replace(sizes, dropout=.2)
with mock.patch.object(Checkpoint, 'save', marked), mock.patch.object(run, 'get_preset', often):
    run.minigpt_train.cli(sys.argv[3:])
'''

def start(folder, text, steps, resume):
    "The process, and the end of its pipe to read from."
    out,into = os.pipe()
    how = ['--resume'] if resume else ['--preset','smoke']
    p = subprocess.Popen([sys.executable,'-c',child,str(into),str(steps),*how,'--out',str(folder),'--data',str(text),'--device','cpu'],
                         pass_fds=[into], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    os.close(into)
    return p,out

def finish(p, out):
    "Wait for the end; how long saves took."
    took,began = [],0.
    while mark := os.read(out, 1):
        if mark == b'(': began = time.perf_counter()
        else: took.append(time.perf_counter() - began)
    os.close(out)
    _,err = p.communicate()
    if p.returncode: sys.exit(err.decode())
    return took

def kill(p, out, chance, save_time):
    "Kill the process at a random moment; was that inside a save? None if it was over before."
    marks = b''
    if chance.random() < .67:   # inside a save, as far as it can be aimed
        wanted = chance.randint(1, 3)
        while marks.count(b'(') < wanted and (mark := os.read(out, 1)): marks += mark
        time.sleep(chance.random() * save_time)
    else: time.sleep(chance.random() * 5)
    if p.poll() is not None: return None
    p.send_signal(signal.SIGKILL)
    p.communicate()
    while mark := os.read(out, 1): marks += mark
    os.close(out)
    return marks.endswith(b'(')

def whole(folder):
    "Everything that is there can be read. Returns the step of the checkpoint, or None."
    for name in ('config.json','tokenizer.json'):
        if (folder/name).exists(): json.loads((folder/name).read_text())
    if (folder/'metrics.jsonl').exists(): [json.loads(l) for l in (folder/'metrics.jsonl').read_text().splitlines()]
    if (folder/'model.safetensors').exists(): load_pretrained(folder)
    state = folder/'checkpoint'/'state.pt'
    return torch.load(state, weights_only=True)['step'] if state.exists() else None

def differences(a, b, where='checkpoint'):
    "Names of what differs, times and speeds aside."
    if isinstance(a, dict):
        keys = (a.keys() | b.keys()) - {'seconds','tokens_per_s','peak_memory'}
        return [d for k in sorted(keys, key=str) for d in differences(a.get(k), b.get(k), f'{where}.{k}')]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for i,(x,y) in enumerate(zip(a, b)) for d in differences(x, y, f'{where}[{i}]')]
    same = torch.equal(a, b) if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) else a == b
    return [] if same else [where]

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kills', type=int, default=50, help='how often (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='for the moments (default: %(default)s)')
    args = parser.parse_args()
    chance,steps,inside,done = random.Random(args.seed),30*args.kills,0,0
    with tempfile.TemporaryDirectory() as d:
        undisturbed,run,text = Path(d)/'undisturbed',Path(d)/'run',Path(d)/'text.txt'
        text.write_text(load_corpus('sample_play').text[:12_000])
        saves = finish(*start(undisturbed, text, steps, False))
        save_time = sorted(saves)[len(saves)//2]
        print(f'undisturbed: {steps} steps, {len(saves)} saves of {save_time:.2f} s', flush=True)
        while done < args.kills:
            step = whole(run)
            if step is None: shutil.rmtree(run, ignore_errors=True)   # killed before there was a checkpoint
            if step == steps: sys.exit(f'the run was over after {done} kills')
            hit = kill(*start(run, text, steps, step is not None), chance, save_time)
            if hit is None: continue
            done += 1; inside += hit
            print(f'kill {done}{" inside a save" if hit else ""}, checkpoint of step {whole(run)}', flush=True)
        finish(*start(run, text, steps, whole(run) is not None))
        left = [p.name for pattern in ('.*.tmp','.saving-*') for p in run.rglob(pattern)]
        wrong = differences(*(torch.load(f/'checkpoint'/'state.pt', weights_only=True) for f in (undisturbed, run)))
        wrong += [f'{n} differs' for n in ('model.safetensors','samples.txt') if (undisturbed/n).read_bytes() != (run/n).read_bytes()]
    print(f'{done} kills, {inside} of them inside a save; left over: {left or "nothing"}; differences: {wrong or "none"}')
    sys.exit(bool(wrong or left or 3*inside < done))

if __name__ == '__main__': main()
