"""Checks that need no running of pages: `python tools/check_repo.py package|pages|imports|wheel FILE`

package: minigpt/ is what the notebooks export.  pages: notebooks are clean, free of errors, of
warnings and of this machine's paths, and small; lines of code stop at 88 characters.  imports: no page and no module imports from a page with a higher number, not even in
a string that another process runs, and none from PyTorch's private modules; a page without a number may be
imported by any page, and imports from none that has one.  wheel: a built wheel holds the package
and its data, and nothing else."""
import argparse, json, os, re, shutil, subprocess, sys, tempfile, zipfile
from pathlib import Path

from execnb.nbio import nb2str
from nbdev.clean import _nbdev_clean   # cleans as nbdev_clean does, by settings.ini

root = Path(__file__).resolve().parent.parent
pages = sorted((root/'nbs').glob('*.ipynb'))

def package():
    "Export a copy of the notebooks and compare the modules, also for ones that should not be there."
    with tempfile.TemporaryDirectory() as d:
        for name in ('settings.ini', 'nbs'):
            (shutil.copytree if (root/name).is_dir() else shutil.copy)(root/name, Path(d)/name)
        (Path(d)/'minigpt').mkdir()
        for name in ('__init__.py', '__main__.py'): shutil.copy(root/'minigpt'/name, Path(d)/'minigpt')
        env = {k: v for k,v in os.environ.items() if k != 'IN_TEST'}
        subprocess.run(['nbdev_export'], cwd=d, env=env, check=True)
        files = lambda r: {p.name: p.read_bytes() for p in (r/'minigpt').glob('*.py')}
        ours,fresh = files(root),files(Path(d))
    return [f'minigpt/{n} is not what the notebooks export: run nbdev_export'
            for n in sorted(ours.keys() | fresh.keys()) if ours.get(n) != fresh.get(n)]

def page_faults(path):
    text = path.read_text(encoding='utf-8')
    nb = json.loads(text)
    ids = [c.get('id') for c in nb['cells']]
    if None in ids or len(set(ids)) < len(ids): yield 'has cells without an id of their own'
    for i,cell in enumerate(nb['cells']):
        if cell['cell_type'] == 'code':
            for line in ''.join(cell['source']).split('\n'):
                if len(line) > 88 and not line.startswith('#|'): yield f'cell {i} has a line of {len(line)} characters: {line[:60]}'
        for out in cell.get('outputs', []):
            if out['output_type'] == 'error': yield f'cell {i} stored an error'
            if out.get('name') == 'stderr' and (m := re.search(r'\w*Warning:.*|findfont.*', ''.join(out['text']))): yield f'cell {i} stored a warning: {m[0]}'
            shown = {k: v for k,v in out.get('data', {}).items() if not k.startswith('image/')}
            said = json.dumps([shown, out.get('text', '')])
            if m := re.search(r'/(home|root|tmp|Users|usr|var)/\S*|(?<![\w.:/])/\w[\w.-]*/[\w./-]+\.(py|ipynb|txt|json)\b', said):
                yield f'cell {i} shows a path of the machine it ran on: {m[0][:60]}'
    _nbdev_clean(nb)
    if nb2str(nb) != text: yield 'is not clean: run nbdev_clean'
    if len(text) > 1_000_000: yield f'has {len(text):,} characters: make its pictures smaller'

def notebooks(): return [f'nbs/{p.name} {fault}' for p in pages for fault in page_faults(p)]

def homes():
    "Number of the page of each module, -1 if it has none, and the module of each name that `minigpt` itself gives."
    number = {}
    for page in pages:
        if found := re.search(r'#\| default_exp (\w+)', page.read_text(encoding='utf-8')): number[found[1]] = page.name[:2]
    import minigpt
    return {m: int(n) if n.isdigit() else -1 for m,n in number.items()},minigpt._home

private = re.compile(r'(?<![\'"])torch\._(?!_)\w+|make_fx|torch\.fx\.experimental')

def import_faults(name, own, text, number, home):
    "What a page or module of this number imports from its right."
    for line in text.split('\n'):
        if m := private.search(line.split('#')[0]): yield f'{name} uses {m[0]}, which is not documented'
    text = re.sub(r'^\s*#.*', '', text, flags=re.M)
    text = re.sub(r"'minigpt\.\w+:\w+'", '', text)   # the types that files knows are imported when a folder has one
    # the commands live on the page `run`, whoever starts them, and `python -m minigpt.train` is one of them
    named = {('run',m[0]) for m in re.finditer(r'-m[\'", ]+minigpt(\.train)?\b(?!\.)|[\'"]minigpt_(train|generate|eval|play)[\'"]', text)}
    named |= {(m[1],m[0]) for m in re.finditer(r'(?:\bminigpt|from\s+)\.(\w+)', text)}
    for m in re.finditer(r'from\s+(?:minigpt|\.)\s+import\s+(\([^)]*\)|[\w, ]+)', text): named |= {(w,w) for w in re.findall(r'\w+', m[1])}
    for word,said in sorted(named):
        module = word if word in number else home.get(word)
        if number.get(module, -1) > own: yield f'{name} uses minigpt.{module} ({said}), which stands to its right'

def imports():
    number,home = homes()
    faults = []
    for page in pages:
        if page.stem == 'index': continue
        cells = [''.join(c['source']) for c in json.loads(page.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'code']
        text = '\n'.join(c for c in cells if "__name__ == '__main__'" not in c)
        own = int(page.name[:2]) if page.name[:2].isdigit() else -1
        faults += import_faults(f'nbs/{page.name}', own, text, number, home)
    for module in sorted((root/'minigpt').glob('[!_]*.py')):
        text = re.sub(r"if __name__ == '__main__'.*?(?=\n\S)", '', module.read_text(encoding='utf-8'), flags=re.S)
        faults += import_faults(f'minigpt/{module.name}', number.get(module.stem, -1), text, number, home)
    return list(dict.fromkeys(faults))

def wheel(path):
    data = (p for p in (root/'minigpt'/'data').rglob('*') if p.is_file())
    wanted = {p.relative_to(root).as_posix() for p in (*(root/'minigpt').glob('*.py'), *data)}
    found = {n for n in zipfile.ZipFile(path).namelist() if '.dist-info/' not in n}
    return [f'{n} is missing from the wheel' for n in sorted(wanted-found)] + [f'{n} has no place in the wheel' for n in sorted(found-wanted)]

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=['package','pages','imports','wheel'])
    parser.add_argument('file', nargs='?', help='of the wheel')
    args = parser.parse_args()
    if (args.file is None) == (args.what == 'wheel'): parser.error('a file is named for the wheel, and for nothing else')
    if args.file and not zipfile.is_zipfile(args.file): parser.error(f'{args.file} is no wheel')
    faults = dict(package=package, pages=notebooks, imports=imports, wheel=lambda: wheel(args.file))[args.what]()
    if faults: sys.exit('\n'.join(faults))

if __name__ == '__main__': main()
