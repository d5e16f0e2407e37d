"Write README.md from nbs/index.ipynb: `python tools/make_readme.py`, or `--check` to compare only."
import argparse, re, sys
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter
from nbdev.process import extract_directives
from execnb.nbio import NbCell

root = Path(__file__).resolve().parent.parent
images = Path('nbs')/'images'

def visible(cell):
    "A copy of `cell` as a reader should see it, or None."
    if cell.cell_type != 'code': return cell
    probe = NbCell(0, dict(cell_type='code', source=cell.source))
    dirs = extract_directives(probe)   # takes nbdev's lines out of probe.source
    if 'hide' in dirs: return None
    echo = 'echo: false' not in cell.source
    cell.source = '\n'.join(l for l in cell.source.splitlines() if not l.startswith('#|'))
    cell.metadata['transient'] = dict(remove_source=not echo)
    return cell

def readme():
    "The text of README.md and its images, as {path: bytes}."
    nb = nbformat.read(root/'nbs'/'index.ipynb', as_version=4)
    nb.metadata['language_info'] = dict(name='python')
    nb.cells = [c for c in map(visible, nb.cells) if c is not None]
    text,res = MarkdownExporter().from_notebook_node(nb, dict(output_files_dir=images.as_posix(), unique_key='index'))
    for page in (root/'nbs').glob('*.ipynb'): text = text.replace(f']({page.name})', f'](nbs/{page.name})')
    text = text.replace('![png](', '![The loss of the full GPT falls past every n-gram model, and rises again; below it what it generates at four stages](')
    picture = '<img src="nbs/images/play.png" width="420" alt="The page of a small model: a prompt, settings, what it has written, and how likely the next characters are">'
    text = re.sub('<details class="try">.*?</details>', picture, text, flags=re.S)   # nothing runs in a README
    return {'README.md': (text.strip()+'\n').encode(), **res['outputs']}

def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='write nothing, and compare')
    check = parser.parse_args().check
    files,stale = readme(),[]
    for name,data in files.items():
        path = root/name
        if path.exists() and path.read_bytes() == data: continue
        stale.append(name)
        if not check: path.parent.mkdir(exist_ok=True); path.write_bytes(data)
    if check and stale: sys.exit(f'not as index.ipynb has it: {", ".join(stale)}; run tools/make_readme.py')

if __name__ == '__main__': main()
