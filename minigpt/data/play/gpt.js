// A GPT in plain JavaScript, function by function as on the page "GPT", one character at a time with a
// key/value cache. Every matrix is a Float32Array, a row for each output, as PyTorch keeps it; a bias that is not
// there is none.
'use strict';

// y = W x + b, for W of (rows, cols)
function linear(x, W, b, rows) {
  const cols = x.length, y = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const w = W.subarray(r*cols, (r+1)*cols);
    let c = 0, s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    for (; c + 7 < cols; c += 8) {   // eight sums at a time are faster than one
      s0 += w[c]*x[c]; s1 += w[c+1]*x[c+1]; s2 += w[c+2]*x[c+2]; s3 += w[c+3]*x[c+3];
      s4 += w[c+4]*x[c+4]; s5 += w[c+5]*x[c+5]; s6 += w[c+6]*x[c+6]; s7 += w[c+7]*x[c+7];
    }
    for (; c < cols; c++) s0 += w[c]*x[c];
    y[r] = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + (b ? b[r] : 0);
  }
  return y;
}

function layerNorm(x, weight, bias) {
  const n = x.length, y = new Float32Array(n);
  let mean = 0, variance = 0;
  for (const v of x) mean += v/n;
  for (const v of x) variance += (v-mean)**2/n;
  const scale = 1/Math.sqrt(variance + 1e-5);
  for (let i = 0; i < n; i++) y[i] = (x[i]-mean)*scale*weight[i] + (bias ? bias[i] : 0);
  return y;
}

function softmax(x) {
  const top = x.reduce((a, b) => Math.max(a, b)), y = x.map(v => Math.exp(v-top));
  const sum = y.reduce((a, b) => a+b, 0);
  return y.map(v => v/sum);
}

function add(x, y) { return x.map((v, i) => v + y[i]); }

// The integral of the bell curve, to 2e-7 (Abramowitz and Stegun, 1964, 7.1.26)
function erf(x) {
  const t = 1/(1 + .3275911*Math.abs(x));
  const rest = ((((1.061405429*t - 1.453152027)*t + 1.421413741)*t - .284496736)*t + .254829592)*t;
  return Math.sign(x)*(1 - rest*Math.exp(-x*x));
}

const activations = {   // ours, nanoGPT's and GPT-2's
  relu: v => Math.max(0, v),
  gelu: v => v/2*(1 + erf(v/Math.SQRT2)),
  gelu_tanh: v => v/2*(1 + Math.tanh(Math.sqrt(2/Math.PI)*(v + .044715*v**3))),
};

// Keys and values of the characters read so far, for every layer.
class KVCache {
  constructor({n_layer, n_embd, block_size}) {
    this.layers = Array.from({length: n_layer}, () => ({
      keys: new Float32Array(block_size*n_embd), values: new Float32Array(block_size*n_embd)}));
    this.length = 0;
  }
}

class GPT {
  constructor(config, weights) {   // sizes as in config.json; names as in PyTorch's state_dict
    this.config = config;
    this.w = weights;
  }

  newCache() { return new KVCache(this.config); }

  // One character's attention, with what the cache holds of those before it; `seen`
  // keeps each head's weights.
  attention(x, layer, cache, start, seen) {
    const {n_head: H, n_embd: C} = this.config, D = C/H, at = `blocks.${layer}.attn.`;
    const {keys, values} = cache;
    const qkv = linear(x, this.w[at+'qkv.weight'], this.w[at+'qkv.bias'], 3*C);
    keys.set(qkv.subarray(C, 2*C), start*C);
    values.set(qkv.subarray(2*C), start*C);
    const out = new Float32Array(C);
    for (let h = 0; h < H; h++) {
      const scores = new Float32Array(start+1);
      for (let t = 0; t <= start; t++) {
        let s = 0;
        for (let d = h*D, k = t*C + h*D; d < (h+1)*D; d++, k++) s += qkv[d]*keys[k];
        scores[t] = s/Math.sqrt(D);
      }
      const weights = softmax(scores);
      seen?.patterns.push(weights);
      for (let t = 0; t <= start; t++)
        for (let d = h*D, v = t*C + h*D; d < (h+1)*D; d++, v++)
          out[d] += weights[t]*values[v];
    }
    return linear(out, this.w[at+'proj.weight'], this.w[at+'proj.bias'], C);
  }

