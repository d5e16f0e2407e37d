// The page around the model: it reads what stands in the file, and writes as the reader asks it to.
'use strict';
const $ = id => document.getElementById(id);
const {config, chars} = JSON.parse($('model').textContent);
const idOf = new Map(chars.map((c, i) => [c, i]));

// Numbers of 16 bits, one after the other, in base64: [name, how many] says which are whose.
function readWeights(index, base64) {
  const raw = atob(base64), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  const half = new DataView(bytes.buffer);
  const table = new Float32Array(65536);
  for (let n = 0; n < 65536; n++) {
    const sign = n & 0x8000 ? -1 : 1, exponent = (n >> 10) & 31, fraction = n & 1023;
    table[n] = sign*(exponent ? 2**(exponent-15)*(1 + fraction/1024) : 2**-14*fraction/1024);
  }
  const weights = {};
  let at = 0;
  for (const [name, n] of index) {
    weights[name] = new Float32Array(n);
    for (let i = 0; i < n; i++, at += 2) weights[name][i] = table[half.getUint16(at, true)];
  }
  return weights;
}

const {index} = JSON.parse($('model').textContent);
const model = new GPT(config, readWeights(index, $('weights').textContent.trim()));
let state = null, logits = null, tail = null;
let running = 0, writing = 0;   // a new number ends what an old one has begun

// A character for the eye; one that turns the line round, or has no form of its own, by its number.
const code = c => 'U+' + c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
const shown = c => ({'\n': '↵ line break', ' ': '␣ space', '\t': '⇥ tab'}[c] || (/[\p{C}\p{M}\p{Z}]/u.test(c) ? code(c) : c));

// The ids of a text; says, in the element `where`, which characters the model does not know, and leaves them out.
function encode(text, where) {
  const all = Array.from(text), unknown = [...new Set(all.filter(c => !idOf.has(c)))];
  const said = unknown.length === 0 ? '' : 'The model does not know '
    + unknown.slice(0, 8).map(c => shown(c) === code(c) ? code(c) : `${c} (${code(c)})`).join(', ')
    + (unknown.length > 8 ? ' and others' : '') + ': left out. Replace by characters that its text has.';
  if ($(where).textContent !== said) $(where).textContent = said;   // or it would be read out at every key
  return all.filter(c => idOf.has(c)).map(c => idOf.get(c));
}

const first = () => idOf.has('\n') ? idOf.get('\n') : 0;
let later = 0;
function begin(text) {   // what to go on from; without a prompt a line break that is not shown
  clearTimeout(later);
  const ids = encode(text, 'unknown'), prompt = document.createElement('b');
  state = {ids: [], cache: model.newCache()};
  logits = model.read((ids.length ? ids : [first()]).slice(-config.block_size), state);   // as Python, the last window
  prompt.textContent = ids.map(i => chars[i]).join('');
  tail = document.createTextNode('');
  $('text').replaceChildren(prompt, tail);
  showNext();
}

// What the settings say, within their bounds, which are written back.
function sampling() {
  const number = id => {
    const e = $(id), typed = e.value === '' || !Number.isFinite(Number(e.value)) ? Number(e.defaultValue) : Number(e.value);
    const v = Math.min(Number(e.max), Math.max(Number(e.min), typed));
    e.value = e.step === '1' ? Math.round(v) : v;
    return Number(e.value);
  };
  return {temperature: number('temperature'), topK: number('topk') || null, topP: number('topp'),
          length: number('length'), seed: number('seed')};
}

function showNext() {
  const probs = softmax(Float64Array.from(logits));
  const best = Array.from(probs.keys()).sort((a, b) => probs[b]-probs[a]).slice(0, 8);
  const had = $('next').contains(document.activeElement);
  $('next').replaceChildren(...best.map(id => {
    const item = document.createElement('li'), button = document.createElement('button');
    const bar = document.createElement('i'), name = document.createElement('span');
    bar.style.width = `${100*probs[id]}%`;
    name.textContent = `${shown(chars[id])}  ${(100*probs[id]).toFixed(1)} %`;
    button.type = 'button';
    button.append(bar, name);
    button.addEventListener('click', () => { choose(id); showNext(); });
    item.append(button);
    return item;
  }));
  if (had) $('next').querySelector('button').focus();
}

function choose(id) {   // a character that the reader has chosen
  tail.appendData(chars[id]);
  $('text').scrollTop = $('text').scrollHeight;
  logits = model.read([id], state);
}

