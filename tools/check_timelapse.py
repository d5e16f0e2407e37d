"""Open a training that was written as one page, from disk, in Chromium, and use it: `python tools/check_timelapse.py`

Fails if at some snapshot the page does not show what was kept (step, text, loss, n-gram models passed, attention, map), if
the slider and the choice of a head do not work by keyboard, if playing does not come to its end or moves things where
less motion is asked for, if a text becomes markup, if the page asks for anything or reports an error, or if it does not fit
a phone."""
import argparse, sys, tempfile
from pathlib import Path

from browser import Chromium
from minigpt.timelapse import Snapshots, attention_maps, embedding_maps, read_snapshots, timelapse

folder = Path(__file__).resolve().parent.parent/'examples'/'timelapse'

def open_page(page, file, html):
    file.write_text(html, encoding='utf-8')
    page.open(file.as_uri())
    page.wait("document.querySelector('#step')?.textContent")

def check_snapshot(page, i, about, row, where):
    "Yields what the page does not show of a snapshot."
    text = lambda id: page.js(f"$('{id}').textContent")
    said = f"step {row['step']:,} of {about['steps']:,}"
    if text('step') != said or page.js("$('at').getAttribute('aria-valuetext')") != said: yield f'snapshot {i} is {text("step")!r}, not {said!r}'
    prompt = about['prompt'] if about['prompt'].strip() else ''
    if text('sample') != prompt + row['sample']: yield f'{said}: the sample is {text("sample")!r}'
    if page.js("document.querySelector('#sample mark').textContent") != row['copied']: yield f'{said}: another piece is marked'
    if f" {len(row['copied'])} character" not in text('copied'): yield f"{said}: {text('copied')!r}"
    passed = [f'{n}-gram' for n,loss in about['baselines'].items() if row['val_loss'] < loss]
    if f"{row['val_loss']:.2f} nats" not in text('loss') or ', '.join(passed) not in text('loss') or passed == [] and 'All n-gram models predict better' not in text('loss'):
        yield f"{said}: {text('loss')!r}"
    maps = attention_maps(about, row)
    L,H,T,_ = maps.shape
    shown = page.js("""canvases.map(c => {
        const copy = new OffscreenCanvas(c.width, c.height).getContext('2d', {willReadFrequently: true});
        copy.drawImage(c, 0, 0);
        return [...copy.getImageData(0, 0, c.width, c.height).data].filter((_, i) => i % 4 === 3);
    })""")
    if max(abs(a - 255*b) for pixels,m in zip(shown, maps.reshape(L*H, -1)) for a,b in zip(pixels, m)) > 1: yield f'{said}: the heads are drawn wrong'
    head = page.js('head')
    large = page.js("squares.map(([q, k, square]) => [q, k, Number(square.getAttribute('fill-opacity'))])")
    if any(abs(maps.reshape(L*H, T, T)[head,q,k] - v) > .006 for q,k,v in large): yield f'{said}: the large map is wrong'
    at = page.js("marks.map(m => [m.textContent, ...m.style.transform.match(/-?[\\d.]+/g).map(Number)])")
    wanted = (where / where.abs().max()).tolist()
    if len(at) != len(about['chars']) or any(abs(100*x - u) > .1 or abs(-100*y - v) > .1 for (x,y),(_,u,v) in zip(wanted, at)): yield f'{said}: the map is wrong'

def check(page, file):
    "Yields what is wrong."
    about,rows = read_snapshots(folder)
    maps,_ = embedding_maps(about, rows)
    open_page(page, file, timelapse(folder))
    page.js("$('at').focus()")
    for i,(row,where) in enumerate(zip(rows, maps)):   # from the first to the last, by keyboard
        if i: page.key('ArrowRight')
        yield from check_snapshot(page, i, about, row, where)
    last = attention_maps(about, rows[-1])
    T = last.shape[-1]
    best = last[..., range(1,T), range(T-1)].mean(-1)
    if page.js('head') != best.argmax(): yield f"it begins with head {page.js('head')}"
    even = sum(1/n for n in range(2, T+1))/(T-1)
    if not all(f'{share:.0%}' in page.js("$('attends').textContent") for share in (best.max(), even)): yield page.js("$('attends').textContent")
    if page.js("$('prompt').textContent") != 'a line break': yield 'it does not say what the text begins from'
    if page.js("$('length').textContent") != str(T): yield 'it does not say how long the passage is'
    page.js("document.querySelector('#heads input:checked').focus()")
    before = page.js('head')
    page.key('ArrowRight')
    if page.js('head') == before: yield 'no head is chosen by keyboard'
    yield from check_snapshot(page, len(rows)-1, about, rows[-1], maps[-1])

    page.js("$('play').focus()")   # it begins anew, pauses, goes on, and ends
    page.key('Enter')
    page.wait("at() === 1 && $('play').textContent === 'Pause'", 10)
    page.key('Enter')
    if page.js("$('play').textContent") != 'Play' or page.js('timer'): yield 'it does not pause'
    page.js(f"$('at').value = {len(rows)-3}; show()")
    page.key('Enter')
    page.wait(f"at() === {len(rows)-1} && $('play').textContent === 'Play' && !timer", 10)

    moves = lambda: page.js("getComputedStyle(marks[0]).transitionDuration") != '0s'
    page.call('Emulation.setEmulatedMedia', features=[dict(name='prefers-reduced-motion', value='reduce')])
    if moves(): yield 'it moves where less motion is asked for'
    page.call('Emulation.setEmulatedMedia', features=[])
    if not moves(): yield 'the characters do not move'
    for width in (390,1000):
        for scheme in ('light','dark'):
            page.size(width)
            page.scheme(scheme)
            if page.js('document.documentElement.scrollWidth') > width: yield f'is wider than {width} pixels'
            if (page.js("getComputedStyle(document.body).backgroundColor") != 'rgb(255, 255, 255)') != (scheme == 'dark'): yield f'{scheme} is not {scheme}'
    page.call('Emulation.clearDeviceMetricsOverride')

def odd_snapshots():
    "Snapshots whose texts would break a page that took them for markup."
    nasty = '</script><script>document.title="x"</script>'
    about,rows = read_snapshots(folder)
    kept = Snapshots()
    kept.about = about | dict(corpus=nasty, prompt=nasty, chars=[nasty, '\u202e', '\u2028', '<!--', '{{data}}', *about['chars'][5:]], passage=['</svg>']*len(about['passage']))
    kept.rows = [row | dict(sample=nasty + '😀{{data}}\u202e', copied='<script>') for row in rows[:2]]
    return kept

def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as d:
        file = Path(d, 'timelapse.html')
        with Chromium() as page:
            wrong = list(check(page, file))
            odd = odd_snapshots()
            open_page(page, file, timelapse(odd))
            if page.js('document.title') != 'A training, snapshot by snapshot' or page.js("document.querySelectorAll('script').length") != 2:
                wrong.append('a text has become markup')
            if page.js("$('sample').textContent") != odd.about['prompt'] + odd.rows[0]['sample']: wrong.append('an odd sample is not shown as it is')
            if 'U+202E' not in page.js("$('map').textContent"): wrong.append('what turns the line round is not shown by its number')
            wrong += list(page.faults())
    if wrong: sys.exit('\n'.join(dict.fromkeys(wrong)))
    print('moved by keyboard, played, and at each snapshot what was kept; nothing asked for')

if __name__ == '__main__': main()
