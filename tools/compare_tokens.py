"""Characters or longer tokens? `python tools/compare_tokens.py` trains both and writes examples/tokens.jsonl.

Models of one shape read Tiny Shakespeare as characters and as 320, 512 and 1,024 tokens: once with as many characters
read as the first, once with as much time as it took, steps being timed in turns. The merges are learned from the
training part. The rate is the best of three, found with one more seed on the last tenth of the *training* part; the
validation part is read once, by the last weights. About an hour on one core. Stopped and started again, it goes on
with what is missing; what is there is in runs/tokens, which has to be deleted after a change to a model's code."""
import argparse, json, platform, statistics, time
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

import minigpt
from minigpt.bigram import evaluate
from minigpt.bpe import BPETokenizer
from minigpt.evaluation import compare, losses_per_character
from minigpt.gpt import GPTConfig
from minigpt.run import get_preset
from minigpt.speed import FastTrainer
from minigpt.tokenizer import Corpus, load_corpus, split
from minigpt.train import TrainConfig

root = Path(__file__).resolve().parent.parent
log,kept = root/'examples'/'tokens.jsonl',root/'runs'/'tokens'   # runs/ is not in the repository
trial_seed,seeds,rates = 0,(1,2,3),(4e-3,8e-3,1.6e-2)
config,sizes = get_preset('cpu')
config = replace(config, steps=1500, eval_every=1500, device='cpu')
whole = load_corpus('tinyshakespeare')
held = Corpus.from_text(split(whole.text)[0], 'tinyshakespeare, training part')

class Run(NamedTuple):
    name: str         # what it is called in the log
    V: int            # how many tokens; None: characters
    budget: str       # 'characters' or 'time': what it has as much of as the first
    rate: float
    seed: int
    T: int = sizes.block_size
    batch: int = config.batch_size

def tokenizer_of(V, corpus):
    return V and BPETokenizer.train(split(corpus.text, corpus.val_share)[0], V)

def make_trainer(run, corpus, steps):
    c = replace(config, steps=steps, eval_every=steps, batch_size=run.batch, learning_rate=run.rate, min_lr=run.rate/20, seed=run.seed)
    return FastTrainer(c, replace(sizes, block_size=run.T), corpus, tokenizer=tokenizer_of(run.V, corpus))

def keep(name, find):
    "What was found before, or is found now, as JSON and an array of losses."
    path = kept/f'{name}.npz'
    if not path.exists():
        facts,losses = find()
        part = path.with_suffix('.part.npz')
        np.savez(part, losses=losses, facts=json.dumps(facts))
        part.replace(path)   # whole or not at all
        print(json.dumps({k: v for k,v in facts.items() if k not in ('model','training','versions')}), flush=True)
    with np.load(path) as f: return json.loads(str(f['facts'])),f['losses']

def step_times(Vs, rounds=7, n=20):
    "Milliseconds of a step for each, in turns."
    trainers = {V: make_trainer(Run('',V,'',8e-3,0), whole, 10_000) for V in Vs}
    taken = {V: [] for V in Vs}
    for _ in range(rounds+1):   # the first round is slow
        for V,t in trainers.items():
            start = time.perf_counter()
            for _ in range(n): t.train_step()
            taken[V].append((time.perf_counter()-start)/n*1e3)
    ratios = {V: statistics.median(b/a for a,b in zip(taken[None][1:], taken[V][1:])) for V in Vs}
    rows = [dict(tokens=V or 'characters', milliseconds=[round(x, 2) for x in taken[V][1:]], ratio=round(ratios[V], 4)) for V in Vs]
    return dict(steps=rows, hardware=hardware()),np.zeros(0)

def hardware():
    return f'{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} thread'

def train_one(run, corpus, ratios):
    trainer = make_trainer(run, corpus, 1)
    per_token = len(trainer.tokenizer.decode(trainer.train_ids))/len(trainer.train_ids)
    tokens = config.batch_size*sizes.block_size/(run.batch*run.T)
    steps = config.steps*tokens/(per_token if run.budget == 'characters' else ratios[run.V])
    trainer = make_trainer(run, corpus, round(steps))
    start = time.perf_counter()
    for _ in range(trainer.config.steps): trainer.train_step()
    seconds = time.perf_counter() - start
    found = evaluate(trainer.model, trainer.val_ids, history=trainer.train_ids, stride=run.T//2 + 1)
    losses = losses_per_character(found.losses, trainer.val_ids, trainer.tokenizer).numpy()
    m,n_params = trainer.model,trainer.model.n_params
    rows = sum(p.numel() for p in (m.token_embedding.weight, *m.head.parameters()))
    return dict(name=run.name, tokens=run.V or 'characters', budget=run.budget, rate=run.rate, seed=run.seed,
                steps=trainer.config.steps, precision=trainer.precision, per_token=round(found.nats, 5), loss=round(float(losses.mean()), 5),
                characters_per_token=round(per_token, 4), protocol=found.protocol, seconds=round(seconds, 1), n_params=n_params,
                share=round(rows/n_params, 4), model=asdict(m.config), training=asdict(trainer.config),
                corpus=dict(name=corpus.name, sha256=corpus.sha256, characters=len(corpus)),
                versions=dict(minigpt=minigpt.__version__, torch=torch.__version__, python=platform.python_version()),
                hardware=hardware()),losses

def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    torch.set_num_threads(1)
    kept.mkdir(parents=True, exist_ok=True)
    Vs = [None,320,512,1024]
    times,_ = keep('times', lambda: step_times(Vs))
    ratios = {V: row['ratio'] for V,row in zip(Vs, times['steps'])}
    lines,best = [dict(kind='time', **times)],{}
    for V in Vs:
        tried = []
        for rate in rates:
            run = Run('trial', V, 'characters', rate, trial_seed)
            tried.append(keep(f'trial-{V}-{rate}', lambda: train_one(run, held, ratios))[0])
        lines += [dict(kind='trial', **t) for t in tried]
        best[V] = min(tried, key=lambda t: t['loss'])['rate']
    # the window of the others holds more text: here one that holds as much
    short = round(64/1.964)
    runs = {'characters': lambda s: Run('characters', None, 'characters', best[None], s)}
    for budget in ('characters','time'):
        for V in Vs[1:]:
            runs[f'{V} tokens, as {"many characters" if budget == "characters" else "much time"}'] = (
                lambda s, V=V, budget=budget: Run('', V, budget, best[V], s))
    runs['512 tokens, a context of as many characters'] = lambda s: Run('', 512, 'characters', best[512], s, short, round(24*64/short))
    losses = {}
    for seed in seeds:   # in turns
        for name,make in runs.items():
            run = make(seed)._replace(name=name)
            facts,found = keep(f"{name.replace(' ', '-').replace(',', '')}-{seed}", lambda: train_one(run, whole, ratios))
            lines.append(dict(kind='run', **facts))
            losses.setdefault(name, []).append(found)
    base = np.stack(losses['characters'])
    for name,found in losses.items():
        if name == 'characters': continue
        found = np.stack(found)
        c = compare(found.mean(0), base.mean(0))
        lines.append(dict(kind='comparison', name=name, against='characters', difference=c.difference, low=c.low, high=c.high,
                          by_seed=[float(d) for d in (found-base).mean(1)], protocol=f'mean of {len(seeds)} seeds, paired blocks of 256, 95 %'))
        print(f'{name:<45} {c.difference:+.4f}, {c.low:+.4f} to {c.high:+.4f}')
    log.write_text(''.join(json.dumps(line) + '\n' for line in lines), encoding='utf-8')

if __name__ == '__main__': main()