  feedForward(x, layer) {
    const at = `blocks.${layer}.mlp.`, C = this.config.n_embd;
    const act = activations[this.config.activation ?? 'relu'];
    const hidden = linear(x, this.w[at+'up.weight'], this.w[at+'up.bias'], 4*C).map(act);
    return linear(hidden, this.w[at+'down.weight'], this.w[at+'down.bias'], C);
  }

  block(x, layer, cache, start, seen) {
    const at = `blocks.${layer}.`, norm = (n, v) => layerNorm(v, this.w[at+n+'.weight'], this.w[at+n+'.bias']);
    x = add(x, this.attention(norm('norm1', x), layer, cache, start, seen));
    return add(x, this.feedForward(norm('norm2', x), layer));
  }

  head(x) {
    const y = layerNorm(x, this.w['norm.weight'], this.w['norm.bias']);
    const W = this.w['head.weight'] ?? this.w['token_embedding.weight'];   // tied
    return linear(y, W, this.w['head.bias'], this.config.vocab_size);
  }

  // Logits for the character after `id`, which comes after those in the cache. What happens on the way is kept in
  // `seen`, if it is given: the residual stream behind the embedding and each block, and the attention weights.
  forward(id, cache, seen) {
    const {n_embd: C, n_layer} = this.config, start = cache.length;
    let x = add(this.w['token_embedding.weight'].subarray(id*C, (id+1)*C),
                this.w['position_embedding.weight'].subarray(start*C, (start+1)*C));
    seen?.streams.push(x);
    for (let l = 0; l < n_layer; l++) {
      x = this.block(x, l, cache.layers[l], start, seen);
      seen?.streams.push(x);
    }
    cache.length++;
    return this.head(x);
  }

  // Reads ids; when the window is full its last half is read again, as in Python. For each `look` gets what was
  // seen, and the place of the first character that was looked at.
  read(ids, state, look) {
    const T = this.config.block_size;
    let logits = null;
    for (const id of ids) {
      state.ids.push(id);
      if (state.cache.length === T) {
        state.cache.length = 0;
        for (const old of state.ids.slice(-Math.max(1, T >> 1), -1)) this.forward(old, state.cache);
      }
      const seen = look && {first: state.ids.length - 1 - state.cache.length, patterns: [], streams: []};
      logits = this.forward(id, state.cache, seen);
      look?.(seen);
    }
    return logits;
  }
}

// Temperature, then top-k, then top-p: probabilities to draw from.
function samplingProbs(logits, {temperature = 1, topK = null, topP = null} = {}) {
  if (!(temperature >= 0 && temperature < Infinity) || (topK !== null && topK < 1) || (topP !== null && !(topP > 0 && topP <= 1)))
    throw new RangeError('temperature is at least 0 and finite, top-k at least 1, top-p above 0 and at most 1');
  const order = Array.from(logits.keys()).sort((a, b) => logits[b]-logits[a] || a-b);
  const probs = new Float64Array(logits.length);
  if (temperature === 0) { probs[order[0]] = 1; return probs; }
  const top = logits[order[0]], p = softmax(Float64Array.from(logits, v => (v-top)/Math.max(temperature, 1e-8)));
  let kept = topK ? order.slice(0, topK) : order, sum = kept.reduce((s, i) => s + p[i], 0);
  if (topP) {
    let before = 0;
    const share = sum;
    kept = kept.filter(i => { const keep = before === 0 || before/share < topP; before += p[i]; return keep; });
    sum = kept.reduce((s, i) => s + p[i], 0);
  }
  for (const i of kept) probs[i] = p[i]/sum;
  return probs;
}

// Numbers from 0 to 1 that a seed decides (xoshiro128**; Blackman and Vigna, 2018; seeded by splitmix32).
function generator(seed) {
  const mix = () => {
    seed = (seed + 0x9e3779b9) | 0;
    let z = seed;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  const s = [mix(), mix(), mix(), mix()], rotl = (x, k) => (x << k) | (x >>> (32-k));
  return () => {
    const result = Math.imul(rotl(Math.imul(s[1], 5), 7), 9) >>> 0, t = s[1] << 9;
    s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3]; s[2] ^= t; s[3] = rotl(s[3], 11);
    return result/2**32;
  };
}

function draw(probs, random) {
  let left = random(), last = 0;
  for (let i = 0; i < probs.length; i++) if (probs[i] > 0) { last = i; left -= probs[i]; if (left < 0) return i; }
  return last;
}

if (typeof module !== 'undefined') module.exports = {GPT, activations, softmax, samplingProbs, generator, draw};
