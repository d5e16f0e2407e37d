"""Put the model of examples/cpu into the package, its weights rounded to 16 bits: `python tools/make_voice.py`

`minigpt_train --preset cpu --out examples/cpu` makes that run. What is shipped is loaded again, and what is written to its
evaluation.json is its own exact loss, beside that of the run before rounding."""
import argparse
from pathlib import Path

from minigpt import CharTokenizer, GPTLanguageModel, compare, evaluate, load_corpus, split
from minigpt.files import write_json
from minigpt.tokenizer import find_pretrained

root = Path(__file__).resolve().parent.parent

def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    run,voice = root/'examples'/'cpu',find_pretrained('shakespeare-small')
    whole,tokenizer = GPTLanguageModel.from_pretrained(run),CharTokenizer.from_pretrained(run)
    GPTLanguageModel.from_pretrained(run).half().save_pretrained(voice)
    tokenizer.save_pretrained(voice)
    corpus = load_corpus('tinyshakespeare')
    train,val = split(tokenizer.encode(corpus.text))
    scores = [evaluate(m, val, history=train) for m in (whole, GPTLanguageModel.from_pretrained(voice))]
    config = dict(type='gpt', model=vars(whole.config), corpus=dict(name=corpus.name, sha256=corpus.sha256))
    write_json(voice/'config.json', config)   # with the text, so that minigpt_eval knows it
    result = compare(scores[1].losses, scores[0].losses)
    write_json(voice/'evaluation.json', dict(nats=scores[1].nats, protocol=scores[1].protocol, unrounded=scores[0].nats,
                                             difference=[result.difference, result.low, result.high],
                                             corpus=corpus.name, sha256=corpus.sha256))
    size = sum(p.stat().st_size for p in voice.iterdir())
    print(f'{voice.relative_to(root)}: {size/1e6:.2f} MB, {scores[1].nats:.4f} nats, rounding {result.difference:+.6f}')

if __name__ == '__main__': main()
