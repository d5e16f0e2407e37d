// The page around the model: it shows what the engine answers, and asks it for what the reader wants.
'use strict';
const $ = id => document.getElementById(id);
const {config, chars, index, trigram} = JSON.parse($('model').textContent);
const idOf = new Map(chars.map((c, i) => [c, i]));

// An element with a text, which stays a text whatever is in it.
function element(tag, text = '', attributes = {}) {
  const e = document.createElement(tag);
  e.textContent = text;
  for (const name in attributes) e.setAttribute(name, attributes[name]);
  return e;
}

// A character for the eye; one that turns the line round, or has no form of its own, by its number.
const code = c => 'U+' + c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
const plain = c => !/[\p{C}\p{M}\p{Z}]/u.test(c);
const shown = c => ({'\n': '↵ line break', ' ': '␣ space', '\t': '⇥ tab'}[c] || (plain(c) ? c : code(c)));
const short = c => ({'\n': '↵', ' ': '␣', '\t': '⇥'}[c] || (plain(c) ? c : '□'));
const quoted = text => `“\u2068${text}\u2069”`;   // isolated, so that no character turns the sentence round
const percent = p => `${(100*p).toFixed(1)} %`;
const byValue = values => Array.from(values.keys()).sort((a, b) => values[b]-values[a]);

// ---- the engine: in a worker where the browser allows one; what it has not answered can be sent again

let turn = 0, scoring = 0;   // answers that belong to an older one are not shown
const answers = {next, wrote, 'wrote all': wroteAll, scored, looked, failed};
function receive(message) { if (message.turn === (message.name === 'scored' ? scoring : turn)) answers[message.name](message); }

function connect() {
  const setup = {config, index, base64: $('weights').textContent.trim()}, unanswered = [];
  let heard = false;
  const here = () => {
    const engine = new Engine(setup, receive);
    return message => engine[message.name](message);
  };
  try {
    const program = new Blob([$('gpt').textContent, $('engine').textContent], {type: 'text/javascript'});
    const worker = new Worker(URL.createObjectURL(program));
    let target = message => { worker.postMessage(message); };
    worker.addEventListener('message', ({data}) => { heard = true; receive(data); });
    worker.addEventListener('error', () => {
      if (heard) return;
      heard = true;
      target = here();
      unanswered.forEach(target);
    });
    worker.postMessage(setup);
    return message => { if (!heard) unanswered.push(message); target(message); };
  } catch { return here(); }
}

// ---- text and prompt

// The ids of a text; says, in the element `where`, which characters the model does not know, and leaves them out.
function encode(text, where) {
  const all = Array.from(text), unknown = [...new Set(all.filter(c => !idOf.has(c)))];
  const said = unknown.length === 0 ? '' : 'The model does not know '
    + unknown.slice(0, 8).map(c => shown(c) === code(c) ? code(c) : `${c} (${code(c)})`).join(', ')
    + (unknown.length > 8 ? ' and others' : '') + ', so they were left out. Use characters of its training text.';
  if ($(where).textContent !== said) $(where).textContent = said;   // or it would be read out at every key
  document.querySelector(`[aria-describedby=${where}]`).setAttribute('aria-invalid', unknown.length > 0);
  return all.filter(c => idOf.has(c)).map(c => idOf.get(c));
}

const firstId = idOf.has('\n') ? idOf.get('\n') : 0;
let later = 0, tail = null, lead = 0, writing = false;

// Shows a prompt and begins a turn with it; without one it goes on from a line break that is not shown.
function newText(name, more = {}) {
  clearTimeout(later);
  const ids = encode($('prompt').value, 'unknown'), read = ids.length ? ids : [firstId];
  tail = document.createTextNode('');
  $('next').inert = true;   // until there is what comes after this text
  $('text').replaceChildren(element('b', ids.map(i => chars[i]).join('')), tail);
  $('text').scrollTop = $('text').scrollHeight;
  lead = ids.length - Math.min(read.length, config.block_size);   // characters shown before the first that is read
  pointed = null;
  turn++;
  send({name, turn, ids: read, ...more});
}

function append(ids) {
  const e = $('text'), atEnd = e.scrollHeight - e.scrollTop - e.clientHeight < 50;   // or the reader reads further up
  tail.appendData(ids.map(i => chars[i]).join(''));
  if (atEnd) e.scrollTop = e.scrollHeight;
}

