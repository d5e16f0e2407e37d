"""What is each part worth? `python tools/ablate.py` trains a ladder of models and writes examples/ablation.jsonl.

All runs read the same text with the same budget, three seeds each. They are judged by the exact loss on the last tenth
of the *training* part of Tiny Shakespeare: the validation part is not looked at. A part with a rate of its own gets the
best of three, found with one more seed. About 40 minutes on two cores; stopped and started again, it goes on with what is missing.
`--jobs N` runs N at a time, a core each; `--list` only says what is there."""
import argparse, json, multiprocessing, os, platform, time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

import minigpt
from minigpt import Corpus, load_corpus, split
from minigpt.attention import MultiHeadAttention
from minigpt.bigram import BigramLanguageModel, evaluate
from minigpt.evaluation import compare
from minigpt.gpt import FeedForward, GPTConfig
from minigpt.train import Run, TrainConfig, get_preset, make_optimizers

root = Path(__file__).resolve().parent.parent
log,kept = root/'examples'/'ablation.jsonl',root/'runs'/'ablation'   # runs/ is not in the repository
seeds,trial_seed,steps = (1,2,3),0,600

class Rung(nn.Module):
    "Embeddings, one attention and perhaps a feed-forward part, an output map: a model on its way to a GPT."
    def __init__(self, c, think=True, residual=True):
        super().__init__()
        C = c.n_embd
        self.block_size,self.residual = c.block_size,residual
        self.char,self.place,self.out = nn.Embedding(c.vocab_size, C),nn.Embedding(c.block_size, C),nn.Linear(C, c.vocab_size)
        self.blocks = nn.ModuleList([MultiHeadAttention(C, c.n_head)] + ([FeedForward(C)] if think else []))

    def forward(self, ids):
        x = self.char(ids) + self.place.weight[:ids.shape[1]]
        for part in self.blocks: x = x + part(x) if self.residual else part(x)
        return self.out(x)

cpu,sizes = get_preset('cpu')
cpu = replace(cpu, steps=steps, warmup=round(cpu.warmup*steps/cpu.steps), eval_every=steps)
plain = TrainConfig(steps=steps, batch_size=cpu.batch_size, eval_every=steps)   # AdamW as it comes, one rate
one = replace(sizes, n_layer=1)
cosine = replace(plain, warmup=cpu.warmup, min_lr=1e-5)
rates = (1e-3,3e-3,1e-2)

# name: (compared with, settings, sizes, model or None for a GPT, rates to try)
ladder = {
    'bigram':        (None, plain, one, lambda c: BigramLanguageModel(c.vocab_size, c.block_size), (.03,.1,.3)),
    'one head':      ('bigram', plain, replace(one, n_head=1), lambda c: Rung(c, think=False, residual=False), rates),
    'many heads':    ('one head', plain, one, lambda c: Rung(c, think=False, residual=False), rates),
    'feed-forward':  ('many heads', plain, one, lambda c: Rung(c, residual=False), rates),
    'residual':      ('feed-forward', plain, one, Rung, rates),
    'norm':          ('residual', plain, one, None, rates),
    'deeper':        ('norm', plain, sizes, None, rates),
    'dropout':       ('deeper', plain, replace(sizes, dropout=.2), None, rates),
    'schedule':      ('deeper', cosine, sizes, None, rates),
    'shallow again': ('schedule', cosine, one, None, rates),
}
options = {
    'cpu':             (None, cpu, sizes, None, ()),
    'AdamW for Muon':  ('cpu', replace(cpu, optimizer='adamw'), sizes, None, (3e-3,5e-3,8e-3)),
    'no clipping':     ('cpu', replace(cpu, clip=0.), sizes, None, ()),
    'beta2 0.999':     ('cpu', replace(cpu, beta2=.999), sizes, None, ()),
    'decay 0.01':      ('cpu', replace(cpu, weight_decay=.01), sizes, None, ()),
    'decay for all':   ('cpu', replace(cpu, decay_all=True), sizes, None, ()),
    'no warm-up':      ('cpu', replace(cpu, warmup=0), sizes, None, ()),
    'one layer':       ('cpu', cpu, one, None, ()),
    'constant rate':   ('cpu', replace(cpu, min_lr=None), sizes, None, (2e-3,4e-3,8e-3)),
}
variants = ladder | options

