"""Speed, everything beside what it replaces: `python tools/bench.py COMMAND [...]`

Whatever is compared takes turns in one run, so that a busy minute of the machine falls on all alike; what is printed is
the median of the rounds and their range. Each command replaces its own lines in examples/speed.jsonl, which the speed page
and README read. Nothing here can fail because a machine is slow.

- `generation --gpt DIR`: one text of 500 characters by the full-size model, untrained, beside the lecture's own `gpt.py`
  (DIR is a clone of github.com/karpathy/ng-video-lecture) in evaluation mode and without a graph, beside the time that
  it takes to read the same weights once, and in batches; in bfloat16 as well where the processor has instructions for it
- `step`: a training step of the preset cpu, one change after the other; with ONEDNN_MAX_CPU_ISA=AVX2 in the environment,
  on a processor without instructions for bfloat16
- `training --nanogpt DIR`: whole trainings, from the start of the command to its end, beside nanoGPT's own script with
  the recipe for a processor from its README, on a GPU the one in its config (DIR is a clone of github.com/karpathy/nanoGPT)
- `busy --nanogpt DIR`: a training step of `quick` and `cpu` on a quiet machine, and beside one and two programs that each keep a core
  busy (it starts them itself): as the command comes, with one thread, and with threads that spin, beside nanoGPT's own script
- `gpu`: a training step of the preset seed, and writing, on a CUDA device
- `seeds`: the preset best with several seeds, the exact loss of each
- `growth`: time and memory of a training step against context, batch, width, depth and length of the text
- `large`: a training on two gigabytes of text that stay on the disk, and the private memory it takes (Linux)"""
import argparse, copy, json, os, platform, re, resource, subprocess, sys, tempfile, time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import median
from unittest import mock

import torch, torch.nn.functional as F
from torch import nn

from minigpt import (Corpus, FastTrainer, GPTConfig, GPTLanguageModel, MultiHeadAttention, attend, capture_decode, causal_mask, compile_decode,
                     evaluate, load_corpus)
from minigpt.run import get_preset, train
from minigpt.speed import usable_cores
from minigpt.train import has_bfloat16

root = Path(__file__).resolve().parent.parent
log = root/'examples'/'speed.jsonl'

def seconds(f):
    start = time.perf_counter(); f(); return time.perf_counter()-start

def in_turns(ways, rounds, times=1):
    "Seconds of each call, by name, after one call of each that doesn't count."
    for f in ways.values(): f()
    taken = defaultdict(list)
    for i in range(rounds):
        for name,f in ways.items():
            taken[name].append(seconds(lambda: [f() for _ in range(times)])/times)
        print(f'round {i+1} of {rounds}', file=sys.stderr)
    return taken

def spread(values, digits=4):
    v = sorted(values)
    return [float(f'{x:.{digits}g}') for x in (median(v), v[0], v[-1])]

def machine():
    able = getattr(torch.cpu, 'get_capabilities', dict)()
    gpu = dict(gpu=torch.cuda.get_device_name()) if torch.cuda.is_available() else {}
    return gpu | dict(processor=f"{platform.machine()} {able.get('cpu_name', '')}".strip(),
                instructions=torch.backends.cpu.get_cpu_capability(), threads=torch.get_num_threads(),
                bfloat16=bool(able.get('avx512_bf16')), torch=torch.__version__, python=platform.python_version())

def of_cpu(kind): return kind + ', no bfloat16'*(not has_bfloat16(torch.device('cpu')))
def of_gpu(kind): return kind + (f', {torch.cuda.get_device_name()}' if torch.cuda.is_available() else '')

def record(kind, rows):
    "Put these rows in the place of the older ones of their kind, and show them."
    old = [l for l in log.read_text().splitlines() if json.loads(l)['kind'] != kind] if log.exists() else []
    new = [json.dumps(dict(kind=kind) | row) for row in rows]
    log.write_text('\n'.join(old + new) + '\n')
    for row in rows: print(*(f'{k} {v}' for k,v in row.items()), sep='   ')

# Generation

def lecture_model(folder):
    "The model of gpt.py, by its own code up to the training loop, and its text of that file."
    source = (folder/'gpt.py').read_text()
    definitions,found,_ = source.partition('\nmodel = GPTLanguageModel()')
    assert found, 'gpt.py is not the file that was expected'
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as d:
        os.chdir(d)
        Path('input.txt').write_text(load_corpus('tinyshakespeare').text)
        names = {}
        try: exec(compile(definitions, 'gpt.py', 'exec'), names)
        finally: os.chdir(here)
    names['device'] = 'cpu'
    return names['GPTLanguageModel']().eval()

