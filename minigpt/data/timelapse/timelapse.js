// The page of a time-lapse: it draws the snapshot at which the slider stands.
'use strict';
const $ = id => document.getElementById(id);
const data = JSON.parse($('data').textContent);
const {rows, chars, passage, heads: [L, H]} = data, T = passage.length;
const reduced = matchMedia('(prefers-reduced-motion: reduce)'), dark = matchMedia('(prefers-color-scheme: dark)');
const number = n => n.toLocaleString('en-US');
const nats = n => n.toFixed(2);
const percent = share => `${Math.round(100*share)}%`;

function svg(parent, tag, attributes, text = '') {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const name in attributes) e.setAttribute(name, attributes[name]);
  e.textContent = text;
  parent.append(e);
  return e;
}

// A character for the eye; one that turns the line round, or has no form of its own, by its number.
const code = c => 'U+' + c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
const shown = c => ({'\n': '↵', ' ': '␣', '\t': '⇥'}[c] || c.replace(/[\p{C}\p{M}\p{Z}]/gu, code));

function kind(c) {
  if (/^[aeiou]$/i.test(c)) return 'vowel';
  if (/^\p{Lu}/u.test(c)) return 'capital';
  return /^\p{L}/u.test(c) ? 'consonant' : 'other';
}

// Weights from 0 to 255 in base64: head after head, each of its rows as long as the character may look back.
const patterns = rows.map(row => Uint8Array.from(atob(row.attention), c => c.charCodeAt(0)));
const triangle = T*(T+1)/2;
const weight = (i, head, query, key) => patterns[i][head*triangle + query*(query+1)/2 + key]/255;
function previous(i, head) {   // how much of its weight lies on the character before, on average
  let sum = 0;
  for (let q = 1; q < T; q++) sum += weight(i, head, q, q-1);
  return sum/Math.max(1, T-1);
}
let even = 0;   // the same for a head that attends to all alike
for (let q = 1; q < T; q++) even += 1/(q+1)/(T-1);

// Loss over steps, which are as far apart as they are in the logarithm of 10 + step.
const losses = [...rows.map(r => r.val_loss), ...Object.values(data.baselines)];
const low = Math.min(...losses), high = Math.max(...losses), last = Math.max(1, rows.at(-1).step);
const x = step => 36 + 338*Math.log(1 + step/10)/Math.log(1 + last/10);
const y = loss => 20 + 160*(high - loss)/Math.max(1e-9, high - low);
let now;
function drawCurve() {
  const c = $('curve');
  svg(c, 'text', {x: 0, y: 10}, 'nats per character');
  for (let n = Math.ceil(2*low)/2; n <= high; n += .5) svg(c, 'text', {x: 30, y: y(n) + 4, 'text-anchor': 'end'}, n.toFixed(1));
  for (const loss of Object.values(data.baselines)) svg(c, 'line', {class: 'ngram', x1: 36, x2: 380, y1: y(loss), y2: y(loss)});
  for (const [loss, name] of data.labels) svg(c, 'text', {x: 384, y: y(loss) + 4}, name);
  svg(c, 'line', {class: 'axis', x1: 36, x2: 380, y1: 192, y2: 192});
  for (let step = 0; step <= last; step = step ? 10*step : 10) svg(c, 'text', {x: x(step), y: 208, 'text-anchor': 'middle'}, number(step));
  svg(c, 'text', {x: 0, y: 208}, 'step');
  svg(c, 'polyline', {class: 'line', points: rows.map(r => `${x(r.step)},${y(r.val_loss)}`).join(' ')});
  for (const r of rows) svg(c, 'circle', {class: 'dot', cx: x(r.step), cy: y(r.val_loss), r: 2.5});
  now = svg(c, 'circle', {class: 'now', r: 5});
}

// All heads small, to choose from.
const canvases = [];
let head = 0;
function drawHeads() {
  for (let h = 1; h < L*H; h++) if (previous(rows.length-1, h) > previous(rows.length-1, head)) head = h;
  $('heads').style.gridTemplateColumns = `repeat(${H}, minmax(0, 1fr))`;
  for (let h = 0; h < L*H; h++) {
    const label = document.createElement('label'), input = document.createElement('input'), canvas = document.createElement('canvas');
    input.type = 'radio'; input.name = 'head'; input.checked = h === head;
    input.addEventListener('change', () => { head = h; drawLarge(); });
    canvas.width = canvas.height = T;
    label.append(input, canvas, `${Math.floor(h/H)}.${h%H}`);
    $('heads').append(label);
    canvases.push(canvas);
  }
}

