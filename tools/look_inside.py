"""Measure what the pages Inside and Parts only sample: `python tools/look_inside.py [lens] [depths] [parts] [induction]`

lens: train the preset `cpu` and write down, at a dozen steps, the loss of the logit lens at every depth and the
highest score of a previous-token head (some 15 minutes of one core).  depths: lens and probe at every depth of
`shakespeare-small`, on the whole validation part (some 2 minutes).  parts: mean and zero ablation of every part of
`shakespeare-small` on the whole validation part (some 5 minutes).  induction: train the model of `induction_recipe`
with three seeds, and one of a single layer, and keep the first (some 5 minutes).  Without a name, all. Each replaces
its own lines in examples/inside.jsonl; losses are in nats per character, the first three with overlapping windows."""
import argparse, json
from pathlib import Path

from minigpt.bigram import CountModel, evaluate
from minigpt.evaluation import compare
from minigpt.files import load_pretrained
from minigpt.gpt import GPTConfig
from minigpt.inside import LogitLens, fit_probe, head_census, with_hooks
from minigpt.parts import (ablation, copying_text, induction_recipe, mean_activations, model_parts,
                           repetition_test)
from minigpt.run import get_preset, train
from minigpt.tokenizer import Corpus, load_corpus
from minigpt.train import Callback, TrainConfig, Trainer

log = Path(__file__).resolve().parent.parent/'examples'/'inside.jsonl'
at_steps = [0, 25, 50, 100, 150, 200, 300, 450, 700, 1000, 1500, 2200, 3000]

def overlapping(model, ids, history):
    return evaluate(model, ids, history=history, stride=model.block_size//2 + 1)

class Lenses(Callback):
    "Looks at the model at some steps, and changes nothing."
    def __init__(self): self.rows = []
    def before_fit(self, trainer): self.look(trainer)
    def after_step(self, trainer, loss, grad_norm):
        if trainer.step in at_steps: self.look(trainer)
    def look(self, trainer):
        model,ids = trainer.model,trainer.val_ids[:20_000].long()
        losses = [overlapping(LogitLens(model, depth), ids, trainer.train_ids).nats
                  for depth in range(len(model.blocks)+1)]
        scores,_ = head_census(model, trainer.tokenizer, trainer.tokenizer.decode(ids[:4000]))
        self.rows.append(dict(key=f'lens, step {trainer.step}', step=trainer.step,
                              losses=[round(x, 4) for x in losses],
                              previous=round(scores['1 back'].max().item(), 3),
                              itself=round(scores['itself'].max().item(), 3)))
        print(self.rows[-1], flush=True)

def lens():
    "The logit lens over a training."
    config,sizes = get_preset('cpu')
    looking = Lenses()
    train(config, sizes, load_corpus('tinyshakespeare'), callbacks=[looking])
    return looking.rows

def depths():
    "Logit lens and probe of the trained model."
    model,tok = load_pretrained('shakespeare-small')
    _,train_ids,val_ids = load_corpus('tinyshakespeare').encoded(tok)
    rows = []
    for depth in range(len(model.blocks)+1):
        looking = LogitLens(model, depth)
        lens = overlapping(looking, val_ids, train_ids).nats
        probe = overlapping(fit_probe(looking, train_ids), val_ids, train_ids).nats
        rows.append(dict(key=f'depths, {depth}', depth=depth, lens=round(lens, 4), probe=round(probe, 4)))
        print(rows[-1], flush=True)
    ngrams = CountModel(7, tok.vocab_size).fit(train_ids)
    counted = {n: round(ngrams.shorter(n).losses(val_ids, history=train_ids).mean().item(), 4) for n in range(1, 8)}
    return rows + [dict(key='depths, n-grams', losses=counted)]

def parts():
    "What each part of the trained model is worth."
    model,tok = load_pretrained('shakespeare-small')
    _,train_ids,val_ids = load_corpus('tinyshakespeare').encoded(tok)
    val_ids = val_ids.long()
    whole,means = overlapping(model, val_ids, train_ids),mean_activations(model, train_ids, n_windows=1000)
    rows = [dict(key='parts, whole', nats=round(whole.nats, 4))]
    for part in model_parts(model):
        for kind,value in (('mean', means[part]), ('zero', None)):
            with with_hooks(model, ablation(model, part, value)): loss = overlapping(model, val_ids, train_ids)
            c = compare(loss.losses, whole.losses)
            rows.append(dict(key=f'parts, {kind}: {part}', part=part, kind=kind, difference=round(c.difference, 4),
                             low=round(c.low, 4), high=round(c.high, 4)))
            print(rows[-1], flush=True)
    return rows

class Repeats(Callback):
    "Asks every 50 steps whether the model can repeat."
    def __init__(self): self.steps,self.tests = [],[]
    def before_fit(self, trainer): self.look(trainer)
    def after_step(self, trainer, loss, grad_norm):
        if trainer.step % 50 == 0: self.look(trainer)
    def look(self, trainer):
        letters = trainer.tokenizer.encode('abcdefghijklmnopqrstuvwxyz')
        self.steps.append(trainer.step)
        self.tests.append(repetition_test(trainer.model, letters))

def induction():
    "Models that learn to repeat."
    rows,corpus = [],Corpus.from_text(copying_text(200_000), 'copies')
    for seed,layers in ((1,2), (2,2), (3,2), (1,1)):
        config = TrainConfig(**induction_recipe['training'] | dict(seed=seed, device='cpu'))
        sizes = GPTConfig(**induction_recipe['model'] | dict(n_layer=layers))
        asked = Repeats()
        trainer = Trainer(config, sizes, corpus, callbacks=[asked]).fit()
        seconds = trainer.seconds
        letters = trainer.tokenizer.encode('abcdefghijklmnopqrstuvwxyz')
        shuffled = repetition_test(trainer.model, letters, shuffle=True)['second']
        if not rows:   # half the bits; page 16 checks that they do the same
            trainer.model.half().save_pretrained(log.parent/'induction')
            trainer.tokenizer.save_pretrained(log.parent/'induction')
        rounded = lambda name: [round(t[name], 3) for t in asked.tests]
        best = lambda name, layer: [round(t[name][layer].max().item(), 3) for t in asked.tests]
        rows.append(dict(key=f'induction, {layers} layers, seed {seed}', layers=layers, seed=seed, steps=asked.steps,
                         first=rounded('first'), second=rounded('second'), previous=best('previous', 0),
                         induction=best('induction', layers-1), shuffled=round(shuffled, 3), seconds=round(seconds)))
        print({k: v for k,v in rows[-1].items() if not isinstance(v, list)}, rows[-1]['second'][-1], flush=True)
    return rows

def main():
    jobs = dict(lens=lens, depths=depths, parts=parts, induction=induction)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', nargs='*', choices=[*jobs, []], help='which; all if none is named')
    args = parser.parse_args()
    for name in args.what or jobs:
        rows = jobs[name]()
        old = [json.loads(l) for l in log.read_text().splitlines()] if log.exists() else []
        kept = [r for r in old if not r['key'].startswith(name)]
        log.write_text('\n'.join(json.dumps(r) for r in kept + rows) + '\n')

if __name__ == '__main__': main()
