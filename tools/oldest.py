"""The tests with the oldest versions: `python tools/oldest.py [--torch 2.13.0] [--pages nbs/03_gpt.ipynb ...]`

Builds a virtual environment with the lower bounds that settings.ini gives for each package, says which versions came of
it, and runs the pages as tests there, in a copy of the repository. `--torch` takes another PyTorch, where the oldest has
no build for this machine. CONTRIBUTING.md says which bounds were run, and which are believed."""
import argparse, configparser, os, re, shutil, subprocess, sys, tempfile
from pathlib import Path

root = Path(__file__).resolve().parent.parent

def bounds():
    "Package to its lower bound, from settings.ini."
    ini = configparser.ConfigParser(delimiters=['='])
    ini.read(root/'settings.ini', encoding='utf-8')
    found = dict(re.match(r'([\w-]+)(?:>=([\d.]+))?', r).groups() for key in ('requirements','hf_requirements') for r in ini['DEFAULT'][key].split())
    if missing := [name for name,low in found.items() if low is None]: sys.exit(f'settings.ini has no lower bound for {", ".join(missing)}')
    return found

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--torch', help='another version of PyTorch')
    parser.add_argument('--pages', nargs='*', type=Path, help='pages (default: all)')
    args = parser.parse_args()
    pins = bounds() | (dict(torch=args.torch) if args.torch else {})
    with tempfile.TemporaryDirectory() as d:
        d = Path(d)
        copy,python = d/'minigpt',d/'venv'/('Scripts' if os.name == 'nt' else 'bin')/'python'
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns('.git', '.venv', '_docs', 'runs', '__pycache__'))
        (d/'pins.txt').write_text(''.join(f'{name}=={low}\n' for name,low in pins.items()))
        def run(*words, **kw): return subprocess.run([str(w) for w in words], check=True, cwd=copy, **kw)
        run(sys.executable, '-m', 'venv', d/'venv')
        run(python, '-m', 'pip', 'install', '-q', f"torch=={pins['torch']}")
        run(python, '-m', 'pip', 'install', '-q', '-c', d/'pins.txt', '-e', '.[dev]')
        run(python, '-m', 'pip', 'check')
        listed = run(python, '-m', 'pip', 'list', '--format', 'freeze', capture_output=True, text=True).stdout
        print(f'Python {sys.version.split()[0]}', *(l for l in listed.split() if l.split('==')[0] in pins), sep=', ', flush=True)
        env = os.environ | dict(PATH=f'{python.parent}{os.pathsep}{os.environ["PATH"]}')
        for page in args.pages or [None]: run('nbdev_test', *(['--path', page] if page else []), env=env)

if __name__ == '__main__': main()
