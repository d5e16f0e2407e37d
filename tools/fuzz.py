"""Throw nonsense at the package and its commands: `python tools/fuzz.py [--cases 2000]`

Hypothesis makes up texts, prompts, settings, damaged run folders and command lines. Whatever comes, the outcome has to be a right
answer, or a documented exception in one line: never a traceback at a command, a hang, or memory without bound. The cases are the
same ones at every call, unless `--fresh` is given. What was found this way and mended is tried first."""
import argparse, contextlib, io, json, math, os, resource, shutil, signal, sys, tempfile
from pathlib import Path

import torch, transformers
from hypothesis import HealthCheck, example, given, settings, strategies as s

from minigpt import Corpus, FastTrainer, GPTConfig, TrainConfig, load_corpus
from minigpt.bpe import BPETokenizer
from minigpt.bridges import GPT2Config, GPT2LanguageModel, from_huggingface, from_nanogpt, to_huggingface, to_nanogpt
from minigpt.texts import read_corpus, text_warnings
from minigpt.tokenizer import CharTokenizer
from minigpt.run import minigpt_eval, minigpt_export, minigpt_generate, minigpt_play, minigpt_train

documented = ValueError,OSError
here = Path(tempfile.mkdtemp())
good,pairs,nano,theirs = here/'good',here/'pairs',here/'nano',here/'theirs'   # of characters, of byte pairs, of nanoGPT, of Transformers

def command(func, *words):
    "Run a command; it may succeed, or refuse in one line."
    o,e,status = io.StringIO(),io.StringIO(),0
    with contextlib.redirect_stdout(o), contextlib.redirect_stderr(e):
        try: func.cli([str(w) for w in words])
        except SystemExit as x: status = x.code or 0
    out,err = o.getvalue(),e.getvalue()
    assert status in (0,2), (words, status, err)
    assert 'Traceback' not in err, (words, err)
    if status == 2:
        last = err.rstrip('\n').split('\n')[-1]
        assert err.count(f'{func.__name__}: error: ') == 1 and (last.startswith(f'{func.__name__}: error: ') or any('\n' in str(w) for w in words)), (words, err)
    return status,out

@contextlib.contextmanager
def in_time(seconds=30):
    "A case that hangs is a failure."
    def late(*_): raise AssertionError(f'not done after {seconds} s')
    old = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try: yield
    finally: signal.alarm(0); signal.signal(signal.SIGALRM, old)

text = s.text(max_size=200)
odd = s.one_of(s.none(), s.booleans(), s.integers(), s.integers(0, 8), s.integers(1000, 10**5), s.floats(), s.text(max_size=3), s.lists(s.integers(), max_size=2),
               s.sampled_from([10**30, -1, 0, math.nan, math.inf, '64', 'cpu', 'cuda:99', 'auto']))

@given(s.one_of(s.binary(max_size=300), text.map(lambda t: t.encode('utf-8', 'surrogatepass')), text.map(lambda t: t.encode('utf-16')),
                s.lists(s.sampled_from([b'\r\n', b'\r', b'\n', b'\xef\xbb\xbf', b'a', 'é'.encode(), b'\0']), max_size=20).map(b''.join)))
def texts(data):
    "Bytes of a file become a text that can be encoded and decoded, or are refused."
    path = here/'t.txt'
    path.write_bytes(data)
    try: corpus,notes = read_corpus([str(path)])
    except documented: return
    assert corpus.text and '\r' not in corpus.text and all(isinstance(n, str) for n in notes)
    assert corpus.text.encode() == data.decode('utf-8-sig').replace('\r\n', '\n').replace('\r', '\n').encode()
    try: tok,train,val = corpus.encoded()
    except documented: return
    assert tok.decode(train) + tok.decode(val) == corpus.text
    text_warnings(tok, train, val, 1000)

@given(s.one_of(text, s.text('ROMEO: \n', max_size=80)), s.floats(), s.one_of(s.none(), s.integers(-2, 200)), s.one_of(s.none(), s.floats()),
       s.integers(-2, 20), s.one_of(s.none(), s.text('abc \\n', max_size=3)), s.integers(-1, 2**65))
@example('ROMEO:', 5e-324, None, None, 5, None, 0)
def prompts(prompt, temperature, top_k, top_p, n, stop, seed):
    "A prompt is gone on from, or refused."
    options = {'prompt': prompt, 'temperature': temperature, 'top_k': top_k, 'top_p': top_p, 'max_new_tokens': n, 'stop': stop, 'seed': seed}
    words = [f'--{k}={v}' for k,v in options.items() if v is not None]
    status,out = command(minigpt_generate, 'shakespeare-small', '--device=cpu', *words)
    if not status: assert out.startswith(prompt.replace('\\n', '\n')) and len(out) <= len(prompt) + n + 1