let first_prediction = 0;   // milliseconds since the page began to load
function next({probs}) {
  first_prediction ||= performance.now();
  const had = $('next').contains(document.activeElement);
  $('next').replaceChildren(...byValue(probs).slice(0, 8).map(id => {
    const item = element('li'), button = element('button', '', {type: 'button'}), bar = element('i');
    bar.style.width = `${100*probs[id]}%`;
    const text = element('span');
    text.append(element('bdi', shown(chars[id])), `  ${percent(probs[id])}`);
    button.append(bar, text);
    button.addEventListener('click', () => {
      if ($('next').inert) return;
      append([id]);
      send({name: 'choose', turn, id});
    });
    item.append(button);
    return item;
  }));
  $('next').inert = writing;
  if (had) $('next').querySelector('button').focus();
  askLook();
}

// What the settings say, within their bounds, which are written back.
function number(id) {
  const e = $(id), typed = e.value === '' || !Number.isFinite(Number(e.value)) ? Number(e.defaultValue) : Number(e.value);
  const v = Math.min(Number(e.max), Math.max(Number(e.min), typed));
  e.value = e.step === '1' ? Math.round(v) : v;
  return Number(e.value);
}

// While the model writes, the bars wait; a reader of the screen is told when it is done.
function busy(now) {
  for (const id of ['more', 'another']) $(id).disabled = now;
  const [from, to] = now ? ['write', 'halt'] : ['halt', 'write'], focused = document.activeElement === $(from);
  writing = now;
  $(to).disabled = false;
  if (focused) $(to).focus();
  $(from).disabled = true;
  $('text').setAttribute('aria-busy', now);
}

function write(goOn) {
  const options = {temperature: number('temperature'), topK: number('topk') || null, topP: number('topp')};
  const stop = Array.from($('stop').value.replaceAll('\\n', '\n'));
  if (stop.some(c => !idOf.has(c))) { $('status').textContent = '“Stop at” has a character that the model does not know'; return; }
  busy(true);
  $('status').textContent = 'writing …';
  const settings = {options, length: number('length'), seed: number('seed'), stop: stop.map(c => idOf.get(c))};
  if (goOn === true) {
    pointed = null;
    send({name: 'write', turn: ++turn, ...settings});
  }
  else newText('write', settings);
}

function wrote({piece}) {
  append(piece);
  if (pointed === null) askLook();
}
function wroteAll({begun, halted, n, seconds}) {
  busy(false);
  if (!begun) newText('begin');   // it was halted before it had read all of the prompt
  $('status').textContent = `${n} characters, ${Math.round(n/Math.max(.001, seconds))} a second${halted ? ', stopped' : ''}`;
}
function failed({text}) { busy(false); $('status').textContent = text; }

// ---- looking inside

let pointed = null, asked = false, askAgain = false;   // the place that is looked at, null for the newest character
function askLook() {
  if (!$('inside').open) return;
  if (asked === turn) { askAgain = true; return; }
  asked = turn;
  send({name: 'look', turn, at: pointed, head: $('head').selectedIndex});
}
function point(at) { pointed = at; askLook(); }

const cell = 11, arcs = 70, row = 9;   // pixels
// A canvas of so many pixels of the page, sharp on any screen, and what to draw with.
function canvas(id, width, height) {
  const e = $(id), scale = devicePixelRatio || 1, draw2d = e.getContext('2d');
  e.width = width*scale; e.height = height*scale;
  e.style.width = `${width}px`; e.style.height = `${height}px`;
  draw2d.scale(scale, scale);
  draw2d.fillStyle = draw2d.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue('--mark');
  return draw2d;
}

