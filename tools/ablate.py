"""What is each part worth? `python tools/ablate.py --long` trains a ladder of models and writes examples/ablation.jsonl.

All runs read the same text with the same budget, three or five seeds each. They are judged by the exact loss on the last
tenth of the *training* part of Tiny Shakespeare: the validation part is not looked at. Where the rate could matter, the
best of three is taken, found with one more seed. Over an hour on two cores, and with `--long`, two recipes three times
as long, ten minutes more. Stopped and started again, it goes on with what is missing; what is there is in runs/ablation, which
has to be deleted after a change to a model's code. `--jobs N` runs N at a time, a core each."""
import argparse, json, multiprocessing, os, platform, time
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

import minigpt
from minigpt import Corpus, load_corpus, split
from minigpt.attention import MultiHeadAttention
from minigpt.bigram import BigramLanguageModel, evaluate
from minigpt.evaluation import compare
from minigpt.gpt import FeedForward, GPTConfig
from minigpt.train import TrainConfig
from minigpt.speed import FastTrainer

root = Path(__file__).resolve().parent.parent
log,kept = root/'examples'/'ablation.jsonl',root/'runs'/'ablation'   # runs/ is not in the repository
trial_seed,steps = 0,600

class Rung(nn.Module):
    "Embeddings, one attention, perhaps a feed-forward part, an output map, with PyTorch's own first weights."
    def __init__(self, c, think=True, residual=True):
        super().__init__()
        C = c.n_embd
        self.block_size,self.residual = c.block_size,residual
        self.char,self.place = nn.Embedding(c.vocab_size, C),nn.Embedding(c.block_size, C)
        self.out = nn.Linear(C, c.vocab_size)
        self.blocks = nn.ModuleList([MultiHeadAttention(C, c.n_head)] + ([FeedForward(C)] if think else []))

    def forward(self, ids):
        x = self.char(ids) + self.place.weight[:ids.shape[1]]
        for part in self.blocks: x = x + part(x) if self.residual else part(x)
        return self.out(x)

class Variant(NamedTuple):
    "A model and how it is trained."
    against: str             # what it is compared with; None for the first
    config: TrainConfig
    sizes: GPTConfig
    rates: tuple = ()        # to choose from; none: that of the settings
    make: object = None      # makes the model from its sizes; None for a GPT
    seeds: tuple = (1,2,3)

sizes = GPTConfig(block_size=64, n_layer=4, n_head=4, n_embd=128, dropout=0.)   # those of the preset `cpu`
one = replace(sizes, n_layer=1)
plain = TrainConfig(steps=steps, batch_size=24, eval_every=steps)   # AdamW as it comes, one rate
cosine = replace(plain, warmup_steps=33, min_lr=1e-5)
rates,low,five = (1e-3,3e-3,1e-2),(3e-4,1e-3,3e-3),(1,2,3,4,5)
bare = lambda c: Rung(c, think=False, residual=False)

ladder = {
    'bigram':        Variant(None, plain, one, (.01,.03,.1), lambda c: BigramLanguageModel(c.vocab_size, c.block_size)),
    'one head':      Variant('bigram', plain, replace(one, n_head=1), rates, bare),
    'many heads':    Variant('one head', plain, one, rates, bare),
    'feed-forward':  Variant('many heads', plain, one, rates, lambda c: Rung(c, residual=False)),
    'residual':      Variant('feed-forward', plain, one, rates, Rung),
    'norm':          Variant('residual', plain, one, rates),
    'deeper':        Variant('norm', plain, sizes, low),
    'dropout':       Variant('deeper', plain, replace(sizes, dropout=.2), low),
    'schedule':      Variant('deeper', cosine, sizes, rates),
    'shallow again': Variant('schedule', cosine, one, rates),
}
every = TrainConfig(steps=steps, batch_size=24, learning_rate=8e-3, min_lr=4e-4, warmup_steps=33, weight_decay=.1, decay_all=False,
                    optimizer='muon', beta2=.99, grad_clip=1., eval_every=steps)   # whatever is usual
