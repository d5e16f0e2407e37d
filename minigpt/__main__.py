"The commands: `python -m minigpt train --help`. `--version` needs no PyTorch."
import os, sys

usage = ('usage: python -m minigpt {train,generate,eval,play,export} ... '
         '(--help of each says more)')

def _command(name):
    if sys.argv[1:] == ['--version']: return _say_version()
    # Threads that spin while they wait for each other take several times as long as
    # soon as another program needs a core. Read by OpenMP when PyTorch is loaded.
    if not os.environ.keys() & {'OMP_WAIT_POLICY','GOMP_SPINCOUNT','KMP_BLOCKTIME'}:
        os.environ['OMP_WAIT_POLICY'] = 'passive'
    from minigpt import run
    getattr(run, name).cli()

def _say_version():
    import minigpt
    print(minigpt.__version__)

def minigpt_train(): _command('minigpt_train')
def minigpt_generate(): _command('minigpt_generate')
def minigpt_eval(): _command('minigpt_eval')
def minigpt_play(): _command('minigpt_play')
def minigpt_export(): _command('minigpt_export')

if __name__ == '__main__':
    commands = dict(train=minigpt_train, generate=minigpt_generate, eval=minigpt_eval,
                    play=minigpt_play, export=minigpt_export)
    match sys.argv[1:]:
        case ['--version']: _say_version()
        case ['-h' | '--help']: print(usage)
        case [name, *_] if name in commands: commands[sys.argv.pop(1)]()
        case _: sys.exit(usage)
