"""Open a model that was written as one page, from disk, in a browser, and use it:
`python tools/check_play.py [--browser chromium|firefox] [--picture FILE]`

Fails if what it writes at temperature 0 is not what PyTorch generates, if a loss is not PyTorch's, if a seed does not
give the same text twice, if a control does nothing, if the keyboard alone is not enough, if the page asks for anything
or reports an error, or if it does not fit a phone. Says how many characters a second it writes, and how soon the first
prediction is there. `--picture` keeps a picture of the page, and beside it one of what is inside."""
import argparse, json, sys, tempfile, time
from pathlib import Path

import torch, torch.nn.functional as F
from browser import browsers
from minigpt.files import load_pretrained
from minigpt.inside import LogitLens, run_with_cache
from minigpt.gpt import GPTConfig, GPTLanguageModel
from minigpt.play import to_html
from minigpt.tokenizer import CharTokenizer, load_corpus

def check(page, url, model, tok):
    "Yields what is wrong."
    def value(name, v):
        page.js(f"$('{name}').value = {json.dumps(v)}; $('{name}').dispatchEvent(new Event('input'))")
        if name != 'prompt': return
        page.js("$('next').replaceChildren(); newText('begin')")   # it would wait for more keys
        page.wait(page.ready)
    def generated(prompt, n): return tok.decode(model.generate(tok.encode(prompt)[None], n, temperature=0)[0])
    text = lambda: page.js("$('text').textContent")
    def write(**settings):
        for name,v in settings.items(): value(name, str(v))
        page.js("$('status').textContent = ''; $('write').click()")
        page.wait("/^\\d+ characters|Stop at/.test($('status').textContent)")
        return text()
    prompt = '\nROMEO:\nWhat'
    ids = tok.encode(prompt)
    page.open(url)
    greedy = write(prompt=prompt, temperature=0, length=40)
    right = generated(prompt, 40)
    if greedy != right: yield f'at temperature 0 it writes {greedy!r} and not {right!r}'
    for n in (70,100):   # longer than the window
        long = (prompt*10)[:n]
        if write(prompt=long, length=60) != generated(long, 60): yield f'after {n} characters it does not write what PyTorch generates'
    longer = write(prompt=prompt, length=300)
    if longer != generated(prompt, 300): yield f'past the window it writes {longer!r}'
    one,two,other = write(temperature=1, seed=5, length=300),write(seed=5),write(seed=6)
    if one != two or one == other: yield 'a seed does not decide the text'
    if write(topk=1) != longer: yield 'top-k 1 is not the likeliest'
    if write(topk=0, topp=.01) != longer: yield 'top-p .01 is not the likeliest'
    stopped = write(topp=1, stop='e', length=300)[len(prompt):]
    if 'e' not in stopped or stopped.index('e') != len(stopped)-1: yield f'it does not stop at the first e: {stopped!r}'
    write(stop='é')
    if 'Stop at' not in page.js("$('status').textContent") or text() != prompt + stopped: yield 'an impossible stop is not refused'
    value('stop', '')
    for name,typed,used in (('temperature','-1','0'), ('topp','7','1'), ('length','0','1'), ('topk','-3','0'), ('seed','','1')):
        write(**{name: typed})
        if (found := page.js(f"$('{name}').value")) != used: yield f'{name} {typed} becomes {found}'
    write(temperature=1, seed=5, length=300, topp=1, topk=0)
    page.js("$('write').click()"); page.wait("$('text').textContent.length > 20")   # once more, while it writes
    page.js("write()"); page.wait("/^\\d+ characters/.test($('status').textContent)")
    time.sleep(.3)
    if text() != one or page.js("$('write').disabled || !$('halt').disabled || $('next').inert"):
        yield 'begun twice, it does not end as one'

    value('prompt', 'hear é\u202e')
    if 'U+00E9' not in page.js("$('unknown').textContent") or '202E' not in page.js("$('unknown').textContent"):
        yield 'unknown characters are not named'
    if page.js("$('prompt').getAttribute('aria-invalid')") != 'true': yield 'the prompt is not marked'
    if text() != 'hear ': yield f'with unknown characters left out the text is {text()!r}'
    before = page.js("$('next').querySelector('span').textContent")
    page.js("$('next').querySelector('button').click()")
    if len(text()) != 6: yield 'a chosen character is not added'
    with torch.no_grad(): probs = model(tok.encode('hear ')[None])[0,-1].softmax(-1)
    if f'{100*probs.max():.1f} %' not in before: yield f'the likeliest is said to have {before}, not {probs.max():.3f}'

    value('sample', sample := 'To be, or not to be')
    page.js("$('score').click()")
    page.wait("$('loss').textContent.startsWith('Mean')")
    row = tok.encode('\n' + sample)
    with torch.no_grad(): loss = F.cross_entropy(model(row[None,:-1])[0], row[1:]).item()
    if f'Mean loss {loss:.3f} ' not in page.js("$('loss').textContent"):
        yield f"loss {page.js('''$('loss').textContent''')!r}, and PyTorch's is {loss:.3f}"
    if page.js("$('scored').textContent") != sample: yield 'the coloured text is another'

    def press(button):
        page.js(f"$('status').textContent = ''; $('{button}').click()")
        page.wait("/^\\d+ characters/.test($('status').textContent)")
        return text()
    write(prompt=prompt, temperature=0, length=20, stop='')
    if press('more') != right: yield f'gone on with, it has written {text()!r}'
    page.js("$('next').querySelectorAll('button')[2].click()")
    with_one = text()
    went_on = generated(with_one, 20)
    if press('more') != went_on: yield f'gone on with after a chosen character, it has written {text()!r} and not {went_on!r}'
    five,six = write(temperature=1, seed=5, length=50),write(seed=6)
    value('seed', '5')
    if press('another') != six or six == five or page.js("$('seed').value") != '6': yield 'another is not the text of the next seed'

    yield from check_inside(page, model, tok, write)

    write(prompt='KING', temperature=.5, seed=9, length=20)
    kept = text()
    page.js("$('save').click()")
    saved = page.js('location.hash')
    page.open(url + saved)
    if write() != kept: yield f'the address {saved} does not bring the settings back'

    page.open(url + '#prompt=KING&write=1&stop=%C3%A9')   # refused, and the prompt is read all the same
    if 'Stop at' not in page.js("$('status').textContent") or text() != 'KING': yield 'an impossible stop in the address is not refused'

    page.open(url)   # by keyboard alone
    page.key('Tab')
    page.type('MARCIUS')
    page.key('Control+Enter')
    page.wait("/^\\d+ characters/.test($('status').textContent)")
    if not text().startswith('MARCIUS'): yield f'typed and begun by keyboard it writes {text()!r}'
    page.js("$('length').value = 100000; $('write').focus()")
    page.key('Enter')
    page.wait("document.activeElement.id === 'halt'", 10)
    page.key('Enter')
    page.wait("/stopped/.test($('status').textContent) && document.activeElement.id === 'write'", 10)

    for width in (390,1000):
        for scheme in ('light','dark'):
            page.size(width)
            page.scheme(scheme)
            if page.js('document.documentElement.scrollWidth') > width: yield f'is wider than {width} pixels'
            dark = page.js("getComputedStyle(document.body).backgroundColor") != 'rgb(255, 255, 255)'
            if dark != (scheme == 'dark'): yield f'{scheme} is not {scheme}'
    yield from page.faults()