options = {
    'everything':      Variant(None, every, sizes, seeds=five),
    'AdamW for Muon':  Variant('everything', replace(every, optimizer='adamw'), sizes, (2e-3,3e-3,5e-3)),
    'constant rate':   Variant('everything', replace(every, min_lr=None), sizes, (2e-3,4e-3,8e-3)),
    'one layer':       Variant('everything', every, one, (4e-3,8e-3,1.6e-2)),
    'no warm-up':      Variant('everything', replace(every, warmup_steps=0), sizes, seeds=five),
    'no clipping':     Variant('everything', replace(every, grad_clip=0.), sizes, seeds=five),
    'beta2 0.999':     Variant('everything', replace(every, beta2=.999), sizes, seeds=five),
    'decay 0.01':      Variant('everything', replace(every, weight_decay=.01), sizes, seeds=five),
    'decay for all':   Variant('everything', replace(every, decay_all=True), sizes, seeds=five),
    'none of the five': Variant('everything', replace(every, warmup_steps=0, grad_clip=0., beta2=.999, weight_decay=.01, decay_all=True),
                                sizes, seeds=five),
}
none = options['none of the five'].config
long = {   # does it hold for a run of full length?
    'everything, 1,800 steps':       Variant(None, replace(every, steps=1800, warmup_steps=100, eval_every=1800), sizes),
    'none of the five, 1,800 steps': Variant('everything, 1,800 steps', replace(none, steps=1800, eval_every=1800), sizes),
}
variants = ladder | options | long

def at_rate(config, rate):
    return config if rate is None else replace(config, learning_rate=rate, min_lr=config.min_lr and rate/20)

def file_of(name, rate, seed): return kept/f"{name.replace(' ', '-').replace(',', '')}-{rate}-{seed}.npz"

def train_one(job):
    "One run: its exact loss for every character, kept in a file."
    name,rate,seed = job
    path = file_of(*job)
    v = variants[name]
    config = replace(at_rate(v.config, rate), seed=seed, device='cpu')
    corpus = Corpus.from_text(split(load_corpus('tinyshakespeare').text)[0], 'tinyshakespeare, training part')
    if path.exists():
        old = read(job)[1]
        same = lambda settings: {k: x for k,x in settings.items() if k != 'device'}
        if (same(old['training']), old['model'], old['corpus']['sha256'], old['versions']['torch']) == (
            same(asdict(config)), asdict(v.sizes), corpus.sha256, torch.__version__): return job
    torch.set_num_threads(1)
    trainer = FastTrainer(config, v.sizes, corpus)
    if v.make:
        trainer.model = v.make(trainer.model.config)
        trainer.optimizers = trainer.make_optimizers()
    start = time.perf_counter()
    for _ in range(config.steps): trainer.train_step()
    seconds = time.perf_counter() - start
    result = evaluate(trainer.model, trainer.val_ids, history=trainer.train_ids)
    facts = dict(name=name, rate=config.learning_rate, seed=seed, loss=result.nats, protocol=result.protocol, steps=config.steps,
                 n_params=sum(p.numel() for p in trainer.model.parameters()), seconds=round(seconds, 1),
                 model=asdict(v.sizes), training=asdict(config),
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
    tried = variants[name].rates
    return min(tried, key=lambda r: read((name,r,trial_seed))[1]['loss']) if tried else None

def runs_of(name, seeds):
    "What the runs of a variant were, and their losses (seeds, characters)."
    found = [read((name,best_rate(name),s)) for s in seeds]
    return [facts for _,facts in found],np.stack([losses for losses,_ in found])

def lines(wanted):
    "The log: every trial of a rate, every run, and every comparison."
    for name,v in wanted.items():
        for r in v.rates: yield dict(kind='trial', **read((name,r,trial_seed))[1])
        facts,losses = runs_of(name, v.seeds)
        for f in facts: yield dict(kind='run', **f)
        if v.against is None: continue
        base = runs_of(v.against, v.seeds)[1]   # the same seeds
        c = compare(losses.mean(0), base.mean(0))
        yield dict(kind='comparison', name=name, against=v.against, difference=c.difference, low=c.low, high=c.high,
                   by_seed=[float(d) for d in (losses-base).mean(1)],
                   protocol=f'mean of {len(v.seeds)} seeds, paired blocks of 256, 95 %')

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--jobs', type=int, default=os.cpu_count(), help='runs at a time, a core each')
    p.add_argument('--long', action='store_true', help='also two recipes three times as long, ten minutes more')
    args = p.parse_args()
    kept.mkdir(parents=True, exist_ok=True)
    wanted = {name: v for name,v in variants.items() if args.long or name not in long}
    trials = [(name,r,trial_seed) for name,v in wanted.items() for r in v.rates]
    with multiprocessing.get_context('spawn').Pool(args.jobs) as pool:
        for _ in pool.imap_unordered(train_one, trials): pass
        jobs = [(name,best_rate(name),s) for name,v in wanted.items() for s in v.seeds]
        for _ in pool.imap_unordered(train_one, jobs): pass
    log.write_text(''.join(json.dumps(line) + '\n' for line in lines(wanted)), encoding='utf-8')
    for line in map(json.loads, log.read_text(encoding='utf-8').splitlines()):
        if line['kind'] == 'comparison':
            print(f"{line['name']:<16} against {line['against']:<13} {line['difference']:+.4f}, {line['low']:+.4f} to {line['high']:+.4f}")

if __name__ == '__main__': main()