// While the model writes, the bars wait; a reader of the screen is told when it is done.
function busy(now) {
  const [from, to] = now ? ['write', 'halt'] : ['halt', 'write'], focused = document.activeElement === $(from);
  $(to).disabled = false;
  if (focused) $(to).focus();
  $(from).disabled = true;
  $('next').inert = now;
  $('text').setAttribute('aria-busy', now);
}

// Writes in pieces of a few milliseconds, so that the page stays alive.
function write() {
  const options = sampling(), random = generator(options.seed), stop = $('stop').value.replaceAll('\\n', '\n');
  if (Array.from(stop).some(c => !idOf.has(c))) { $('status').textContent = 'the model can not write what it should stop at'; return; }
  const run = writing = ++running;
  begin($('prompt').value);
  busy(true);
  $('status').textContent = 'writing …';
  let left = options.length, written = '';
  const started = performance.now();
  const done = why => {
    if (run !== writing) return;   // another run has taken over
    busy(false);
    const n = options.length - left, seconds = Math.max(.001, (performance.now()-started)/1000);
    $('status').textContent = `${n} characters, ${Math.round(n/seconds)} a second${why}`;
    showNext();
  };
  const some = () => {
    if (run !== running) return done(', stopped');
    const until = performance.now() + 30, piece = [];
    let ended = false;
    while (left > 0 && !ended && performance.now() < until) {
      const id = draw(samplingProbs(logits, options), random);
      logits = model.read([id], state);
      piece.push(id);
      written += chars[id];
      left--;
      ended = stop !== '' && written.endsWith(stop);
    }
    tail.appendData(piece.map(i => chars[i]).join(''));
    $('text').scrollTop = $('text').scrollHeight;
    return left > 0 && !ended ? setTimeout(some) : done('');
  };
  some();
}

const most = 2000;   // characters that are scored: the page waits meanwhile
function score() {
  const ids = encode($('sample').value, 'unscored').slice(0, most);
  const shades = ['#fff', '#fed', '#fdc', '#fcb', '#fb9', '#fa8', '#f97', '#e86', '#e74', '#d63', '#d51'];
  const reading = {ids: [], cache: model.newCache()}, losses = [];
  let next = model.read([first()], reading);
  for (const id of ids) {
    losses.push(-Math.log(Math.max(1e-30, softmax(Float64Array.from(next))[id])));
    next = model.read([id], reading);
  }
  $('scored').replaceChildren(...ids.map((id, i) => {
    const span = document.createElement('span');
    span.style.backgroundColor = shades[Math.round(Math.min(1, losses[i]/6)*10)];
    span.title = `${losses[i].toFixed(2)} nats`;
    span.textContent = chars[id] === '\n' ? '↵\n' : chars[id];
    return span;
  }));
  const hardest = Array.from(losses.keys()).sort((a, b) => losses[b]-losses[a]).slice(0, 3);
  const context = i => ids.slice(Math.max(0, i-7), i+1).map(j => chars[j] === '\n' ? '↵' : chars[j]).join('');
  $('loss').textContent = ids.length === 0 ? 'nothing to score'
    : `mean ${(losses.reduce((a, b) => a+b)/ids.length).toFixed(3)} nats per character`
      + (ids.length === most ? `, of the first ${most}` : '') + '; white 0, dark 6 or more; highest at the end of '
      + hardest.map(i => `“${context(i)}” ${losses[i].toFixed(1)}`).join(', ');
}

const kept = ['prompt', 'temperature', 'topk', 'topp', 'length', 'seed', 'stop'];
function save() {
  const settings = new URLSearchParams(kept.map(id => [id, $(id).value]));
  history.replaceState(null, '', '#' + settings);
  $('status').textContent = 'the address of this page now holds prompt and settings';
}
for (const [id, value] of new URLSearchParams(location.hash.slice(1))) if (kept.includes(id)) $(id).value = value;

addEventListener('hashchange', () => location.reload());
$('topk').max = chars.length;

$('write').addEventListener('click', write);
$('halt').addEventListener('click', () => { running++; });
$('copy').addEventListener('click', async () => {
  try { await navigator.clipboard.writeText($('text').textContent); $('status').textContent = 'copied'; }
  catch { getSelection().selectAllChildren($('text')); $('status').textContent = 'selected: copy it with your keyboard'; }
});
$('save').addEventListener('click', save);
$('score').addEventListener('click', score);
$('prompt').addEventListener('input', () => { running++; clearTimeout(later); later = setTimeout(() => begin($('prompt').value), 120); });
$('prompt').addEventListener('keydown', e => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) write(); });
begin($('prompt').value);
const first_prediction = performance.now();   // since the page began to load