function drawSmall() {
  const color = dark.matches ? [125, 183, 240] : [27, 92, 176];
  canvases.forEach((canvas, h) => {
    const context = canvas.getContext('2d'), image = context.createImageData(T, T);
    for (let q = 0; q < T; q++) for (let k = 0; k <= q; k++) image.data.set([...color, 255*weight(at(), h, q, k)], 4*(q*T + k));
    context.putImageData(image, 0, 0);
  });
}

// The chosen head large, with the characters at its sides.
const squares = [];
function drawFrame() {
  const side = 94/T;
  for (let q = 0; q < T; q++) {
    svg($('large'), 'text', {x: 3, y: 6 + (q+.5)*side}, shown(passage[q]));
    svg($('large'), 'text', {x: 6 + (q+.5)*side, y: 3}, shown(passage[q]));
    for (let k = 0; k <= q; k++) squares.push([q, k, svg($('large'), 'rect', {x: 6 + k*side, y: 6 + q*side, width: side, height: side})]);
  }
  svg($('large'), 'rect', {class: 'frame', x: 6, y: 6, width: 94, height: 94});
}

function drawLarge() {
  for (const [q, k, square] of squares) square.setAttribute('fill-opacity', weight(at(), head, q, k).toFixed(2));
  const said = `Head ${Math.floor(head/H)}.${head%H}: ${percent(previous(at(), head))} of its weight is on the character before, on average (${percent(even)} if it attended to all alike).`;
  $('attends').textContent = said;
  $('large').setAttribute('aria-label', said);
}

let marks = [];
function drawMap() {
  marks = chars.map(c => svg($('map'), 'text', {class: kind(c)}, shown(c)));
}

const at = () => Number($('at').value);
function show() {
  const row = rows[at()], said = `step ${number(row.step)} of ${number(data.steps)}`;
  $('at').setAttribute('aria-valuetext', said);
  $('step').textContent = said;

  const b = document.createElement('b'), mark = document.createElement('mark'), n = Array.from(row.copied).length;
  b.textContent = data.prompt.trim() ? data.prompt : '';
  mark.textContent = row.copied;
  const from = row.sample.indexOf(row.copied);
  $('sample').replaceChildren(b, row.sample.slice(0, from), mark, row.sample.slice(from + row.copied.length));
  $('copied').textContent = `The longest piece that stands in the training text, ${n} character${n === 1 ? '' : 's'}, is marked.`;

  const passed = Object.keys(data.baselines).filter(k => row.val_loss < data.baselines[k]).map(k => `${k}-gram`);
  $('loss').textContent = `Validation loss ${nats(row.val_loss)} nats per character; lower is better. `
    + (passed.length ? `It predicts better than these n-gram models: ${passed.join(', ')}.` : 'All n-gram models predict better.');
  $('curve').setAttribute('aria-label', `Loss over the steps. ${$('loss').textContent}`);
  now.setAttribute('cx', x(row.step)); now.setAttribute('cy', y(row.val_loss));

  drawSmall(); drawLarge();
  row.map.forEach(([u, v], i) => { marks[i].style.transform = `translate(${100*u}px, ${-100*v}px)`; });
  $('map').setAttribute('aria-label', `Map of the characters at ${said}.`);
}

let timer = 0;
function pause() {
  clearInterval(timer);
  timer = 0;
  $('play').textContent = 'Play';
}
function play() {
  if (timer) return pause();
  if (at() === rows.length-1) $('at').value = 0;
  else $('at').value = at() + 1;
  show();
  $('play').textContent = 'Pause';
  timer = setInterval(() => {
    if (at() === rows.length-1) return pause();
    $('at').value = at() + 1;
    show();
    if (at() === rows.length-1) pause();
  }, reduced.matches ? 3000 : 1500);
}

$('at').max = rows.length-1;
$('map_about').textContent = data.map_about;
$('length').textContent = T;
$('prompt').textContent = data.prompt === '\n' ? 'a line break' : data.prompt.trim() ? 'in bold' : Array.from(data.prompt, shown).join('');
drawCurve(); drawHeads(); drawFrame(); drawMap(); show();
$('at').addEventListener('input', () => { pause(); show(); });
$('play').addEventListener('click', play);
dark.addEventListener('change', drawSmall);