@torch.no_grad()
def copy_weights(theirs, ours):
    "Give our model the weights of the lecture's."
    ours.token_embedding.load_state_dict(theirs.token_embedding_table.state_dict())
    ours.position_embedding.load_state_dict(theirs.position_embedding_table.state_dict())
    for a,b in zip(theirs.blocks, ours.blocks):
        rows = [getattr(h, n).weight for n in ('query','key','value') for h in a.sa.heads]
        b.attn.qkv.weight.copy_(torch.cat(rows))
        for one,two in ((a.sa.proj,b.attn.proj), (a.ffwd.net[0],b.mlp.up), (a.ffwd.net[2],b.mlp.down),
                        (a.ln1,b.norm1), (a.ln2,b.norm2)): two.load_state_dict(one.state_dict())
    ours.norm.load_state_dict(theirs.ln_f.state_dict())
    ours.head.load_state_dict(theirs.lm_head.state_dict())

def matrices(model): return [m.weight.data for m in model.modules() if isinstance(m, nn.Linear)]

def generation(args):
    torch.manual_seed(0)
    theirs,cached = lecture_model(args.gpt),GPTLanguageModel().eval()
    copy_weights(theirs, cached)
    n,B,start = 500,64,torch.zeros(1, 1, dtype=torch.int64)
    fast,fast64 = compile_decode(cached),compile_decode(cached, B)
    def write(model, n=n, rows=1):
        torch.manual_seed(1)
        with torch.no_grad(): return model.generate(start.expand(rows, 1), n)
    with torch.no_grad(): text = write(theirs, 255)
    for model in (cached, fast): assert (write(model, 255) == text).all(), 'within the window all write the same'
    W = matrices(cached)
    whole = torch.cat([w.flatten() for w in W])
    stream = lambda W: [w.sum() for w in W]
    T = cached.block_size
    again = torch.zeros(1, T//2, dtype=torch.int64)
    times = -(-(n-T)//(T//2 + 1))   # the window is full so often
    def steps(model):
        "The steps of so many characters, with nothing drawn and nothing read again."
        cache = model.new_cache(1)
        for i in range(n):
            if cache.length == T: cache.length = T//2
            model.forward_cached(start, cache)
    def filled(model):
        "Keys and values of 64 full windows; memory that nobody has written to would not be read."
        return [x.fill_(1) for kv in model.new_cache(B).layers for x in kv]
    kv = filled(cached)
    def halves(model):
        "The half windows of 64 rows, as often as they are read again."
        cache,ids = model.new_cache(B),again.expand(B, -1)
        def go():
            for _ in range(times):
                cache.length = 0
                model.forward_cached(ids, cache)
        return go
    ways = {'gpt.py': lambda: write(theirs), 'cached': lambda: write(cached), 'compiled': lambda: write(fast),
            'batch of 64': lambda: write(fast64, rows=B), 'batch of 64, not compiled': lambda: write(cached, rows=B),
            'the steps alone': lambda: steps(fast),
            'prefill of half a window': lambda: [cached.forward_cached(again, cached.new_cache(1)) for _ in range(times)],
            'prefill for 64': halves(cached),
            'reading keys and values for 64': lambda: [stream(kv) for _ in range(n)],
            'reading the weights': lambda: [stream(W) for _ in range(n)],
            'reading the weights in one piece': lambda: [whole.sum() for _ in range(n)],
            'multiplying for one': lambda: multiply(W, 1, n),
            'multiplying for 64': lambda: multiply(W, B, n),
            'multiplying for 256': lambda: multiply(W, T, n)}
    mixed = has_bfloat16(torch.device('cpu'))   # matmuls in it would take hundreds of times as long elsewhere
    if mixed:
        half = copy.deepcopy(cached).bfloat16()
        fast16,fast64_16,W16,kv16 = compile_decode(half),compile_decode(half, B),matrices(half),filled(half)
        ways |= {'compiled, bfloat16': lambda: write(fast16), 'batch of 64, bfloat16': lambda: write(fast64_16, rows=B),
                 'prefill of half a window, bfloat16': lambda: [half.forward_cached(again, half.new_cache(1)) for _ in range(times)],
                 'prefill for 64, bfloat16': halves(half),
                 'reading keys and values for 64, bfloat16': lambda: [stream(kv16) for _ in range(n)],
                 'reading the weights, bfloat16': lambda: [stream(W16) for _ in range(n)],
                 'multiplying for 64, bfloat16': lambda: multiply(W16, B, n)}
    taken = in_turns(ways, args.rounds)
    first = {name: spread(1e3*seconds(lambda: next(model.stream(torch.zeros(1, T, dtype=torch.int64), 1))) for _ in range(2*args.rounds))
             for name,model,T in (('after_1',cached,1), ('after_256',cached,T))}
    rows = [dict(name=k, ms_per_step=spread(1e3*s/n for s in t), characters_a_second=round((B if '64' in k else 1)*n/median(t)),
                 times_gpt_py=spread((a/b for a,b in zip(taken['gpt.py'], t)), 3)) for k,t in taken.items()]
    ratio = lambda a,b: spread((x/y for x,y in zip(taken[a], taken[b])), 3)
    def known(multiplying, form):
        "What products, keys and values, and 64 half windows take of a step for 64 rows."
        parts = zip(*(taken[name + form] for name in ('reading keys and values for 64','prefill for 64','batch of 64')),
                    taken[multiplying])
        return spread(((kv + again + product)/whole for kv,again,whole,product in parts), 3)
    shares = dict(weights=ratio('reading the weights','compiled'), one_piece=ratio('reading the weights in one piece','compiled'),
                  batch=ratio('multiplying for 64','batch of 64'), batch_known=known('multiplying for 64', ''))
    if mixed: shares |= dict(bfloat16=ratio('reading the weights, bfloat16','compiled, bfloat16'),
                             batch_bfloat16=ratio('multiplying for 64, bfloat16','batch of 64, bfloat16'),
                             batch_known_bfloat16=known('multiplying for 64, bfloat16', ', bfloat16'))
    rows.append(dict(name='share of the limit') | shares)
    rows.append(dict(name='first character') | first)
    record(of_cpu('generation'), [r | dict(machine=machine()) for r in rows])

def multiply(W, B, n):
    "The matmuls of a step for `B` sequences, and nothing else."
    X = [torch.ones(B, w.shape[1], dtype=w.dtype) for w in W]
    for _ in range(n):
        for w,x in zip(W,X): F.linear(x, w)

# A training step

def one_at_a_time(self, x):
    "`MultiHeadAttention.forward` with heads that take turns and weights that are written down."
    C,T = x.shape[-1],x.shape[1]
    D,mask,outs = C//self.n_head,causal_mask(T),[]
    for rows in self.qkv.weight.view(3, self.n_head, D, C).unbind(1):
        q,k,v = (F.linear(x, w) for w in rows)
        outs.append(attend(q, k, v, mask)[0])
    return self.proj(torch.cat(outs, -1))

def step(args):
    if isa := os.environ.get('ONEDNN_MAX_CPU_ISA'):   # our rule asks the processor, which still has what was switched off
        for module in ('train','speed'): mock.patch(f'minigpt.{module}.has_bfloat16', lambda device: False).start()
    config,sizes = get_preset('cpu')
    corpus,ours,compiling = load_corpus('tinyshakespeare'),MultiHeadAttention.forward,[]
    def stepper(precision, attention=ours, muon='ours', fused=True, compiled=False, plain=True):
        trainer = FastTrainer(replace(config, precision=precision), sizes, corpus)
        if muon == 'PyTorch':
            group = trainer.optimizers[1].param_groups[0]
            trainer.optimizers[1] = torch.optim.Muon(group['params'], lr=group['lr'], weight_decay=group['weight_decay'],
                                                     adjust_lr_fn='match_rms_adamw')
        if not fused:
            for group in trainer.optimizers[0].param_groups: group |= dict(fused=False, foreach=False)
        trainer.prepare_step()
        if not plain:
            for block in trainer.model.blocks: block.attn.__class__ = MultiHeadAttention
        if compiled:
            trainer.model.compile()
            compiling.append(seconds(trainer.train_step))
        def go():
            with mock.patch.object(MultiHeadAttention, 'forward', attention): trainer.train_step()
        return go
    ways = {'heads one at a time': stepper('float32', one_at_a_time, 'PyTorch'),
            'one projection, fused attention': stepper('float32', muon='PyTorch'),
            'Muon by shapes': stepper('float32'),
            'bfloat16': stepper('bfloat16', plain=False),
            'plain attention': stepper('bfloat16')}
    if not isa: ways |= {'AdamW not fused': stepper('bfloat16', fused=False), 'compiled': stepper('bfloat16', compiled=True)}
    a,b = torch.ones(2, 1024, 1024); a16,b16 = a.bfloat16(),b.bfloat16()
    ways |= {'multiplying, float32': lambda: a @ b, 'multiplying, bfloat16': lambda: a16 @ b16}
    taken = in_turns(ways, args.rounds, 5)
    chars = config.batch_size*sizes.block_size
    rows = []
    for name,t in taken.items():
        row = dict(name=name, ms=spread(1e3*s for s in t))
        if name.startswith('multiplying'): row['operations_a_second'] = spread(2*1024**3/s for s in t)
        else: row |= dict(characters_a_second=round(chars/median(t)),
                          gain=spread((a/b for a,b in zip(taken['heads one at a time'], t)), 3))
        if name == 'compiled': row['compiling_s'] = round(compiling[0], 1)
        rows.append(row | dict(machine=machine()))
    record(f'step, {isa}' if isa else of_cpu('step'), rows)

# Whole trainings

cpu_recipe = ('--device=cpu --compile=False --eval_iters=20 --log_interval=1 --block_size=64 '
          '--batch_size=12 --n_layer=4 --n_head=4 --n_embd=128 --max_iters=2000 --lr_decay_iters=2000 --dropout=0.0').split()   # from nanoGPT's README; on a GPU its settings are taken as they are

class NanoGPT(nn.Module):
    "nanoGPT's model behind our interface."
    def __init__(self, folder):
        super().__init__()
        sys.path.insert(0, str(folder))
        import model as theirs
        saved = torch.load(folder/'out-shakespeare-char'/'ckpt.pt', map_location='cpu', weights_only=True)
        self.gpt = theirs.GPT(theirs.GPTConfig(**saved['model_args']))
        self.gpt.load_state_dict({k.removeprefix('_orig_mod.'): v for k,v in saved['model'].items()})   # as compiled models name them
        self.block_size = self.gpt.config.block_size
    def forward(self, ids): return self.gpt(ids, ids)[0]   # with targets it answers at every position

def training(args):
    corpus,rows,here,gpu = load_corpus('tinyshakespeare'),defaultdict(list),Path.cwd(),torch.cuda.is_available()
    with tempfile.TemporaryDirectory() as d:
        nano,d = Path(d)/'nanoGPT',Path(d)
        subprocess.run(['git','clone','-q',str(args.nanogpt.resolve()),str(nano)], check=True)
        data = nano/'data'/'shakespeare_char'
        (data/'input.txt').write_text(corpus.text)
        subprocess.run([sys.executable,'prepare.py'], cwd=data, check=True, capture_output=True)
        recipe = [] if gpu else cpu_recipe
        device = 'cuda' if gpu else 'cpu'
        val,history = map(torch.from_numpy, (read_ids(data/'val.bin'), read_ids(data/'train.bin')))
        def theirs(i):
            subprocess.run([sys.executable,'train.py','config/train_shakespeare_char.py',*recipe], cwd=nano, check=True, capture_output=True)
        def ours(preset, *options):
            def go(i):
                out = d/f'{preset}{len(options)}-{i}'   # a folder of its own
                subprocess.run([sys.executable,'-m','minigpt.train','--preset',preset,*options,'--out',str(out),
                                '--data','tinyshakespeare'], check=True, capture_output=True, cwd=here)
                return out
            return go
        ways = {'nanoGPT': theirs} | (dict(seed=ours('seed'), fast=ours('fast')) if gpu else
                                      {'quick': ours('quick'), 'cpu, 1400 steps': ours('cpu', '--steps', '1400'), 'cpu': ours('cpu')})
        for i in range(args.rounds):
            for name,way in ways.items():
                result = []
                taken = seconds(lambda: result.append(way(i)))
                if name == 'nanoGPT': model = NanoGPT(nano)
                else: model = GPTLanguageModel.from_pretrained(result[0])
                model.eval().to(device)
                scores = {f'loss{k}': round(evaluate(model, val, history=history, stride=s).nats, 4)
                          for k,s in (('',None), ('_overlapping',model.block_size//2+1))}
                rows[name].append(dict(seconds=taken) | scores)
                print(name, rows[name][-1], file=sys.stderr)
            record(of_gpu('training') if gpu else of_cpu('training'), [   # now, for whoever can't wait for all rounds
                dict(name=name, seconds=spread(r['seconds'] for r in rs), loss=rs[0]['loss'], loss_overlapping=rs[0]['loss_overlapping'],
                     share_of_nanogpt=spread((r['seconds']/q['seconds'] for r,q in zip(rs, rows['nanoGPT'])), 3),
                     rounds=len(rs), machine=machine()) for name,rs in rows.items()])

def read_ids(path):
    import numpy as np
    return np.fromfile(path, dtype=np.uint16).astype(np.int64)

# Beside other programs

def busy(args):
    text = load_corpus('tinyshakespeare').text[:100_000]   # evaluations are not what is timed
    as_it_came = {k: v for k,v in os.environ.items() if not k.startswith(('OMP_','GOMP_'))}
    rows,cores = [],str(usable_cores())
    with tempfile.TemporaryDirectory() as d:
        nano,part = Path(d)/'nanoGPT',Path(d)/'part.txt'
        part.write_text(text)
        subprocess.run(['git','clone','-q',str(args.nanogpt.resolve()),str(nano)], check=True)
        (nano/'data'/'shakespeare_char'/'input.txt').write_text(text)
        subprocess.run([sys.executable,'prepare.py'], cwd=nano/'data'/'shakespeare_char', check=True, capture_output=True)
        def ran(words, env, where=None):
            return subprocess.run([sys.executable,*words], env=as_it_came | env, cwd=where or d, check=True, capture_output=True, text=True)
        def ours(preset, *words, **env):
            said = ran(['-m','minigpt','train','--preset',preset,'--dry_run','--data',str(part),'--device','cpu',*words], env).stderr
            return float(re.search(r'steps of ([\d.e+]+) ms', said)[1])
        def theirs():
            said = ran(['train.py','config/train_shakespeare_char.py',*cpu_recipe,'--max_iters=25','--eval_iters=1'], {}, nano).stdout
            times = [float(t) for t in re.findall(r'time ([\d.]+)ms', said)[5:]]   # the first are slow
            return sum(times)/len(times)
        ways = {f'{p}, {way}': lambda p=p, words=words, env=env: ours(p, *words, **env) for p in ('quick','cpu') for way,words,env in (
            ('as it comes',(),{}), ('one thread',('--threads','1'),{}), ('spinning',('--threads',cores),dict(OMP_WAIT_POLICY='active')))}
        ways['nanoGPT'] = theirs
        for n in range(3):
            taken = defaultdict(list)
            neighbours = [subprocess.Popen([sys.executable,'-c','while True: pass']) for _ in range(n)]
            try:
                for i in range(args.rounds):
                    for name,way in ways.items(): taken[name].append(way())
                    print(f'{n} neighbours, round {i+1}:', *(f'{k} {v[-1]:.1f} ms' for k,v in taken.items()), sep='  ', file=sys.stderr)
            finally:
                for p in neighbours: p.kill(); p.wait()
            for name,ms in taken.items():
                preset = name.split(', ')[0]
                fixed = [taken[k] for k in taken if k.startswith(preset) and not k.endswith('as it comes')]
                rows.append(dict(name=f'{name}, {n} busy', busy=n, ms=spread(ms), times_best=spread((a/min(b) for a,*b in zip(ms, *fixed)), 3),
                                 rounds=args.rounds, machine=machine()))
    record(of_cpu('busy'), rows)

# On a GPU

def gpu(args):
    if not torch.cuda.is_available(): sys.exit('bench: there is no CUDA device')
    corpus,start = load_corpus('tinyshakespeare'),torch.zeros(1, 1, dtype=torch.int64)
    def stepper(precision, copied=False, captured=False):
        trainer = FastTrainer(replace(get_preset('seed')[0], precision=precision), corpus=corpus)
        trainer.prepare_step()
        if not copied: trainer.bf16_model,trainer.compute_model = None,trainer.model
        if not captured: trainer.captured = None
        def go(): trainer.train_step(); torch.cuda.synchronize()
        for _ in range(5): go()   # it is captured in the fourth
        return go
    def writer(model, rows=1):
        def go(): model.generate(start.expand(rows, 1), 500); torch.cuda.synchronize()
        return go
    plain = GPTLanguageModel().cuda().eval()
    many = compile_decode(copy.deepcopy(plain).bfloat16(), 1024)
    steps = {'float32': stepper('float32'), 'bfloat16 by autocast': stepper('bfloat16'),
             'a bfloat16 copy': stepper('bfloat16', True), 'autocast, captured': stepper('bfloat16', False, True),
             'captured': stepper('bfloat16', True, True)}
    captured,compiled = capture_decode(plain),compile_decode(plain)
    text = plain.generate(start, 200, temperature=0)
    for model in (captured, compiled): assert (model.generate(start, 200, temperature=0) == text).all(), 'all write the same'
    texts = {'stream': writer(plain), 'stream, captured': writer(captured), 'stream, compiled': writer(compiled),
             '1,024 rows, compiled, bfloat16': writer(many, 1024)}
    a,(x,y) = torch.randn(8192, 8192, device='cuda', dtype=torch.bfloat16),torch.empty(2, 2**30, device='cuda', dtype=torch.uint8)
    def ceiling(f): return lambda: (f(), torch.cuda.synchronize())
    ceilings = {'multiplying': ceiling(lambda: a @ a), 'copying': ceiling(lambda: x.copy_(y))}
    rows = [dict(name=k, ms=spread(1e3*s for s in t)) for k,t in in_turns(ceilings, 2*args.rounds, 5).items()]
    rows[0] |= dict(operations_a_second=2*8192**3/rows[0]['ms'][0]*1e3)
    rows[1] |= dict(bytes_a_second=2*2**30/rows[1]['ms'][0]*1e3)   # read and written
    rows += [dict(name=k, ms=spread(1e3*s for s in t), characters_a_second=round(64*256/median(t)))
             for k,t in in_turns(steps, args.rounds, 20).items()]
    rows += [dict(name=k, ms=spread(1e3*s/500 for s in t), characters_a_second=round((1024 if '1,024' in k else 1)*500/median(t)))
             for k,t in in_turns(texts, args.rounds).items()]
    first = [seconds(lambda: next(plain.stream(torch.zeros(1, T, dtype=torch.int64), 1)).item()) for T in (1,256) for _ in range(args.rounds)]
    rows.append(dict(name='first character', after_1=spread(1e3*s for s in first[:args.rounds]), after_256=spread(1e3*s for s in first[args.rounds:])))
    record(of_gpu('gpu'), [r | dict(machine=machine()) for r in rows])

def seeds(args):
    (config,sizes),corpus,rows = get_preset('best'),load_corpus('tinyshakespeare'),[]
    for seed in range(1, args.rounds+1):
        runs = []
        taken = seconds(lambda: runs.append(train(replace(config, seed=seed), sizes, corpus, progress=False)))
        run = runs[0]
        near = evaluate(run.best_model, run.val_ids, history=run.train_ids, stride=16)
        rows.append(dict(name=f'seed {seed}', seconds=round(taken, 2), step=run.best['step'], train_loss=run.best['train_loss'],
                         loss=run.best['val_loss'], loss_overlapping=run.overlapping.nats, loss_stride_16=near.nats, machine=machine()))
        record(of_gpu('seeds'), rows)

# How cost grows

def growth(args):
    base = dict(T=128, B=16, C=128, L=4)
    sizes = dict(T=(64,128,256,512,1024), B=(4,8,16,32,64), C=(64,128,256,512), L=(2,4,8,16))
    rows = []
    for what,values in sizes.items():
        for n in values:
            got = [json.loads(subprocess.run([sys.executable,__file__,'one-step',*(f'{k}={v}' for k,v in (base | {what: n}).items())],
                                             check=True, capture_output=True, text=True).stdout) for _ in range(args.rounds)]
            rows.append(dict(name=f'{what} {n}', what=what, n=n, ms=spread(g['ms'] for g in got),
                             mb=spread(g['mb'] for g in got), base=base, machine=machine()))
            print(rows[-1]['name'], rows[-1]['ms'], rows[-1]['mb'], file=sys.stderr)
    for n in (10**6, 4*10**6, 16*10**6, 64*10**6):
        got = [json.loads(subprocess.run([sys.executable,__file__,'one-text',str(n)], check=True, capture_output=True, text=True).stdout)
               for _ in range(args.rounds)]
        rows.append(dict(name=f'N {n}', what='N', n=n, machine=machine()) | {k: spread(g[k] for g in got) for k in ('ms','mb','reading_ms')})
        print(rows[-1]['name'], rows[-1]['reading_ms'], rows[-1]['ms'], rows[-1]['mb'], file=sys.stderr)
    record(of_cpu('growth'), rows)

def one_step(words):
    "Time of a training step of these sizes, and how much memory it took beyond what was in use before the model."
    s = {k: int(v) for k,v in (w.split('=') for w in words)}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    config,_ = get_preset('cpu')
    run = FastTrainer(replace(config, batch_size=s['B'], precision='float32'),
              GPTConfig(block_size=s['T'], n_layer=s['L'], n_head=s['C']//32, n_embd=s['C'], dropout=0.), load_corpus('tinyshakespeare'))
    run.train_step()
    ms = min(seconds(run.train_step) for _ in range(3))*1e3
    print(json.dumps(dict(ms=ms, mb=(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)/1024)))

def one_text(words):
    "Time to make ids of so many characters and be ready, memory that takes beyond the text, and time of a step of the preset smoke."
    n,tiny = int(words[0]),load_corpus('tinyshakespeare').text
    text = (tiny * (n//len(tiny) + 1))[:n]
    FastTrainer(*get_preset('smoke'), Corpus.from_text(text[:10_000], 'the first time takes longer'))
    before,start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,time.perf_counter()
    run = FastTrainer(*get_preset('smoke'), Corpus.from_text(text, 'repeated'))
    reading = time.perf_counter() - start
    mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)/1024
    for _ in range(10): run.train_step()
    ms = min(seconds(lambda: [run.train_step() for _ in range(50)]) for _ in range(3))/50*1e3
    print(json.dumps(dict(ms=ms, mb=mb, reading_ms=1e3*reading)))

# A text that does not fit

def large(args):
    import random
    lines,rows = load_corpus('tinyshakespeare').text.splitlines(keepends=True),[]
    with tempfile.TemporaryDirectory() as d:
        path,chance = Path(d)/'large.txt',random.Random(0)
        with open(path, 'w', encoding='utf-8') as f:
            while f.tell() < args.bytes: chance.shuffle(lines); f.writelines(lines)
        for name,data in (('in memory','tinyshakespeare'), ('encoded and trained',str(path)), ('trained again',str(path))):
            start,most = time.perf_counter(),0
            child = subprocess.Popen([sys.executable,'-m','minigpt.train','--preset','smoke','--steps','50','--data',data,'--out',
                                      str(Path(d)/name[:7])], env=os.environ | dict(XDG_CACHE_HOME=d), stdout=subprocess.DEVNULL)
            while child.poll() is None:
                try: status = Path(f'/proc/{child.pid}/status').read_text()
                except OSError: break
                private = [int(l.split()[1]) for l in status.splitlines() if l.startswith('RssAnon')]
                most = max([most, *private])
                time.sleep(.05)
            assert child.wait() == 0
            rows.append(dict(name=name, characters=path.stat().st_size if data == str(path) else len(load_corpus(data)), seconds=time.perf_counter()-start,
                             private_mb=round(most/1024), machine=machine()))
    record(of_cpu('large'), rows)

def main():
    for name,f in (('one-step',one_step), ('one-text',one_text)):   # by growth, each in a process of its own
        if sys.argv[1:2] == [name]: return f(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    def command(f, rounds, *options):
        p = commands.add_parser(f.__name__)
        p.set_defaults(run=f)
        p.add_argument('--rounds', type=int, default=rounds, help='how many times everything is measured (default: %(default)s)')
        for name,kw in options: p.add_argument(name, **kw)
    command(generation, 5, ('--gpt', dict(type=Path, required=True, metavar='DIR', help='a clone of ng-video-lecture')))
    command(step, 7)
    command(training, 2, ('--nanogpt', dict(type=Path, required=True, metavar='DIR', help='a clone of nanoGPT')))
    command(busy, 5, ('--nanogpt', dict(type=Path, required=True, metavar='DIR', help='a clone of nanoGPT')))
    command(gpu, 5)
    command(seeds, 3)
    command(growth, 3)
    command(large, 1, ('--bytes', dict(type=int, default=2*10**9, help='size of the text (default: %(default)s)')))
    args = parser.parse_args()
    for option,needed in (('gpt','gpt.py'), ('nanogpt','train.py')):
        folder = getattr(args, option, None)
        if folder and not (folder/needed).is_file(): parser.error(f'--{option}: there is no {needed} in {folder}')
    args.run(args)

if __name__ == '__main__': main()
