"""Characters or longer tokens? `python tools/compare_tokens.py` trains both and writes examples/tokens.jsonl.

Models of one shape read Tiny Shakespeare as characters and as 320, 512 and 1,024 tokens: once with as many characters
read as the first, once with as much time as it took, going by steps that are timed in turns. Controls have as many
steps, or a context of as many characters. The merges are learned from the training part. The rate is the best of
three or more, found with one more seed on the last tenth of the *training* part; the validation part is read once, by
the last weights. About an hour and a half of one core; `--jobs N` runs N at a time. Stopped and started again, it goes
on with what is missing; what is there is in runs/tokens, which has to be deleted after a change to a model's code."""
import argparse, gc, json, multiprocessing, os, platform, statistics, time
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

import minigpt
from minigpt.bigram import evaluate
from minigpt.bpe import BPETokenizer
from minigpt.evaluation import compare, losses_per_character
from minigpt.run import get_preset
from minigpt.speed import FastTrainer
from minigpt.tokenizer import Corpus, load_corpus, split

root = Path(__file__).resolve().parent.parent
log,kept = root/'examples'/'tokens.jsonl',root/'runs'/'tokens'   # runs/ is not in the repository
trial_seed,seeds,rates,Vs = 0,(1,2,3),(4e-3,8e-3,1.6e-2),(None,320,512,1024)
config,sizes = get_preset('cpu')
config = replace(config, steps=1500, eval_every=1500, device='cpu')

class Run(NamedTuple):
    "All that a run depends on, but for the code."
    name: str         # what it is called in the log
    V: int            # how many tokens; None: characters
    rate: float
    seed: int
    steps: int
    T: int = sizes.block_size
    batch: int = config.batch_size
    held: bool = False   # judged by the end of the training part

    @property
    def path(self): return kept/('-'.join(map(str, self)).replace(' ', '-').replace(',', '') + '.npz')

@cache
def text(held):
    whole = load_corpus('tinyshakespeare')
    return Corpus.from_text(split(whole.text)[0], 'tinyshakespeare, training part') if held else whole

@cache
def tokenizer_of(V, held): return V and BPETokenizer.train(split(text(held).text, text(held).val_share)[0], V)

@cache
def characters_per_token(V, held):
    train_text = split(text(held).text, text(held).val_share)[0]
    return len(train_text)/len(tokenizer_of(V, held).encode(train_text)) if V else 1.

def make_trainer(run):
    c = replace(config, steps=run.steps, eval_every=run.steps, batch_size=run.batch, learning_rate=run.rate, min_lr=run.rate/20, seed=run.seed)
    return FastTrainer(c, replace(sizes, block_size=run.T), text(run.held), tokenizer=tokenizer_of(run.V, run.held))

def hardware(): return f'{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} thread'

def step_times(rounds=7, n=40):
    "Milliseconds of a step for each vocabulary, in turns, one trainer at a time."
    path = kept/'times.json'
    if path.exists(): return json.loads(path.read_text())
    taken = {V: [] for V in Vs}
    for _ in range(rounds):
        for V in Vs:
            trainer = make_trainer(Run('', V, 8e-3, 0, 10_000))
            for _ in range(10): trainer.train_step()   # the first are slow
            start = time.perf_counter()
            for _ in range(n): trainer.train_step()
            taken[V].append((time.perf_counter()-start)/n*1e3)
            del trainer
            gc.collect()
    rows = [dict(tokens=V or 'characters', milliseconds=[round(x, 2) for x in taken[V]],
                 ratio=round(statistics.median(b/a for a,b in zip(taken[None], taken[V])), 4)) for V in Vs]
    path.write_text(json.dumps(dict(steps=rows, hardware=hardware())))
    return step_times()