function looked({at, first, kept, n, window: ids, pair, next: follows, head, patterns, lens, rows}) {
  asked = false;
  const T = ids.length, weights = patterns[head], H = config.n_head;
  $('place').min = kept; $('place').max = n-1;
  if (pointed === null || !askAgain) $('place').value = at;   // or the reader has moved it on
  $('strip').replaceChildren(...ids.map((id, i) => element('span', short(chars[id]), i === at-first ? {class: 'at'} : {})));

  $('arcs').parentElement.scrollLeft = T*cell;   // where it looks from
  mark(at);

  const above = canvas('arcs', T*cell, arcs), x = i => (i + .5)*cell;
  weights.forEach((w, i) => {   // from the character that looks to each that it looks at
    above.globalAlpha = Math.min(1, w);
    above.lineWidth = 2.5;
    above.beginPath();
    above.moveTo(x(T-1), arcs);
    const high = arcs - Math.min(arcs-3, 8 + (T-1-i)*cell/4);
    above.bezierCurveTo(x(T-1), high, x(i), high, x(i), arcs);
    above.stroke();
  });
  const below = canvas('heads', T*cell, patterns.length*row);
  patterns.forEach((p, h) => p.forEach((w, i) => {
    below.globalAlpha = Math.sqrt(w);
    below.fillRect(i*cell, h*row, cell-1, row-1);
  }));
  below.globalAlpha = 1;
  below.strokeRect(.5, head*row+.5, T*cell-1, row-1);
  const side = Math.max(2, Math.floor(280/T)), square = canvas('matrix', T*side, T*side);
  for (const {first: from, at: i, weights: p} of rows) p.forEach((w, j) => {
    if (from + j < first) return;
    square.globalAlpha = Math.sqrt(w);
    square.fillRect((from+j-first)*side, (i-first)*side, side, side);
  });

  const names = ['embedding', ...lens.slice(1).map((_, l) => `block ${l}`)];
  const guesses = lens.map((best, l) => [names[l], best]);
  if (trigram) guesses.push(['trigram model', (pair.length === 2 && trigram[pair[0]*chars.length + pair[1]]) || []]);
  $('lens').replaceChildren(...guesses.map(([name, best]) => {
    const line = element('tr');
    line.append(element('th', name, {scope: 'row'}), ...best.map(([id, p]) =>
      element('td', `${short(chars[id])} ${Math.round(100*p)} %`, id === follows ? {class: 'came'} : {})));
    if (!best.length) line.append(element('td', pair.length < 2 ? 'needs two characters' : 'not one of its commonest pairs', {colspan: 3}));
    return line;
  }));
  const most = byValue(weights).slice(0, 3).filter(i => weights[i] > .05);
  const context = ids.slice(-12).map(id => short(chars[id])).join(''), best = lens[lens.length-1][0];
  const said = (pointed !== null && pointed < kept ? `Of what is further back nothing is kept. ` : '') + `After ${quoted(context)} head ${Math.floor(head/H)}.${head % H} looks at `
    + (most.map(i => `${quoted(short(chars[ids[i]]))}, ${i === T-1 ? 'itself' : `${T-1-i} back`} (${percent(weights[i])})`).join(', ') || 'no character in particular')
    + `. The model expects ${quoted(short(chars[best[0]]))} (${percent(best[1])})` + (follows === undefined ? '.' : `; the text has ${quoted(short(chars[follows]))}.`);
  $('place').setAttribute('aria-valuetext', `${quoted(short(chars[ids[T-1]]))}, ${at+1} of ${n}`);
  if (!writing || pointed !== null) $('said').textContent = said;
  if (askAgain) { askAgain = false; askLook(); }
}

// The place, as the engine counts, of the character under the pointer.
function placeInText({clientX, clientY}) {
  const caret = document.caretPositionFromPoint ? document.caretPositionFromPoint(clientX, clientY) : document.caretRangeFromPoint(clientX, clientY);
  const node = caret && (caret.offsetNode || caret.startContainer), prompt = $('text').firstChild;
  if (!node || node.nodeType !== Node.TEXT_NODE || !$('text').contains(node)) return null;
  let i = caret.offset ?? caret.startOffset;   // on the right half of a character it stands behind that one
  const step = /[\uDC00-\uDFFF]/.test(node.data[i-1]) ? 2 : 1, range = new Range();
  if (i > 0) {
    range.setStart(node, i-step);
    range.setEnd(node, i);
    const inside = r => clientX >= r.left && clientX < r.right && clientY >= r.top && clientY < r.bottom;
    if (Array.from(range.getClientRects()).some(inside)) i -= step;
  }
  const before = node.data.slice(0, i);
  return Array.from(before).length + (node === tail ? Array.from(prompt.textContent).length : 0) - lead;
}

// Marks the character at a place in the text, if the reader has pointed at it.
function mark(at) {
  if (!CSS.highlights) return;
  CSS.highlights.delete('looked');
  let i = pointed === null ? -1 : at + lead;
  for (const node of [$('text').firstChild.firstChild, tail]) {
    const all = Array.from(node?.data ?? '');
    if (i >= 0 && i < all.length) {
      const range = new Range(), from = all.slice(0, i).join('').length;
      range.setStart(node, from);
      range.setEnd(node, from + all[i].length);
      CSS.highlights.set('looked', new Highlight(range));
    }
    i -= all.length;
    if (i < 0) return;
  }
}

