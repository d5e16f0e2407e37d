"""Look at the built site (_docs/) in Chromium, as its readers do: `python tools/check_site.py`

Each page is opened at the width of a laptop and of a phone, in light and in dark. Fails if something sticks out of the
window or is cut off, if text stands out too little from what is behind it (WCAG 2.2, success criterion 1.4.3), if a figure
has no alternative text, if search does not find the terms of the field where all of a result can be seen, if the console
reports an error, or if a page asks for anything from elsewhere."""
import argparse, html, json, re, shutil, subprocess, sys, tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

site = Path(__file__).resolve().parent.parent/'_docs'
widths = (1300,390)
terms = ('maximum likelihood', 'negative log-likelihood', 'positional encoding', 'fine-tuning', 'early stopping',
         'confidence interval', 'roofline', 'byte-pair encoding', 'weight tying')

script = r"""
const wait = ms => new Promise(r => setTimeout(r, ms));
const say = (where, what) => faults.push(where + ': ' + what);
const some = e => e.tagName.toLowerCase() + (e.className ? '.' + e.className : '') + ' "' + (e.textContent || e.alt || '').trim().slice(0, 40) + '"';
const faults = [];

function rgba(text) {
  const n = (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const f = text.startsWith('color(srgb') ? 255 : 1;
  return [n[0]*f, n[1]*f, n[2]*f, n.length > 3 ? n[3] : 1];
}
const over = (top, below) => [0, 1, 2].map(i => top[i]*top[3] + below[i]*(1-top[3]));
function luminance(c) {
  const [r, g, b] = c.map(v => { v /= 255; return v <= .04045 ? v/12.92 : ((v+.055)/1.055)**2.4; });
  return .2126*r + .7152*g + .0722*b;
}
function contrast(w, e) {
  const chain = [];
  let opacity = 1;
  for (let p = e; p; p = p.parentElement) { chain.push(p); opacity *= w.getComputedStyle(p).opacity; }
  let behind = [255, 255, 255];
  for (const p of chain.reverse()) behind = over(rgba(w.getComputedStyle(p).backgroundColor), behind);
  const front = rgba(w.getComputedStyle(e).color);
  const a = luminance(over([...front.slice(0, 3), front[3]*opacity], behind)), b = luminance(behind);
  return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}

function look(frame, where) {
  const w = frame.contentWindow, d = w.document, width = d.documentElement.clientWidth;
  const boxed = e => e.closest('.sd-table, .table-responsive, .offcanvas') || e.closest('#quarto-sidebar');
  if (d.documentElement.scrollWidth > width + 1) say(where, 'is wider than its window: ' + d.documentElement.scrollWidth);
  for (const e of d.querySelectorAll('main *')) {
    const box = e.getBoundingClientRect();
    if (box.width && box.right > width + 1 && !boxed(e) && !e.closest('pre, .anchorjs-link')) { say(where, 'sticks out: ' + some(e)); break; }
  }
  for (const e of d.querySelectorAll('pre, pre code, #TOC .nav-link')) {   // on a phone code is scrolled
    const scrolled = width < 600 && w.getComputedStyle(e).overflowX == 'auto';
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth && !scrolled) say(where, 'is cut: ' + some(e));
  }
  for (const e of d.querySelectorAll('main img')) {
    if (!e.alt) say(where, 'has a figure without alternative text');
    if (!e.complete || !e.naturalWidth) say(where, 'has a figure that does not load: ' + e.alt);
  }
  const seen = new Set(), texts = d.createTreeWalker(d.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement, style = w.getComputedStyle(e);
    if (!texts.currentNode.data.trim() || !e.getClientRects().length || style.visibility != 'visible') continue;
    const kind = [e.tagName, e.className, style.color, e.parentElement.className, e.closest('pre, nav, main, table')?.tagName].join();
    if (seen.has(kind)) continue;
    seen.add(kind);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = contrast(w, e);
    if (ratio < (large ? 3 : 4.5)) say(where, 'contrast of ' + ratio.toFixed(2) + ': ' + some(e));
  }
  for (const r of w.performance.getEntriesByType('resource'))
    if (new URL(r.name).origin != location.origin) say(where, 'asks for ' + r.name);
}

function isDark(w) {   // a page that stands in a frame of another asks the browser
  const d = w.document;
  return d.getElementById('quarto-content') ? d.documentElement.classList.contains('quarto-dark') : luminance(rgba(w.getComputedStyle(d.body).backgroundColor)) < .2;
}

async function search(frame, where, term) {
  const w = frame.contentWindow, d = w.document;
  const input = [...d.querySelectorAll('.smalldocs-search input')].find(e => e.offsetParent);
  input.focus(); input.value = term; input.dispatchEvent(new w.Event('input', {bubbles: true}));
  await wait(600);
  const results = [...d.querySelectorAll('.search-result')].filter(e => e.offsetParent);
  const introduced = results.filter(e => e.textContent.toLowerCase().includes(term) && !e.href.includes('glossary'));
  if (!introduced.length) return say(where, 'search does not find where a page has ' + term);
  if (input.getBoundingClientRect().bottom > results[0].getBoundingClientRect().top) say(where, 'results hide what was searched for');
  for (const result of results) {
    const box = result.getBoundingClientRect(), list = result.parentElement.getBoundingClientRect();
    if (box.bottom > list.bottom) break;   // is scrolled to
    const at = x => result.contains(d.elementFromPoint(x, box.top + box.height/2));
    if (box.width < 300 || box.right > w.innerWidth || !at(box.left+5) || !at(box.right-5)) { say(where, 'a result of the search is cut or covered: ' + some(result)); break; }
    for (const e of result.querySelectorAll('*')) if (contrast(w, e) < 4.5) { say(where, 'contrast in search results: ' + some(e)); break; }
  }
}

async function open(page, width, dark) {
  const frame = document.createElement('iframe');
  frame.style.cssText = 'border: 0; height: 900px; width: ' + width + 'px; color-scheme: ' + (dark ? 'dark' : 'light');
  const loaded = new Promise(r => frame.onload = r);
  frame.src = page;
  document.body.append(frame);
  await loaded; await wait(200);
  return frame;
}

onload = async () => {
  for (const mode of ['default', 'alternate']) {   // light and dark, as a reader's choice is kept
    for (const key of ['smalldocs-scheme','quarto-color-scheme']) localStorage.setItem(key, mode);
    for (const width of WIDTHS) for (const page of PAGES) {
      const dark = mode != 'default', where = page + ' at ' + width + (dark ? ', dark' : ', light'), frame = await open(page, width, dark);
      if (dark != isDark(frame.contentWindow)) say(where, 'is not in the mode that was chosen');
      try { look(frame, where); } catch (e) { say(where, String(e)); }
      if (page == 'index.html' && width == WIDTHS[0])
        for (const term of TERMS) { try { await search(frame, where, term); } catch (e) { say(where, String(e)); } }
      frame.remove();
    }
  }
  const out = document.createElement('pre');
  out.id = 'report'; out.textContent = JSON.stringify(faults);
  document.body.append(out);
};
"""

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