def check_inside(page, model, tok, write):
    "What is shown of a character that is looked at."
    def looking(code):
        "What is said after something was done."
        page.js(f"$('said').textContent = ''; {code}")
        page.wait("$('said').textContent")
        return page.js("$('said').textContent")
    def right(at, head):
        "Where that head looks most, and what is expected, by PyTorch."
        with torch.no_grad(): logits,cache = run_with_cache(model, ids[None,:at+1], '*hook_pattern')
        weight,i = torch.cat([*cache.values()]).flatten(0, 1)[head,at].max(0)
        p,best = logits[0,-1].softmax(-1).max(0)
        return f'{100*weight:.1f} %',f'“\u2068{visible(tok.chars[best])}\u2069” ({100*p:.1f} %)'
    visible = lambda c: {'\n': '↵', ' ': '␣'}.get(c, c)
    prompt = 'Where is my lord'
    ids = tok.encode(write(prompt=prompt, temperature=0, length=30, stop=''))
    first = looking("$('inside').open = true")
    for name,said,at,head in (
        ('newest', first, len(ids)-1, 0),
        ('head', looking("$('head').selectedIndex = 3; $('head').dispatchEvent(new Event('change'))"), len(ids)-1, 3),
        ('slider', looking("$('place').value = 20; $('place').dispatchEvent(new Event('input'))"), 20, 3),
        ('strip', looking("$('strip').children[10].dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}))"), 10, 3),
        ('row', looking("$('heads').dispatchEvent(new MouseEvent('click', {clientX: $('heads').getBoundingClientRect().x+3, "
                        "clientY: $('heads').getBoundingClientRect().y + 5*9 + 4}))"), 10, 5),
        ('pointer', looking("""$('text').scrollIntoView(); const range = document.createRange(), text = $('text').lastChild;
            range.setStart(text, 4); range.setEnd(text, 5);
            const {x, y, width, height} = range.getBoundingClientRect();
            $('text').dispatchEvent(new MouseEvent('click', {clientX: x + .7*width, clientY: y + height/2, bubbles: true}))"""),
         len(prompt)+4, 5)):
        for part in right(at, head):
            if part not in said: yield f'looking inside by {name}: {said!r}, and PyTorch has {right(at, head)}'
    page.js("$('said').textContent = ''; $('place').focus()")
    page.key('ArrowLeft')
    page.wait("$('said').textContent", 10)
    if (at := page.js("Number($('place').value)")) != len(prompt)+3: yield f'an arrow key leads to character {at}'
    said = page.js("$('said').textContent")
    for part in right(at, 5):
        if part not in said: yield f'looking inside by an arrow key: {said!r}'
    rows = page.js("[...$('lens').children].map(r => r.textContent)")
    if len(rows) != model.config.n_layer + 2: yield f'the logit lens has rows {rows}'
    with torch.no_grad():
        for depth,row in enumerate(rows[:-1]):
            p,best = LogitLens(model, depth)(ids[None,:at+1])[0,-1].softmax(-1).max(0)
            if f'{100*p:.0f} %' not in row or visible(tok.chars[best]) not in row: yield f'the logit lens says {row!r} at {depth}'
    if not rows[-1].startswith('trigram model') or '%' not in rows[-1]: yield f'the trigram model says {rows[-1]!r}'
    page.js("$('newest').click(); $('write').click()")   # it follows while it writes
    page.wait("$('status').textContent.includes('a second')")
    page.wait("Number($('place').value) === Number($('place').max)")
    dark = "[...Array(3)].map((_, i) => $(['arcs','heads','matrix'][i]).getContext('2d').getImageData(0, 0, 2000, 2000).data.some(v => v))"
    if not all(page.js(dark)): yield 'something is not drawn'
    page.js("$('inside').open = false")

