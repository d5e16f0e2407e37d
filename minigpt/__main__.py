"The commands: `python -m minigpt train --help`. `--version` needs no PyTorch."
import sys

def _command(name):
    if sys.argv[1:] == ['--version']:
        import minigpt
        return print(minigpt.__version__)
    from minigpt import run
    getattr(run, name).cli()

def minigpt_train(): _command('minigpt_train')
def minigpt_generate(): _command('minigpt_generate')
def minigpt_eval(): _command('minigpt_eval')

if __name__ == '__main__':
    commands = dict(train=minigpt_train, generate=minigpt_generate, eval=minigpt_eval)
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit('usage: python -m minigpt {train,generate,eval} ...')
    commands[sys.argv.pop(1)]()
