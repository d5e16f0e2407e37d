"""No number without a run: `python tools/check_figures.py` checks the figures in the prose of the pages.

A figure that looks measured (it has a decimal point, a percent sign, or a unit of time, loss or speed) must say where it is
from, in a comment right after it that readers don't see: `in two minutes<!-- cpu.last.seconds/60 -->`. The comment is an
expression over the logs in examples/ (a run by its folder's name, `published` by key, `ablation` by name, `inside` by key, `speed` by
kind and name) and `math`; its
value, rounded as the text rounds it, must be the figure, and a comment without a figure before it is refused. References (`section 3.2`, `Python 3.10`) are no figures.
`--test` plants wrong figures and makes sure that each is found."""
import argparse, json, math, re, sys
from pathlib import Path
from types import SimpleNamespace

root = Path(__file__).resolve().parent.parent
words = dict(zip('''one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty thirty forty fifty sixty seventy eighty ninety twice'''.split(), [*range(1,20),*range(20,100,10),2]))
units = r'nats?|times|seconds?|minutes?|hours?|min|s|ms|[KMG]i?B|characters\ a\ second|tokens\ a\ second'
number = r'\d[\d,]*(?:\.\d+)?'
upto = r'(?:\s[A-Za-z]+){0,3}'   # a source may follow what is counted
figure = re.compile(rf'''(?<![\w.-])(?:
    (?P<decimal>\d[\d,]*\.\d+(?!\.?\d))
  | (?P<counted>{number})(?=\s?%|\s(?:{units})\b)
  | (?P<word>(?i:{"|".join(words)}))(?=\s(?:seconds?|minutes?|hours?)\b|{upto}<!--)
  | (?P<keyed>{number})(?={upto}<!--))
  (?:{upto}(?=<!--)|\s?%|\s(?:million|{units})\b)?
  (?P<key><!--(?P<expression>[^>]*)-->)?''', re.X)
reference = re.compile(r'(?:section|Python|Apache|version|PyTorch)\s$')

def namespace():
    "What an expression can name: the runs, the published figures, the ablation, and mathematics."
    names = {k: getattr(math, k) for k in ('sqrt','log','exp','pi')} | dict(round=round, vars=vars)
    load = lambda text: json.loads(text, object_hook=lambda d: SimpleNamespace(**d))
    read = lambda path: [load(line) for line in path.read_text(encoding='utf-8').splitlines()]
    for path in (root/'examples').glob('*/metrics.jsonl'):
        rows = read(path)
        names[path.parent.name] = SimpleNamespace(
            first=rows[0], best=min(rows, key=lambda r: r.val_loss), last=rows[-1],
            config=load((path.parent/'config.json').read_text(encoding='utf-8')))
    names['published'] = SimpleNamespace(**{r.key: r.value for r in read(root/'examples'/'published.jsonl')})
    if (path := root/'examples'/'ablation.jsonl').exists():
        names['ablation'] = {r.name: r for r in read(path) if r.kind == 'comparison'}
    if (path := root/'examples'/'speed.jsonl').exists():
        names['speed'] = {f'{r.kind}: {r.name}': r for r in read(path)}
    if (path := root/'examples'/'inside.jsonl').exists(): names['inside'] = {r.key: r for r in read(path)}
    return names

def prose(text):
    "The text without code, formulas and markup."
    for pattern in (r'```.*?```', r'\$\$.*?\$\$', r'`[^`\n]*`', r'^    .*$', r'\]\([^)]*\)', r'<\w[^>\n]*>'):
        text = re.sub(pattern, lambda m: '·'*len(m[0]), text, flags=re.S|re.M if pattern.startswith('^') else re.S)
    return text

def problems(text, names):
    "What is wrong with the figures of a text: pairs of place and sentence."
    text = prose(text)
    used = {m.end() for m in figure.finditer(text) if m['key']}
    for m in re.finditer('<!--(?! fold:).*?-->', text, re.S):   # a mark of tools/site_pages.py
        if m.end() not in used: yield f'no figure belongs to {m[0]!r}'
    for m in figure.finditer(text):
        if reference.search(text[:m.start()]): continue
        said = m['decimal'] or m['counted'] or m['word'] or m['keyed']
        at = ' '.join(text[max(0, m.start()-30):m.end()+10].split())
        if not m['key']: yield f'{said!r} has no source, in {at!r}'; continue
        try: value = eval(m['expression'], {'__builtins__': {}}, names)
        except Exception as e:
            yield f'{said!r}: {m["expression"].strip()!r} cannot be evaluated ({e!r})'
            continue
        digits = len(said.partition('.')[2])
        shown = float(words.get(said.lower()) or said.replace(',', ''))
        if abs(value-shown) > .5*10**-digits * (1+1e-9):
            yield f'{said!r} should be {value:.{digits+2}f}, in {at!r}'

def texts():
    "Every piece of prose, with a name for it."
    for path in sorted((root/'nbs').glob('[!_.]*.ipynb')):
        for c in json.loads(path.read_text(encoding='utf-8'))['cells']:
            if c['cell_type'] == 'markdown': yield f"{path.name} {c['id']}", ''.join(c['source'])
    for name in ('CONTRIBUTING.md','CHANGELOG.md'): yield name, (root/name).read_text(encoding='utf-8')

def test(names):
    "Planted figures, each of which must be found, and honest ones, which must pass."
    val = names['cpu'].best.val_loss
    for bad in (f'a loss of {val:.4f}', 'it takes two minutes', '12 % of the lines', f'{val+.01:.4f}<!-- cpu.best.val_loss -->',
                '30 times<!-- 3 -->', '1.2<!-- cpu.no_such_key -->', '31<!-- 30 -->, and', 'nine<!-- 8 --> of them', 'fifteen steps<!-- 14 -->',
                '86 million bytes<!-- 3 -->', '**31**<!-- 31 -->', 'nine minutes<!-- cpu.last.seconds/60 -->'):
        assert list(problems(bad, names)), f'not found: {bad}'
    for good in (f'{val:.4f}<!-- cpu.best.val_loss -->', f'{val:.2f}<!-- cpu.best.val_loss -->', 'section 3.2',
                 '`0.5`', 'six heads', '1.41<!-- sqrt(2) -->'):
        assert not list(problems(good, names)), f'wrongly refused: {good}'
    pages = dict(texts())   # and in a real page: one digit off
    keyed = lambda t: any(m['key'] and m['decimal'] for m in figure.finditer(t))
    place,text = next((p,t) for p,t in pages.items() if keyed(t) and not list(problems(t, names)))
    m = next(m for m in figure.finditer(text) if m['key'] and m['decimal'])
    wrong = text[:m.start()] + m[0].replace(m['decimal'], f"{float(m['decimal'])*1.1:.4f}") + text[m.end():]
    assert list(problems(wrong, names)), place
    print('planted figures were found')

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--test', action='store_true', help='check the check')
    names = namespace()
    if parser.parse_args().test: return test(names)
    found = [f'{place}: {p}' for place,text in texts() for p in problems(text, names)]
    print('\n'.join(found) or 'every figure in the prose has its source')
    sys.exit(bool(found))

if __name__ == '__main__': main()