@given(s.dictionaries(s.sampled_from(sorted(vars(GPTConfig()))), odd, max_size=3), s.dictionaries(s.sampled_from(sorted(vars(TrainConfig()))), odd, max_size=4))
def configurations(sizes, training):
    "Settings make a run that can take a step, or are refused."
    small = dict(block_size=8, n_layer=1, n_head=2, n_embd=8)
    try:
        sizes,config = GPTConfig(**small | sizes),TrainConfig(**dict(batch_size=2, steps=2, device='cpu') | training)
        if max(vars(sizes).values()) > 64 or config.batch_size > 64: return   # fine, and too large to try here
        trainer = FastTrainer(config, sizes, Corpus.from_text('to be or not to be, that is the question. ' * 20))
        trainer.train_step()
        trainer.evaluate()
    except documented: pass

def damage(data, how):
    kind,a,b = how
    at = a % (len(data)+1)
    if kind == 'cut': return data[:at]
    if kind == 'flip' and data: return data[:at-1] + bytes([data[at-1] ^ (1 + b % 255)]) + data[at:]
    if kind == 'insert': return data[:at] + bytes([b % 256])*(1 + a % 7) + data[at:]
    return data[:at] + data[at + 1 + b % 64:]

names = ['config.json','model.safetensors','tokenizer.json','checkpoint/state.pt','checkpoint/text.json','metrics.jsonl','evaluation.json']
@given(s.sampled_from([good,pairs]), s.sampled_from(names), s.one_of(s.tuples(s.sampled_from(['cut','flip','insert','drop']), s.integers(0, 10**6), s.integers(0, 10**6)), s.none()),
       s.lists(s.tuples(s.sampled_from(['model','training','corpus']), s.sampled_from(sorted(vars(GPTConfig()) | vars(TrainConfig()))), odd), max_size=2),
       s.none() | s.tuples(s.sampled_from(['step','seconds','clipped','precision','frozen','history','best','model','optimizers','random','callbacks','fingerprint','version','last step','last val_loss','last sample']), odd))
@example(good, 'metrics.jsonl', None, [('model','n_embd',20_000)], None)
@example(good, 'metrics.jsonl', None, [('model','n_layer',50_000)], None)
@example(good, 'metrics.jsonl', None, [('model','vocab_size',2**63)], None)
@example(good, 'metrics.jsonl', None, [], ('step',-5))
@example(good, 'metrics.jsonl', None, [], ('last sample',None))
def folders(good, name, how, changes, saved):
    "A damaged folder is read as if nothing were, or refused."
    bad = here/'bad'
    shutil.rmtree(bad, ignore_errors=True)
    shutil.copytree(good, bad)
    path = bad/name
    if how is None: path.unlink()
    else: path.write_bytes(damage(path.read_bytes(), how))
    try: told = json.loads((bad/'config.json').read_text())
    except (ValueError, OSError): told = None
    if isinstance(told, dict):
        for part,key,value in changes:
            many = key == 'steps' and type(value) is int and value > 50   # would be made, one by one
            if isinstance(told.get(part), dict) and not many: told[part][key] = value
        (bad/'config.json').write_text(json.dumps(told))
    if saved and name != 'checkpoint/state.pt':
        state,(key,value) = torch.load(bad/'checkpoint'/'state.pt', weights_only=True),saved
        (state['history'][-1] if key.startswith('last ') else state)[key.removeprefix('last ')] = value
        torch.save(state, bad/'checkpoint'/'state.pt')
    command(minigpt_generate, bad, '--max_new_tokens', 5, '--device', 'cpu')
    command(minigpt_eval, bad, '--data', here/'text.txt', '--device', 'cpu')
    command(minigpt_eval, bad, '--device', 'cpu')   # the text that it knows of
    command(minigpt_play, bad, '--out', here/'play.html')
    command(minigpt_export, bad, '--inexact', '--out', here/'export')
    command(minigpt_train, '--resume', '--out', bad, '--data', here/'text.txt', '--device', 'cpu')

pair = s.one_of(s.lists(s.integers(-2, 300), max_size=3), s.tuples(s.integers(97, 99), s.integers(97, 99)), odd)
@example('meta.pkl', ('flip',192,0), [], [], '')   # a vocabulary without "a", and whole
@given(s.sampled_from(['ckpt.pt','meta.pkl','config.json','generation_config.json','model.safetensors','tokenizer.json','tokenizer_config.json']), s.none() | s.tuples(s.sampled_from(['cut','flip','insert','drop']), s.integers(0, 10**6), s.integers(0, 10**6)),
       s.lists(s.tuples(s.sampled_from(sorted(vars(GPT2Config()))), odd), max_size=2), s.lists(pair, max_size=4), text)
