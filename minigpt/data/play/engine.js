// What reads and writes for the page: in a worker, where a browser allows one, and else in the page itself.
// It gets messages {name, ...}, each with the turn it belongs to, and answers with messages of that turn.
'use strict';

// Numbers of 16 bits, one after the other, in base64: [name, how many] says which are whose.
function readWeights(index, base64) {
  const raw = atob(base64), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  const half = new DataView(bytes.buffer), table = new Float32Array(65536);
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

const remembered = 1000;   // characters of which is kept what was seen when they were read

class Engine {
  constructor({config, index, base64}, post) {
    this.model = new GPT(config, readWeights(index, base64));
    this.post = post;
  }

  // Does something with each of many, and pauses now and then, so that messages are heard; stops when `stop` says so.
  async each(many, stop, work) {
    let until = performance.now() + 50;
    for (const one of many) {
      if (performance.now() > until) {
        await new Promise(resolve => { setTimeout(resolve); });
        until = performance.now() + 50;
      }
      if (stop()) return;
      work(one);
    }
  }

  newState() { return {ids: [], cache: this.model.newCache()}; }
  probs(logits) { return softmax(Float64Array.from(logits)); }
  tellNext(turn) { this.post({name: 'next', turn, probs: this.probs(this.logits)}); }

  read(id) {
    this.logits = this.model.read([id], this.state, seen => {
      this.seen.push(seen);
      if (this.seen.length > remembered) this.seen.shift();
    });
  }

  // Begins a text, and with it a turn, which ends the one before; as in Python, of a long prompt the last window is
  // read. True if it came to the end.
  async begin({turn, ids}) {
    const stop = () => this.halted || this.turn !== turn;
    this.turn = turn;
    this.halted = false;
    this.state = this.newState();
    this.seen = [];
    await this.each(ids.slice(-this.model.config.block_size), stop, id => this.read(id));
    if (stop()) return false;
    this.tellNext(turn);
    return true;
  }

  choose({turn, id}) {
    if (turn !== this.turn) return;
    this.read(id);
    this.tellNext(turn);
  }

  halt() { this.halted = true; }

  // Begins with ids, or goes on with the text as it is.
  async write({turn, ids, options, length, seed, stop}) {
    if (!ids) { this.turn = turn; this.halted = false; }
    const begun = !ids || await this.begin({turn, ids}), random = generator(seed), started = performance.now();
    let n = 0, piece = [], tail = [], ended = !begun;
    const send = () => { if (piece.length) this.post({name: 'wrote', turn, piece}); piece = []; };
    let sent = started;
    await this.each(Array(length).keys(), () => ended || this.halted || this.turn !== turn, () => {
      const id = draw(samplingProbs(this.logits, options), random);
      this.read(id);
      piece.push(id);
      n++;
      if (stop.length) tail = [...tail, id].slice(-stop.length);
      ended = stop.length > 0 && stop.every((s, i) => s === tail[i]);
      if (performance.now() > sent + 40) { send(); sent = performance.now(); }
    });
    if (this.turn !== turn) return;
    send();
    this.post({name: 'wrote all', turn, begun, halted: this.halted, n, seconds: (performance.now()-started)/1000});
    if (begun) this.tellNext(turn);
  }

  // The loss of each id, the first of which is predicted after `start`.
  async score({turn, start, ids}) {
    this.scoring = turn;
    const state = this.newState(), losses = [];
    let logits = this.model.read([start], state);
    await this.each(ids, () => this.scoring !== turn, id => {
      losses.push(-Math.log(Math.max(1e-30, this.probs(logits)[id])));
      logits = this.model.read([id], state);
    });
    if (this.scoring === turn) this.post({name: 'scored', turn, ids, losses});
  }

  // What went on when the character at place `at` was read (null: the last one): which characters it looked at, and
  // what the residual stream, read by the head after each block, would have predicted (the logit lens).
  look({turn, at, head}) {
    if (turn !== this.turn || this.seen.length === 0) return;
    const {ids} = this.state, kept = ids.length - this.seen.length;
    if (at === null || at >= ids.length) at = ids.length-1;
    if (at < kept) at = kept;
    const {first, patterns, streams} = this.seen[at-kept];
    const lens = streams.map(x => {
      const probs = this.probs(this.model.head(x));
      return Array.from(probs.keys()).sort((a, b) => probs[b]-probs[a]).slice(0, 3).map(id => [id, probs[id]]);
    });
    const rows = [];   // of the head that was chosen, for every character of the window that is still known
    for (let i = Math.max(first, kept); i <= at; i++) rows.push({first: this.seen[i-kept].first, at: i, weights: this.seen[i-kept].patterns[head]});
    this.post({name: 'looked', turn, at, first, kept, n: ids.length, window: ids.slice(first, at+1), pair: ids.slice(Math.max(0, at-1), at+1), next: ids[at+1], head, patterns, lens, rows});
  }
}

// In a worker this file is the whole program, behind gpt.js; the first message brings the model.
if (typeof document === 'undefined' && typeof self !== 'undefined') {
  let engine = null;
  self.addEventListener('message', async ({data}) => {
    try {
      if (engine) await engine[data.name](data);
      else engine = new Engine(data, message => self.postMessage(message));
    } catch (e) { self.postMessage({name: 'failed', turn: data.turn, text: String(e)}); }
  });
}
if (typeof module !== 'undefined') module.exports = {Engine};