def train_one(run):
    "One run: its exact loss for every character, kept in a file."
    if run.path.exists(): return run
    torch.set_num_threads(1)
    trainer = make_trainer(run)
    start = time.perf_counter()
    for _ in range(run.steps): trainer.train_step()
    seconds = time.perf_counter() - start
    found = evaluate(trainer.model, trainer.val_ids, history=trainer.train_ids, stride=run.T//2 + 1)
    losses = losses_per_character(found.losses, trainer.val_ids, trainer.tokenizer).numpy()
    m,corpus = trainer.model,trainer.corpus
    rows = sum(p.numel() for p in (m.token_embedding.weight, *m.head.parameters()))
    facts = dict(name=run.name, tokens=run.V or 'characters', rate=run.rate, seed=run.seed, steps=run.steps, precision=trainer.precision,
                 per_token=round(found.nats, 5), loss=round(float(losses.mean()), 5), characters_per_token=round(characters_per_token(run.V, run.held), 4),
                 protocol=found.protocol, seconds=round(seconds, 1), n_params=m.n_params, share=round(rows/m.n_params, 4), model=asdict(m.config),
                 training=asdict(trainer.config), corpus=dict(name=corpus.name, sha256=corpus.sha256, characters=len(corpus)),
                 versions=dict(minigpt=minigpt.__version__, torch=torch.__version__, python=platform.python_version()), hardware=hardware())
    part = run.path.with_suffix('.part.npz')
    np.savez(part, losses=losses, facts=json.dumps(facts))
    part.replace(run.path)   # whole or not at all
    print(f'{run.name:<46} rate {run.rate:<6g} seed {run.seed}: {facts["per_token"]:.4f} nats per token, {facts["loss"]:.4f} per character, {seconds:.0f} s', flush=True)
    return run

def read(run):
    with np.load(run.path) as f: return json.loads(str(f['facts'])),f['losses']

def trial(V, rate): return Run('trial', V, rate, trial_seed, round(config.steps/characters_per_token(V, True)), held=True)

def best_rate(V, tried): return min(tried, key=lambda rate: read(trial(V, rate))[0]['loss'])

def wanted(ratios, best):
    "Name to a function that makes the run of a seed."
    def run(name, V, tokens, T=sizes.block_size, batch=config.batch_size):   # tokens to be read in training
        return {name: lambda seed: Run(name, V, best[V], seed, round(tokens/(T*batch)), T, batch)}
    read_by_first = config.steps*config.batch_size*sizes.block_size
    same = {V: read_by_first/characters_per_token(V, False) for V in Vs}   # tokens in as many characters
    runs = run('characters', None, read_by_first)
    for V in Vs[1:]: runs |= run(f'{V} tokens, as many characters', V, same[V])
    for V in Vs[1:]: runs |= run(f'{V} tokens, as much time', V, read_by_first/ratios[V])
    # why? with as many steps, of half the batch; and with windows of as much text, here and for characters
    short = round(sizes.block_size/characters_per_token(512, False))
    many = round(config.batch_size*sizes.block_size/short)
    return (runs | run('512 tokens, as many characters and steps', 512, same[512], batch=config.batch_size//2)
            | run(f'512 tokens, as many characters, context of {short}', 512, same[512], short, many)
            | run(f'characters, context of {short}', None, read_by_first, short, many))

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--jobs', type=int, default=1, help='runs at a time, a core each (default: 1)')
    args = p.parse_args()
    torch.set_num_threads(1)
    kept.mkdir(parents=True, exist_ok=True)
    times = step_times()
    ratios = {V: row['ratio'] for V,row in zip(Vs, times['steps'])}
    with multiprocessing.get_context('spawn').Pool(args.jobs) as pool:
        def train_all(runs):
            for _ in pool.imap_unordered(train_one, runs, chunksize=1): pass
        tried = {V: list(rates) for V in Vs}
        train_all([trial(V, rate) for V in Vs for rate in rates])
        for V in Vs:   # further up, as long as the highest is the best
            while best_rate(V, tried[V]) == max(tried[V]):
                tried[V].append(2*max(tried[V]))
                train_all([trial(V, tried[V][-1])])
        runs = wanted(ratios, {V: best_rate(V, tried[V]) for V in Vs})
        train_all([make(seed) for seed in seeds for make in runs.values()])
    lines = [dict(kind='time', **times)]
    lines += [dict(kind='trial', **read(trial(V, rate))[0]) for V in Vs for rate in tried[V]]
    losses = {}
    for name,make in runs.items():
        found = [read(make(seed)) for seed in seeds]
        lines += [dict(kind='run', **facts) for facts,_ in found]
        losses[name] = np.stack([l for _,l in found])
    base = losses.pop('characters')
    for name,found in losses.items():
        c = compare(found.mean(0), base.mean(0))
        lines.append(dict(kind='comparison', name=name, against='characters', difference=c.difference, low=c.low, high=c.high,
                          by_seed=[float(d) for d in (found-base).mean(1)], protocol=f'mean of {len(seeds)} seeds, paired blocks of 256, 95 %'))
        print(f'{name:<50} {c.difference:+.4f}, {c.low:+.4f} to {c.high:+.4f}')
    log.write_text(''.join(json.dumps(line) + '\n' for line in lines), encoding='utf-8')

if __name__ == '__main__': main()