def strangers(name, how, sizes, merges, said):
    "A checkpoint of nanoGPT or Transformers, or merges that somebody wrote, make a model or a tokenizer, or are refused."
    bad,of_nano = here/'bad',(nano/name).exists()
    shutil.rmtree(bad, ignore_errors=True)
    shutil.copytree(nano if of_nano else theirs, bad)
    if sizes and of_nano:
        saved = torch.load(bad/'ckpt.pt', weights_only=True)
        saved['model_args'] |= dict(sizes)
        torch.save(saved, bad/'ckpt.pt')
    if sizes and not of_nano: (bad/'config.json').write_text(json.dumps(json.loads((bad/'config.json').read_text()) | dict(sizes)))
    if how: (bad/name).write_bytes(damage((bad/name).read_bytes(), how))
    try: model,tok = from_nanogpt(bad/'ckpt.pt', bad/'meta.pkl') if of_nano else from_huggingface(bad)
    except documented: pass
    else:
        if tok: tok.decode(model.generate(tok.encode(tok.decode([0]))[None], 3)[0])   # a damaged vocabulary may be another one
    (bad/'tokenizer.json').write_text(json.dumps(dict(type='bpe', merges=merges, words=len(said) % 2 == 1)))
    try: tok = BPETokenizer.from_pretrained(bad)
    except documented: return
    try: ids = tok.encode(said)
    except documented: return
    assert tok.decode(ids) == said and ''.join(tok.decode_stream(ids)) == said

value = s.one_of(s.integers(-3, 40).map(str), s.sampled_from(['', '-', 'cpu', 'cuda', 'smoke', 'good', 'text.txt', 'nowhere', '.', 'shakespeare-small', 'huggingface', 'nanogpt', 'bpe', '300', '1e9', 'nan', 'é']), s.text(max_size=4))
flag = s.sampled_from(['--data','--out','--resume','--device','--seed','--patience','--init_from','--dry_run','--tensorboard','--grad_accum_steps','--grad-clip','--no-decay-all','--learning_rate','--min-lr','--n_layer','--batch-size','--config','--minutes','--version','--shard','--stride','--threads','--plain','--prompt_file','--prompt','--stop','--top_k','--num_samples','--tokenizer','--vocab_size','--to','--inexact','--help'])
@given(s.sampled_from([minigpt_train, minigpt_generate, minigpt_eval, minigpt_play, minigpt_export]), s.lists(s.one_of(flag, value), max_size=6))
def command_lines(func, words):
    "Any words after a command do something, or are refused."
    base = ['--preset','smoke','--steps','2'] if func is minigpt_train and '--resume' not in words else []
    if func is minigpt_generate: base = ['--max_new_tokens','3']
    sys.stdin = io.TextIOWrapper(io.BytesIO(b'to be or not to be. '*100))
    command(func, *base, *words)
    shutil.rmtree(here/'runs', ignore_errors=True)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cases', type=int, default=2000, help='how many, a sixth of each kind (default: %(default)s)')
    parser.add_argument('--fresh', action='store_true', help='other cases than last time')
    args = parser.parse_args()
    os.chdir(here)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    for name in ('text.txt','input.txt'): (here/name).write_text(load_corpus('sample_play').text[:3000])
    os.environ['MINIGPT_DATA'] = str(here)   # what is found if nobody names a text
    assert command(minigpt_train, '--preset', 'smoke', '--steps', 2, '--data', 'text.txt', '--out', good, '--device', 'cpu')[0] == 0
    assert command(minigpt_train, '--preset', 'smoke', '--steps', 2, '--data', 'text.txt', '--out', pairs, '--device', 'cpu', '--tokenizer', 'bpe',
                   '--vocab_size', 270)[0] == 0
    torch.manual_seed(0)   # the file to be damaged is the same one at every call
    model = GPT2LanguageModel(GPT2Config(2, 8, 1, 2, 8, activation='gelu'))
    to_nanogpt(model, CharTokenizer('ab'), nano)
    to_huggingface(model, CharTokenizer('ab'), theirs)
    failed = 0
    for test in (texts, prompts, configurations, folders, strangers, command_lines):
        def case(*words, inner=test.hypothesis.inner_test, **kw):
            with in_time(): inner(*words, **kw)
        test.hypothesis.inner_test = case
        run = settings(max_examples=max(1, args.cases//6), deadline=None, derandomize=not args.fresh, database=None,
                       suppress_health_check=list(HealthCheck))(test)
        try: run(); print(f'{test.__name__}: {args.cases//6} cases', flush=True)
        except BaseException as e:
            failed += 1
            for one in getattr(e, 'exceptions', [e]):   # of several all
                print(f'{test.__name__} failed: {type(one).__name__}: {one}', *getattr(one, '__notes__', []), sep='\n', flush=True)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f'{args.cases} cases, {failed} kinds failed, {most:.1f} GiB of memory at most')
    shutil.rmtree(here)
    sys.exit(failed > 0 or most > 4)

if __name__ == '__main__': main()
