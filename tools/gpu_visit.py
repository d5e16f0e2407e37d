"""All that only a GPU can show, most important first, in one go: `python tools/gpu_visit.py OUT [--minutes 15]`

Each stage is a process of its own with a time limit, and each of its results is a line of OUT/gpu_visit.jsonl as soon as it is there,
so that whatever ends the visit early, what was measured is kept. Stages that don't fit into the time that is left are
named and left out. With `--small` everything is tried with small sizes on whatever device there is, to see that the
stages run. `--nanogpt DIR` is a clone of github.com/karpathy/nanoGPT; without it its stage is left out."""
import argparse, json, os, signal, subprocess, sys, tempfile, threading, time
from pathlib import Path

root = Path(__file__).resolve().parent.parent

# Stages; each prints lines of JSON, or returns its only one

def say(result): print(json.dumps(result), flush=True)

def cells(args):
    "The cells of the pages that are for a GPU alone."
    import torch
    if not torch.cuda.is_available(): return dict(left_out='needs a GPU')
    pages = [p for p in sorted((root/'nbs').glob('[0-9]*.ipynb')) if '#| cuda' in p.read_text()]
    if args.small: pages = pages[:1]
    for page in pages:
        done = subprocess.run(['nbdev_test','--path',str(page),'--flags','cuda'], cwd=root, capture_output=True, text=True)
        say(dict(page=page.name, failed=done.stderr[-2000:]) if done.returncode else dict(page=page.name, passed=True))

def command(preset, args, *words):
    "A training from command to end."
    with tempfile.TemporaryDirectory() as d:
        start = time.perf_counter()
        if args.small: preset,words = 'smoke',('--steps','20')
        done = subprocess.run([sys.executable,'-m','minigpt.train','--preset',preset,*words,'--out',f'{d}/run'], capture_output=True, text=True)
        taken = time.perf_counter() - start
        if done.returncode: return dict(failed=done.stderr[-2000:])
        rows = [json.loads(l) for l in Path(d,'run','metrics.jsonl').read_text().splitlines()]
        return dict(seconds=taken, said=done.stderr[-1500:], best=min(rows, key=lambda r: r['val_loss']), last=rows[-1],
                    evaluation=json.loads(Path(d,'run','evaluation.json').read_text()))

def seed(args): return command('seed', args)
def fast(args): return command('fast', args)