def at_rate(config, rate):
    return config if rate is None else replace(config, learning_rate=rate, min_lr=config.min_lr and rate/20)

def file_of(name, rate, seed): return kept/f"{name.replace(' ', '-')}-{rate}-{seed}.npz"

def train_one(job):
    "One run: its exact loss for every character, kept in a file."
    name,rate,seed = job
    path = file_of(*job)
    _,config,size,make,_ = variants[name]
    config = replace(at_rate(config, rate), seed=seed)
    if path.exists() and read(job)[1]['training'] == asdict(config): return job
    torch.set_num_threads(1)
    corpus = Corpus.from_text(split(load_corpus('tinyshakespeare').text)[0], 'tinyshakespeare, training part')
    run = Run(config, size, corpus)
    if make:
        run.model = make(run.model.config)
        run.optimizers = make_optimizers(run.model, config)
    start = time.perf_counter()
    for _ in range(config.steps): run.learn()
    seconds = time.perf_counter() - start
    result = evaluate(run.model, run.val_ids, history=run.train_ids)
    facts = dict(name=name, rate=config.learning_rate, seed=seed, loss=result.nats, protocol=result.protocol, steps=config.steps,
                 n_params=sum(p.numel() for p in run.model.parameters()), seconds=round(seconds, 1),
                 model=asdict(run.model.config) if not make else asdict(size), training=asdict(config),
                 corpus=dict(name=corpus.name, sha256=corpus.sha256, characters=len(corpus)),
                 versions=dict(minigpt=minigpt.__version__, torch=torch.__version__, python=platform.python_version()),
                 hardware=f'{platform.machine()}, 1 thread')
    part = path.with_suffix('.part.npz')
    np.savez(part, losses=result.losses.numpy(), facts=json.dumps(facts))
    part.replace(path)   # whole or not at all
    print(f'{name:<16} rate {config.learning_rate:<7g} seed {seed}: {result.nats:.4f} nats, {seconds:.0f} s', flush=True)
    return job

def read(job):
    with np.load(file_of(*job)) as f: return f['losses'],json.loads(str(f['facts']))

def best_rate(name):
    "The rate with the lowest loss, tried with a seed of its own."
    tried = variants[name][4]
    return min(tried, key=lambda r: read((name,r,trial_seed))[1]['loss']) if tried else None

def lines():
    "The log: every run, and every comparison."
    found = {}
    for name,(against,*_) in variants.items():
        for r in variants[name][4]: yield dict(kind='trial', **read((name,r,trial_seed))[1])
        runs = [read((name,best_rate(name),s)) for s in seeds]
        for _,facts in runs: yield dict(kind='run', **facts)
        found[name] = np.stack([losses for losses,_ in runs])
        if not against: continue
        c = compare(found[name].mean(0), found[against].mean(0))
        yield dict(kind='comparison', name=name, against=against, difference=c.difference, low=c.low, high=c.high,
                   by_seed=[float(d) for d in (found[name]-found[against]).mean(1)],
                   protocol='mean of three seeds, paired blocks of 256, 95 %')

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--jobs', type=int, default=os.cpu_count()//2 or 1, help='runs at a time, a core each')
    p.add_argument('--list', action='store_true', help='only say what is there')
    args = p.parse_args()
    kept.mkdir(parents=True, exist_ok=True)
    trials = [(name,r,trial_seed) for name in variants for r in variants[name][4]]
    if args.list: print(*sorted(f.stem for f in kept.glob('*.npz')), sep='\n'); return
    with multiprocessing.get_context('spawn').Pool(args.jobs) as pool:
        for _ in pool.imap_unordered(train_one, trials): pass
        jobs = [(name,best_rate(name),s) for name in variants for s in seeds]
        for _ in pool.imap_unordered(train_one, jobs): pass
    log.write_text(''.join(json.dumps(line) + '\n' for line in lines()), encoding='utf-8')
    for line in map(json.loads, log.read_text(encoding='utf-8').splitlines()):
        if line['kind'] == 'comparison':
            print(f"{line['name']:<16} against {line['against']:<13} {line['difference']:+.4f}, {line['low']:+.4f} to {line['high']:+.4f}")

if __name__ == '__main__': main()