for (let l = 0; l < config.n_layer; l++)
  for (let h = 0; h < config.n_head; h++) $('head').append(element('option', `${l}.${h}`));
$('head').addEventListener('change', askLook);
$('inside').addEventListener('toggle', askLook);
$('place').addEventListener('input', () => point(Number($('place').value)));
$('newest').addEventListener('click', () => point(null));
$('strip').addEventListener('pointerdown', ({target}) => {   // it is drawn anew between press and release
  const i = Array.from($('strip').children).indexOf(target);
  if (i >= 0) point(Number($('place').value) - $('strip').children.length + 1 + i);
});
$('heads').addEventListener('click', ({offsetY}) => { $('head').selectedIndex = Math.max(0, Math.min($('head').length-1, Math.floor(offsetY/row))); askLook(); });
$('text').addEventListener('click', e => {
  if (!$('inside').open) return;
  const at = placeInText(e);
  if (at !== null && at >= 0) point(at);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', askLook);

// ---- how well it predicts a text

const most = 2000;   // characters that are scored
function score() {
  const ids = encode($('sample').value, 'unscored').slice(0, most);
  $('loss').textContent = ids.length ? 'reading …' : 'nothing to score';
  send({name: 'score', turn: ++scoring, start: firstId, ids});
}
function scored({ids, losses}) {
  const shades = ['#fff', '#fed', '#fdc', '#fcb', '#fb9', '#fa8', '#f97', '#e86', '#e74', '#d63', '#d51'];
  $('scored').replaceChildren(...ids.map((id, i) => {
    const span = element('span', chars[id] === '\n' ? '↵\n' : chars[id], {title: `${losses[i].toFixed(2)} nats`});
    span.style.backgroundColor = shades[Math.round(Math.min(1, losses[i]/6)*10)];
    return span;
  }));
  if (ids.length === 0) return;
  const context = i => quoted(ids.slice(Math.max(0, i-7), i+1).map(j => chars[j] === ' ' ? ' ' : short(chars[j])).join(''));
  $('loss').textContent = `Mean loss ${(losses.reduce((a, b) => a+b)/ids.length).toFixed(3)} nats per character`
    + (ids.length === most ? `, of the first ${most}` : '') + ` (guessing: ${Math.log(chars.length).toFixed(2)}). White 0, dark 6 or more. Biggest surprises: the last character of `
    + byValue(losses).slice(0, 3).map(i => `${context(i)} (${losses[i].toFixed(1)})`).join(', ');
}

// ---- buttons, keys, and the address, which can hold the settings

const inAddress = ['prompt', 'temperature', 'topk', 'topp', 'length', 'seed', 'stop'];
$('topk').max = chars.length;
const address = new URLSearchParams(location.hash.slice(1));
for (const id of inAddress) if (address.has(id)) $(id).value = address.get(id);
addEventListener('hashchange', () => location.reload());

$('write').addEventListener('click', write);
$('more').addEventListener('click', () => write(true));
$('another').addEventListener('click', () => { $('seed').value = number('seed') + 1; write(); });
$('halt').addEventListener('click', () => send({name: 'halt'}));
$('copy').addEventListener('click', async () => {
  try { await navigator.clipboard.writeText($('text').textContent); $('status').textContent = 'copied'; }
  catch { getSelection().selectAllChildren($('text')); $('status').textContent = 'selected: copy it with your keyboard'; }
});
$('save').hidden = window !== top;   // the address of a frame is not seen
$('save').addEventListener('click', () => {
  let said = 'the address of this page is now a link to this prompt and these settings';
  try { history.replaceState(null, '', '#' + new URLSearchParams(inAddress.map(id => [id, $(id).value]))); }
  catch { said = 'the prompt is too long for an address'; }
  $('status').textContent = said;
});
$('score').addEventListener('click', score);
$('prompt').addEventListener('input', () => {
  clearTimeout(later);
  later = setTimeout(() => {
    if (writing) { busy(false); $('status').textContent = 'stopped'; }
    newText('begin');
  }, 120);
});
$('prompt').addEventListener('keydown', e => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) write(); });

const send = connect();
newText('begin');
if (address.get('write') === '1') write();