ready = "document.querySelectorAll('#next button').length > 0"

# a browser without workers, and one in which they do not start
no_worker = dict(none='delete window.Worker;', broken="""
    const Real = window.Worker;
    window.Worker = class extends Real { constructor() { super(URL.createObjectURL(new Blob(['}']))); } };""")

def odd_model():
    "A model whose vocabulary would break a page that took it for markup."
    chars = sorted(set('</script>"\'\\&\n \u2028\u202eابc\u0301😀'))
    torch.manual_seed(0)
    return GPTLanguageModel(GPTConfig(len(chars), 16, 2, 2, 8, 0.)).eval(),CharTokenizer(chars)

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--browser', choices=browsers, default='chromium')
    parser.add_argument('--picture', type=Path, help='where to keep a picture of the page')
    args = parser.parse_args()
    model,tok = load_pretrained('shakespeare-small')
    model.half().float()   # as the page has it
    def write(n):
        "Characters a second."
        page.js(f"$('status').textContent = ''; $('length').value = {n}; $('write').click()")
        page.wait("/^\\d+ characters/.test($('status').textContent)")
        return float(page.js("$('status').textContent").split()[2])
    def by_pytorch(model, n):
        start = time.perf_counter()
        model.generate(tok.encode('\n')[None], n)
        return n/(time.perf_counter()-start)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, 'model.html')
        file.write_text(to_html(model, tok, title='shakespeare-small', text=load_corpus('sample_play').text), encoding='utf-8')
        wrong = []
        for kind,code in no_worker.items():
            with browsers[args.browser]() as page:
                page.ready = ready
                page.before(code)
                page.open(file.as_uri())
                page.js("$('prompt').value = 'To be'; $('temperature').value = 0; $('inside').open = true; $('write').click()")
                page.wait("/^400 characters/.test($('status').textContent)")
                page.wait("Number($('place').value) === 404")
                if page.js("$('text').textContent") != (right := tok.decode(model.generate(tok.encode('To be')[None], 400, temperature=0)[0])):
                    wrong.append(f'without a worker ({kind}) it does not write {right!r}')
        with browsers[args.browser]() as page:
            page.ready = ready
            wrong += check(page, file.as_uri(), model, tok)
            page.open(file.as_uri())
            first = page.js('first_prediction')
            small = [(write(1000),by_pytorch(model, 1000)) for _ in range(3)]
            if args.picture:
                page.scheme('light')
                page.size(780, 1000)
                args.picture.write_bytes(page.screenshot())
                page.size(780, 880)
                page.js("$('inside').open = true; $('head').selectedIndex = 3; point(900); $('inside').scrollIntoView()")
                page.wait("$('said').textContent")
                args.picture.with_stem(args.picture.stem + '-inside').write_bytes(page.screenshot())
            torch.manual_seed(0)
            full = GPTLanguageModel().eval()
            file.write_text(to_html(full, tok), encoding='utf-8')
            page.open(file.as_uri())
            large,start = (write(100),by_pytorch(full, 100)),page.js('first_prediction')
            size = file.stat().st_size/1e6
            # halted while it reads a long prompt, it goes on from that prompt all the same
            page.js("$('status').textContent = ''; $('prompt').value = 'First Citizen: '.repeat(20); $('write').click(); setTimeout(() => $('halt').click(), 300)")
            page.wait("$('status').textContent.includes('stopped') && !$('next').inert")
            page.js("$('next').querySelector('button').click(); $('inside').open = true")
            page.wait("$('said').textContent.includes('Citizen:␣')")
            page.js("$('inside').open = false")
            odd,chars = odd_model()
            file.write_text(to_html(odd, chars, title='</title><script>x</script>'), encoding='utf-8')
            page.open(file.as_uri())
            page.js(f"$('prompt').value = {json.dumps(''.join(chars.chars))}; $('inside').open = true; $('write').click()")
            page.wait("/^400 characters/.test($('status').textContent)")
            if page.js('document.title') != '</title><script>x</script>' or page.js("document.querySelectorAll('script').length") != 5:
                wrong.append('a title or a vocabulary has become markup')
            wrong += list(page.faults())
    if wrong: sys.exit('\n'.join(dict.fromkeys(wrong)))
    print('written, read, chosen, coloured, looked into, kept, and nothing asked for')
    rows = ', '.join(f'{js:.0f} (PyTorch {py:.0f})' for js,py in small)
    print(f'shakespeare-small: {rows} characters a second, first prediction {first:.0f} ms after the page began')
    print(f'full model, {size:.0f} MB: {large[0]:.0f} (PyTorch {large[1]:.0f}) characters a second, first prediction after {start:.0f} ms')

if __name__ == '__main__': main()
