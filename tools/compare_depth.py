"""Does depth pay? The recipe `cpu` with one, two and four layers, judged by the last tenth of the training part.

`python tools/compare_depth.py` takes about four minutes on two cores and writes examples/depth.jsonl, a line a model."""
import json
from dataclasses import replace
from pathlib import Path

from minigpt import Corpus, load_corpus, split
from minigpt.train import get_preset, train

log = Path(__file__).resolve().parent.parent/'examples'/'depth.jsonl'

def main():
    config,sizes = get_preset('cpu')
    corpus = Corpus.from_text(split(load_corpus('tinyshakespeare').text)[0], 'tinyshakespeare, training part')
    lines = []
    for n in (1,2,4):
        run = train(replace(config, eval_every=900), replace(sizes, n_layer=n), corpus, progress=False)
        lines.append(json.dumps(dict(run.describe(), git=None, last=run.last)))
        print(f"{n} layers: {run.last['val_loss']:.4f} nats in {run.seconds:.0f} s", flush=True)
    log.write_text('\n'.join(lines) + '\n', encoding='utf-8')

if __name__ == '__main__': main()