def generation(args):
    "Characters a second, one text and many, plain, captured and compiled; all generate the same."
    import torch
    from minigpt import GPTConfig, GPTLanguageModel, capture_decode, compile_decode
    torch.manual_seed(0)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    model = GPTLanguageModel(GPTConfig(block_size=16, n_layer=1, n_head=2, n_embd=16) if args.small else None).to(device).eval()
    n,many = (20,4) if args.small else (500,1024)
    ways = {'plain': (model,1), 'captured': (capture_decode(model),1), 'compiled': (compile_decode(model),1)}
    ids,told = torch.zeros(1, 1, dtype=torch.int64),{}
    text = model.generate(ids, n//2, temperature=0)
    for name,(way,_) in ways.items():
        told[f'{name} generates the same'] = bool((way.generate(ids, n//2, temperature=0) == text).all())
    half = GPTLanguageModel(model.config).to(device).bfloat16().eval()
    ways |= {f'plain, {many}': (model,many), f'compiled, bfloat16, {many}': (compile_decode(half, many),many)}
    for name,(way,rows) in ways.items():
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            way.generate(ids.expand(rows, 1), n)[0,0].item()   # waits for the device
            seconds.append(time.perf_counter() - start)
        told[name] = dict(characters_a_second=round(rows*n/sorted(seconds)[1]), seconds=seconds)
    return told

def nanogpt(args):
    "nanoGPT's own script with its own settings, beside the preset seed, in turns."
    done = subprocess.run([sys.executable,'tools/bench.py','training','--nanogpt',str(args.nanogpt),'--rounds','1'], cwd=root, capture_output=True, text=True)
    return dict(failed=done.stderr[-2000:]) if done.returncode else dict(said=done.stdout[-3000:])

resume_code = '''
import torch, sys
from dataclasses import replace
from minigpt import Callback, Checkpoint, FastTrainer, GPTConfig, TrainConfig, load_corpus
torch.use_deterministic_algorithms(True)
config,sizes = TrainConfig(steps=30, batch_size=8, eval_every=10, precision='auto', optimizer='muon'),GPTConfig(block_size=32, n_layer=2, n_embd=48, dropout=.2)
corpus = load_corpus('sample_play')
class Stop(Callback):
    def before_step(self, trainer):
        if trainer.step == 13: trainer.stop_reason = 'a visit'
whole = FastTrainer(config, sizes, corpus).fit()
FastTrainer(config, sizes, corpus, callbacks=[Stop(), Checkpoint('run')]).fit()
resumed = FastTrainer(config, sizes, corpus, callbacks=[Checkpoint('run', resume=True)]).fit()
different = sum(int((a != b).sum()) for a,b in zip(whole.model.parameters(), resumed.model.parameters()))
print(different)
'''

def resume(args):
    "Stopped and resumed, with operations that always add in the same order: how many numbers differ?"
    with tempfile.TemporaryDirectory() as d:
        done = subprocess.run([sys.executable,'-c',resume_code], cwd=d, capture_output=True, text=True,
                              env=os.environ | dict(CUBLAS_WORKSPACE_CONFIG=':4096:8', PYTHONPATH=str(root)))
    return dict(failed=done.stderr[-2000:]) if done.returncode else dict(different_numbers=int(done.stdout.split()[-1]))

def best(args):
    "The preset best, three seeds."
    for s in (1,) if args.small else (1,2,3): say(dict(seed=s) | command('best', args, '--seed', str(s)))

def memory(args):
    "A batch that is too large: what is said?"
    if args.small: return dict(left_out='needs a GPU')
    said = {}
    for size in (4096, 16384):
        done = subprocess.run([sys.executable,'-m','minigpt.train','--preset','seed','--precision','float32','--batch_size',str(size),'--steps','2',
                               '--eval_every','2','--out',tempfile.mkdtemp()+'/run'], capture_output=True, text=True)
        said[size] = dict(status=done.returncode, said=done.stderr[-600:])
    return said

STAGES = dict(cells=(cells,240), seed=(seed,120), fast=(fast,60), generation=(generation,150), nanogpt=(nanogpt,240), resume=(resume,90),
              best=(best,180), memory=(memory,90))   # seconds at most

def about():
    import torch, platform
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return dict(stage='machine', gpu=gpu, torch=torch.__version__, python=platform.python_version(),
                processor=platform.machine())

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='folder for the results')
    parser.add_argument('--minutes', type=float, default=15, help='for all stages together (default: %(default)s)')
    parser.add_argument('--only', nargs='+', choices=list(STAGES), help='these stages alone')
    parser.add_argument('--small', action='store_true', help='small sizes, on any device')
    parser.add_argument('--nanogpt', type=Path, metavar='DIR', help="a clone of nanoGPT")
    parser.add_argument('--stage', choices=list(STAGES), help=argparse.SUPPRESS)   # the process of a stage
    args = parser.parse_args()
    os.environ['PYTHONPATH'] = os.pathsep.join([str(root), *filter(None, [os.environ.get('PYTHONPATH')])])
    sys.path.insert(0, str(root))
    if args.stage:
        if (result := STAGES[args.stage][0](args)) is not None: say(result)
        return
    args.out.mkdir(parents=True, exist_ok=True)
    end,log = time.time() + 60*args.minutes,args.out/'gpu_visit.jsonl'
    def tell(row):
        with open(log, 'a') as f: f.write(json.dumps(row) + '\n')
        print(json.dumps(row)[:300], flush=True)
    tell(about())
    for name,(_,limit) in STAGES.items():
        if args.only and name not in args.only: continue
        left = end - time.time()
        if name == 'nanogpt' and not args.nanogpt: tell(dict(stage=name, left_out='no --nanogpt')); continue
        if left < 20: tell(dict(stage=name, left_out=f'{left:.0f} s are left')); continue
        start = time.time()
        again = [sys.executable,__file__,*sys.argv[1:],'--stage',name]
        errors = args.out/f'{name}.txt'
        with open(errors, 'w') as f: child = subprocess.Popen(again, stdout=subprocess.PIPE, stderr=f, text=True, start_new_session=True)
        late = threading.Timer(min(limit, left), lambda: os.killpg(child.pid, signal.SIGKILL))   # with all that it has started
        late.start()
        for line in child.stdout:
            try: result = json.loads(line)
            except ValueError: continue   # what a library printed, or a line that was cut off
            tell(dict(stage=name, took=round(time.time()-start, 1), result=result))
        if child.wait():
            tell(dict(stage=name, failed=errors.read_text()[-2000:] if late.is_alive() else f'not done after {min(limit, left):.0f} s'))
        late.cancel()

if __name__ == '__main__': main()