def look_at(pages):
    "What Chromium finds on these pages, a line each."
    browser = next(filter(None, map(shutil.which, ('chromium','chromium-browser','google-chrome'))), None)
    if browser is None: sys.exit('Chromium is not installed (Debian and Ubuntu: apt-get install chromium)')
    filled = script.replace('PAGES', json.dumps(pages)).replace('TERMS', json.dumps(terms)).replace('WIDTHS', json.dumps(widths))
    server = ThreadingHTTPServer(('127.0.0.1',0), partial(Quiet, directory=site))
    Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as profile:
        harness = site/'zz_check.html'
        try:
            harness.write_text(f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script>{filled}</script>', encoding='utf-8')
            done = subprocess.run(
                [browser, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', f'--user-data-dir={profile}',
                 '--window-size=1400,1000', '--enable-logging=stderr', '--virtual-time-budget=600000', '--dump-dom',
                 f'http://127.0.0.1:{server.server_port}/{harness.name}'], capture_output=True, text=True, timeout=900)
        finally:
            harness.unlink(missing_ok=True)
            server.shutdown()
    report = re.search(r'<pre id="report">(.*?)</pre>', done.stdout, re.S)
    if not report: return [f'Chromium did not come to an end: {done.stderr[-500:]}']
    return json.loads(html.unescape(report[1])) + [f'console: {line}' for line in done.stderr.splitlines() if 'CONSOLE' in line]

def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    pages = sorted(p.name for p in site.glob('*.html'))
    if not pages: sys.exit('there is no site yet: python tools/build_site.py')
    faults = look_at(pages)
    print('\n'.join(faults) or f'{len(pages)} pages at {" and ".join(map(str, widths))} pixels, in light and dark: nothing wrong')
    sys.exit(len(faults) > 0)

if __name__ == '__main__': main()
