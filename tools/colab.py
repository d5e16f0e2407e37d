"""Have every page run on Colab: `python tools/colab.py` puts a hidden cell at its beginning, or takes it away

The cell gets the repository that `git_url` in settings.ini names and installs the package from it, with the torch that is
there already. Without a `git_url` there is nothing to get, and no page has the cell. With `--check` nothing is written: it
fails if a page has not what it should have."""
import argparse, json, sys
from pathlib import Path

from nbdev.config import get_config

root = Path(__file__).resolve().parent.parent
cell_id = 'colab000'

def colab_source(git_url, branch, repo):
    return f"""#| hide
#| eval: false
# on Colab: the package and its logs, with the torch that is there
import os, subprocess, sys
from importlib.metadata import version
if 'google.colab' in sys.modules and not os.path.exists('/content/{repo}'):
    home = '{git_url}'
    for command in (f'git clone -q --depth 1 -b {branch} {{home}} /content/{repo}',
                    f'{{sys.executable}} -m pip install -q nbdev<3 /content/{repo} '
                    f'torch=={{version("torch")}}'):
        subprocess.run(command.split(), check=True)
    os.chdir('/content/{repo}/nbs')"""

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true', help='write nothing, and fail where something would be written')
    check = parser.parse_args().check
    conf = get_config(path=root)
    wrong = []
    for page in sorted((root/'nbs').glob('*.ipynb')):
        nb = json.loads(page.read_text(encoding='utf-8'))
        cells = [c for c in nb['cells'] if c['id'] != cell_id]
        if conf.git_url:
            source = colab_source(conf.git_url.rstrip('/'), conf.branch, conf.repo).splitlines(keepends=True)
            cells.insert(1, dict(cell_type='code', execution_count=None, id=cell_id, metadata={}, outputs=[], source=source))
        if cells == nb['cells']: continue
        wrong.append(page.name)
        if not check: page.write_text(json.dumps(nb | dict(cells=cells), indent=1, sort_keys=True, ensure_ascii=False) + '\n', encoding='utf-8')
    if check and wrong: sys.exit(f'{", ".join(wrong)}: run python tools/colab.py')
    print(f'{len(wrong)} pages changed')

if __name__ == '__main__': main()
