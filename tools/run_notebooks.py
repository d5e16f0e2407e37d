"""Run every page from top to bottom, in place, and clean it: `python tools/run_notebooks.py [nbs/01_bigram.ipynb ...]`

With `--check` nothing is written: it fails if a cell raises, or shows something where the stored page shows
nothing, or the other way round, which is how a cell that was never run is found; or if a table that is rendered from
the logs in examples/ (a Markdown output) is not what the logs say. With `--times` nothing is written either: a table
says how long each page takes, and its slowest cells."""
import argparse, os, sys, time
from pathlib import Path

import nbformat
from execnb.nbio import NbCell
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbdev.clean import nbdev_clean
from nbdev.config import get_config
from nbdev.process import extract_directives

from check_repo import page_faults

root = Path(__file__).resolve().parent.parent
widget = 'application/vnd.jupyter.widget-view+json'
skip_flags = set(get_config(path=root).tst_flags.split())

def skipped(source):
    "Is this a cell that `nbdev_test` leaves out too, or the one that exports?"
    dirs = extract_directives(NbCell(0, dict(cell_type='code', source=source)), remove=False)
    return (skip_flags & set(dirs) or dirs.get('eval:', [''])[0].lower() == 'false'
            or 'nbdev_export(' in source)

class PageClient(NotebookClient):
    async def async_execute_cell(self, cell, cell_index, **kw):
        if cell.cell_type != 'code': return cell
        if skipped(cell.source):
            cell.outputs = []
            return cell
        start = time.perf_counter()
        cell = await super().async_execute_cell(cell, cell_index, **kw)
        self.times = [*getattr(self, 'times', []), (time.perf_counter()-start, cell_index, cell)]
        # a progress bar is for whoever runs the page: a stored one says nothing
        cell.outputs = [o for o in cell.get('outputs', []) if widget not in o.get('data', {})]
        return cell

def execute(path):
    "The notebook at `path`, run in its folder with one thread, and seconds, number and cell for each cell that ran."
    nb = nbformat.read(path, as_version=4)
    client = PageClient(nb, timeout=600, kernel_name='python3', coalesce_streams=True, record_timing=False, store_widget_state=False,
                        resources={'metadata': {'path': str(path.parent)}})
    client.execute()
    return nb,client.times

def show_times(path, times, most=8):
    "The slowest cells of a page, and all of it."
    print(f'{sum(t for t,*_ in times):7.1f} s  {path.name}, {len(times)} cells')
    for t,i,cell in sorted(times, key=lambda row: -row[0])[:most]:
        lines = [l for l in cell.source.splitlines() if not l.startswith('#|')]
        if t > 1: print(f'{t:7.1f} s    cell {i:>3}  {lines[0][:70] if lines else ""}')

def shows(cell):
    "What kinds of output, and the tables word for word."
    outputs = [o for o in cell.get('outputs', []) if o.get('name') != 'stderr']
    return sorted({o['output_type'] for o in outputs} | {''.join(o.get('data', {}).get('text/markdown', '')) for o in outputs})

def run(path, check, times):
    nb,taken = execute(path)
    if times: show_times(path, taken)
    elif check:
        for i,(old,new) in enumerate(zip(nbformat.read(path, as_version=4).cells, nb.cells)):
            if shows(old) != shows(new): sys.exit(f'{path.name}: cell {i} stored {shows(old)}, and shows {shows(new)} when it is run')
    else:
        nbformat.write(nb, path)
        nbdev_clean(str(path))
        if faults := list(page_faults(path)): sys.exit(f'{path.name} {faults[0]}')

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pages', nargs='*', type=Path, help='pages (default: all)')
    parser.add_argument('--check', action='store_true', help='write nothing, and compare')
    parser.add_argument('--times', action='store_true', help='write nothing, and say what takes how long')
    args = parser.parse_args()
    if wrong := [p for p in args.pages if not p.is_file() or p.suffix != '.ipynb']: parser.error(f'{wrong[0]} is no notebook')
    os.environ.setdefault('OMP_NUM_THREADS', '1')   # the pages are made for one core
    failed = 0
    for path in [p.resolve() for p in args.pages] or sorted((root/'nbs').glob('[!_.]*.ipynb')):
        start = time.time()
        try: run(path, args.check, args.times); print(f'{path.name}: {time.time()-start:.0f} s', flush=True)
        except CellExecutionError as e: failed += 1; print(f'{path.name} failed:\n{e}', flush=True)
    sys.exit(failed > 0)

if __name__ == '__main__': main()
