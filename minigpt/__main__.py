"The commands, started without loading anything that `--version` doesn't need: `python -m minigpt train --help`"
import sys

def _command(name):
    from minigpt import run
    getattr(run, name).cli()

def minigpt_train(): _command('minigpt_train')
def minigpt_generate(): _command('minigpt_generate')
def minigpt_eval(): _command('minigpt_eval')

if __name__ == '__main__':
    commands = dict(train=minigpt_train, generate=minigpt_generate, eval=minigpt_eval)
    if len(sys.argv) < 2 or sys.argv[1] not in commands: sys.exit('usage: python -m minigpt {train,generate,eval} ...')
    commands[sys.argv.pop(1)]()
