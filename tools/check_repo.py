"""Checks that need no running of pages: `python tools/check_repo.py package|pages|wheel FILE`

package: minigpt/ is what the notebooks export.  pages: notebooks are clean, free of errors and of this
machine's paths, and small.  wheel: a built wheel holds the package and its data, and nothing else."""
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
        shutil.copy(root/'minigpt'/'__init__.py', Path(d)/'minigpt')
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
        for out in cell.get('outputs', []):
            if out['output_type'] == 'error': yield f'cell {i} stored an error'
            shown = {k: v for k,v in out.get('data', {}).items() if not k.startswith('image/')}
            said = json.dumps([shown, out.get('text', '')])
            if m := re.search(r'/(home|root|tmp|Users|usr|var)/\S*|(?<![\w.:/])/\w[\w.-]*/[\w./-]+\.(py|ipynb|txt|json)\b', said):
                yield f'cell {i} shows a path of the machine it ran on: {m[0][:60]}'
    _nbdev_clean(nb)
    if nb2str(nb) != text: yield 'is not clean: run nbdev_clean'
    if len(text) > 1_000_000: yield f'has {len(text):,} characters: make its pictures smaller'

def notebooks(): return [f'nbs/{p.name} {fault}' for p in pages for fault in page_faults(p)]

def wheel(path):
    data = (p for p in (root/'minigpt'/'data').rglob('*') if p.is_file())
    wanted = {p.relative_to(root).as_posix() for p in (*(root/'minigpt').glob('*.py'), *data)}
    found = {n for n in zipfile.ZipFile(path).namelist() if '.dist-info/' not in n}
    return [f'{n} is missing from the wheel' for n in sorted(wanted-found)] + [f'{n} has no place in the wheel' for n in sorted(found-wanted)]

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=['package','pages','wheel'])
    parser.add_argument('file', nargs='?', help='of the wheel')
    args = parser.parse_args()
    if (args.file is None) == (args.what == 'wheel'): parser.error('a file is named for the wheel, and for nothing else')
    if args.file and not zipfile.is_zipfile(args.file): parser.error(f'{args.file} is no wheel')
    faults = dict(package=package, pages=notebooks, wheel=lambda: wheel(args.file))[args.what]()
    if faults: sys.exit('\n'.join(faults))

if __name__ == '__main__': main()
