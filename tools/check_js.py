"""Lint the JavaScript of the pages that we write, with oxlint: `python tools/check_js.py`

The programs of a page share one scope, so those that stand in it together are read as one: a name that none of them
defines is found, and one that none of them uses."""
import argparse, json, re, subprocess, sys, tempfile
from pathlib import Path

data = Path(__file__).resolve().parent.parent/'minigpt'/'data'
scopes = [('play/gpt.js','play/engine.js','play/play.js'), ('timelapse/timelapse.js',)]
config = dict(
    env=dict(browser=True, es2024=True), globals=dict(module='readonly'),   # `module` where Node reads gpt.js
    plugins=['oxc','unicorn'], categories=dict(correctness='error', suspicious='error'),
    rules={**dict.fromkeys(('no-undef','no-redeclare','no-shadow','no-var','prefer-const','eqeqeq','no-self-compare','no-eval'), 'error'),
           'no-unused-vars': ['error', dict(varsIgnorePattern='^first_prediction$')],   # check_play asks for it
           'unicorn/require-post-message-target-origin': 'off', 'unicorn/no-array-sort': 'off', 'unicorn/consistent-function-scoping': 'off'})   # for windows, not workers; the rest is style

def lint(files):
    "What oxlint says about these in one scope, each with its file and line."
    with tempfile.TemporaryDirectory() as folder:
        texts = [f.read_text(encoding='utf-8').replace("'use strict';", '') for f in files]
        Path(folder, 'page.js').write_text('\n'.join(texts), encoding='utf-8')
        Path(folder, 'config.json').write_text(json.dumps(config))
        done = subprocess.run(['oxlint','--deny-warnings','--format=unix','-c','config.json','page.js'], cwd=folder, capture_output=True, text=True)
    said = []
    for number,what in re.findall(r'^page\.js:(\d+):\d+: (.*)', done.stdout, re.M):
        line = int(number)
        for file,text in zip(files, texts):
            if line <= text.count('\n') + 1: break
            line -= text.count('\n') + 1
        said.append(f'{file}:{line}: {what}')
    return said or [done.stdout + done.stderr]*(done.returncode > 0)

def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    wrong = [f'{f} stands in no scope' for f in data.rglob('*.js') if not any(f == data/name for scope in scopes for name in scope)]
    for scope in scopes: wrong += lint([data/name for name in scope])
    if wrong: sys.exit('\n'.join(wrong))
    print(f'{sum(map(len, scopes))} programs, nothing wrong')

if __name__ == '__main__': main()
