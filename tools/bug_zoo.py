"""Break the package on purpose, a bug at a time, and see that a test on some page notices:
`python tools/bug_zoo.py [--list] [--control] [--jobs N] [--only NAME ...]`

A mutant is one change to the exported cells of a page, or to a program in JavaScript that a page tests in Node. It is made in a copy of the repository and exported
there, and it has to live: the broken package imports, trains, writes and scores, and every shape is right.
Then its page is run as nbdev_test does it. The mutant counts as caught only if an assertion on the page
fails; an error of another kind is a failure of the zoo, and so is a mutant whose text is no longer there. A
page that notices nothing is followed by the pages to its right, which import the broken package. `--control`
changes nothing: the package has to live, and all pages have to pass.

The cells above a change are the same for all mutants of a page. They are run once, and each mutant goes on
from there in a fork of that process, so the tool needs an operating system that has `fork`."""
import argparse, ast, json, multiprocessing, os, re, shutil, sys, tempfile, traceback
from collections import namedtuple
from functools import cache
from pathlib import Path

os.environ |= dict(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')   # what is forked must not own a GPU
import fastcore.test, matplotlib.pyplot, safetensors.torch, torch, tqdm.auto   # once, for all forks
from execnb.shell import CaptureShell
from nbdev.config import get_config
from nbdev.doclinks import nbdev_export
from nbdev.process import NBProcessor

root = Path(__file__).resolve().parent.parent
pages = sorted(p.stem for p in (root/'nbs').glob('[!_.]*.ipynb'))
skip_flags = set(get_config(path=root).tst_flags.split()) - {'slow'}   # CI runs the slow ones
fork = multiprocessing.get_context('fork')

# noticed: by another page than its own; file: what is changed is not a cell, but a file of the package
Mutant = namedtuple('Mutant', 'name page old new bug seen noticed file', defaults=[None,None])
classic,peer = 'a classic','a well-known peer of this project'
ZOO = [Mutant(*m) for m in (
# How text becomes numbers
('decode-off-by-one', '00_tokenizer', 'self._points[ids].tobytes()', 'self._points[ids-1].tobytes()',
 'The table that decodes is off by one, so each id gives the character before its own.', classic),
('vocabulary-unsorted', '00_tokenizer', 'cls(sorted(set(text)))', 'cls(list(set(text)))',
 'The vocabulary has the order of a set, another in every process, and a saved model reads nonsense.',
 classic),
('unknown-becomes-first', '00_tokenizer', '+ 2, -1, dtype', '+ 2, 0, dtype',
 'An unknown character quietly becomes id 0.', classic),
('validation-in-training', '00_tokenizer', 'return ids[:n], ids[n:]', 'return ids, ids[n:]',
 'The training part holds the validation part too.', classic),
# What a guess is worth
('targets-not-shifted', '01_bigram', 'return windows[:,:-1], windows[:,1:]',
 'return windows[:,:-1], windows[:,:-1]',
 'The model is asked for the character that it is shown, and learns to copy.', classic),
('batch-ignores-step', '01_bigram', 'default_rng([seed, step])', 'default_rng([seed])',
 'Every step reads the same batch.', classic),
('windows-miss-the-end', '01_bigram', 'integers(len(ids)-block_size, size',
 'integers(len(ids)-block_size-1, size',
 'The last piece of the text is never cut.', classic),
('evaluation-in-training-mode', '01_bigram', 'with bar, eval_mode(model), torch', 'with bar, torch',
 'Dropout is on while the loss is measured.', classic),
('mode-left-in-evaluation', '01_bigram', 'for m in training: m.training = True', 'pass',
 'After an evaluation the model stays in evaluation mode, and dropout is off from then on.', classic),
('history-from-the-wrong-end', '01_bigram', 'history[-first:]', 'history[:first]',
 'The first window is given the beginning of what came before, not its end.', classic),
('last-window-not-in-mean', '01_bigram', 'mean = losses.double().mean()',
 'mean = losses[:len(losses)//new*new].double().mean()',
 'The mean leaves out the last window, which is shorter.', classic),
('mean-of-batch-means', '01_bigram', 'losses = torch.cat(losses)\n    mean = losses.double().mean()',
 'mean = torch.stack([l.double().mean() for l in losses]).mean()\n    losses = torch.cat(losses)',
 'The mean of batch means gives a short last batch the weight of a full one.', classic),
('stride-scores-old-context', '01_bigram', 'logits = model(x)[:, -y.shape[1]:].float()',
 'logits = model(x)[:, :y.shape[1]].float()',
 'With overlapping windows the guesses are taken from the front of the window.', classic),
('counts-not-continuations', '01_bigram',
 'self.neighbours.append(left)', 'self.neighbours.append(self.counts[-1])',
 'Kneser-Ney without continuation counts: below the top order it counts occurrences.', classic),
('discount-wrong', '01_bigram', 'off = k - (k+1) * n[0]', 'off = k - k * n[0]',
 'The discounts lack a factor; every guess still sums to one.', classic),
# How a character uses its past
('mask-upside-down', '02_attention', 'device=device).tril()', 'device=device).triu()',
 'The mask is the wrong triangle, and a position sees only what comes after it.', classic),
('mask-inverted', '02_attention', 'dropout_p=dropout, is_causal=True',
 'dropout_p=dropout, attn_mask=~causal_mask(x.shape[1], x.device)',
 "The mask has the opposite of the kernel's meaning: attention sees only the future.",
 'LLMs-from-scratch #1062'),
('no-mask', '02_attention', 'dropout_p=dropout, is_causal=True', 'dropout_p=dropout, is_causal=False',
 'Every position sees the answer, one place to its right.', classic),
('scaled-by-sqrt-C', '02_attention', 'dropout_p=dropout, is_causal=True',
 'dropout_p=dropout, is_causal=True, scale=x.shape[-1]**-.5',
 'Scores are divided by the root of all channels and not of those of a head.', peer),
('no-mask-in-16-bits', '31_speed', 'causal_mask(x.shape[1], x.device), dropout)', 'None, dropout)',
 'The plain attention that bfloat16 takes on a CPU has no mask.', classic),
('softmax-over-queries', '02_attention', 'weights = scores.softmax(-1)', 'weights = scores.softmax(-2)',
 'The softmax runs over the wrong axis: columns sum to one, not rows.', classic),
('heads-not-transposed', '02_attention', 'out.transpose(1,2).flatten(2)',
 'out.reshape(len(out), out.shape[2], -1)',
 'Heads are merged without the transpose: the shape is right, and positions are mixed.', classic),
# What turns attention into a language model
('residual-missing', '03_gpt', 'x = x + self.attn(self.norm1(x))', 'x = self.attn(self.norm1(x))',
 'Attention replaces what was there and does not add to it.', classic),
('norm-after', '03_gpt', 'x = x + self.attn(self.norm1(x))', 'x = self.norm1(x + self.attn(x))',
 'The norm comes after attention, on the road that should stay free.', classic),
('positions-forgotten', '03_gpt', '+ self.position_embedding.weight[start:end]',
 '+ 0*self.position_embedding.weight[start:end]',
 'No position is added, so the past is a bag.', classic),
('first-weights-too-large', '03_gpt', 'nn.init.normal_(module.weight, std=0.02)',
 'nn.init.normal_(module.weight, std=0.2)',
 'The first weights are ten times too large, and the first guesses far too sure.', classic),
('cache-position-off-by-one', '03_gpt', 'x = self.embed(ids, cache.length)',
 'x = self.embed(ids, max(0, cache.length-1))',
 'What comes after cached characters gets the position of the one before it.',
 'nanoGPT #613, where outputs with a cache differ'),
('cache-forgets-positions', '03_gpt', 'position_embedding.weight[start:end]',
 'position_embedding.weight[:end-start]',
 'Every character read with a cache believes that it is the first.', classic),
('cache-sees-ahead', '03_gpt', 'is_causal=not start', 'is_causal=False',
 'A text that is read at once into an empty cache sees its own future.', classic),
('cache-mask-from-the-top', '03_gpt', 'causal_mask(end, x.device)[start:]',
 'causal_mask(end, x.device)[:end-start]',
 'Several characters read behind a cache get the first rows of the mask.', classic),
('cache-keeps-the-old-half', '03_gpt', 'pieces[0][:,-max(1, T//2):],0', 'pieces[0][:,:max(1, T//2)],0',
 'At the end of the window the older half is kept and the newer forgotten.', classic),
('sampling-with-dropout', '03_gpt', 'with eval_mode(self):', 'if True:',
 'The model generates in training mode, with dropout on.', peer),
('temperature-zero-is-one', '03_gpt',
 'if temperature == 0: return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()',
 'temperature = temperature or 1.',
 'Temperature 0 is kept from dividing by zero, and then means no temperature.', peer + ', which divided'),
('temperature-upside-down', '03_gpt', '/ max(temperature, 1e-8)', '* temperature',
 'Logits are multiplied by the temperature: cool is bold.', classic),
('top-k-below-the-vocabulary', '03_gpt', 'ranked[...,top_k:] = 0',
 'ranked[...,min(top_k, ranked.shape[-1]-1):] = 0',
 'A top_k as large as the vocabulary or larger still drops the least likely character.',
 peer + ', which crashed'),
('top-k-of-the-first-row', '03_gpt', 'scatter(-1, order, ranked',
 'scatter(-1, order[:1].expand_as(order), ranked',
 'All rows of a batch draw by the ranking of the first.', peer),
('top-p-stops-short', '03_gpt', 'ranked.cumsum(-1) - ranked >= top_p', 'ranked.cumsum(-1) >= top_p',
 'The character that reaches the share is dropped too.', classic),
('stop-ends-every-row', '03_gpt', '(torch.cat(pieces[-S:], 1)[:,-S:] == stop).all(1)\n', '(torch.cat(pieces[-S:], 1)[:,-S:] == stop).all(1).any()\n',
 'One row that wrote the stop string ends all rows.', peer),
('stop-found-in-the-prompt', '03_gpt', 'if S and i+1 >= S:', 'if S and sum(p.shape[1] for p in pieces) >= S:',
 'A stop string begun in the prompt ends the writing.', classic),
('loaded-in-training-mode', '03_gpt', 'return model.to(device).eval()', 'return model.to(device)',
 'A model that was read back still drops, and answers differently each time.', classic),
# How it learns
('warmup-from-zero', '04_train', 'return peak * (step+1) / warmup_steps', 'return peak * step / warmup_steps',
 'The schedule is off by one: the first step has learning rate zero and moves nothing.', classic),
('cosine-begins-at-zero', '04_train', 'done = (step - warmup_steps) / max(1, steps - warmup_steps)',
 'done = step / steps',
 'The cosine forgets the warm-up and drops at its start.', classic),
('decay-on-norms', '04_train', 'for decay in (weight_decay, 0.)]', 'for decay in (weight_decay, weight_decay)]',
 'Norms and biases get weight decay too.', classic),
('muon-scaled-by-the-short-side', '30_optimizers', '.2*lr*max(shape)**.5', '.2*lr*min(shape)**.5',
 "Muon's steps are scaled by the shorter side of a matrix.", classic),
('gradients-not-zeroed', '04_train', 'optimizer.step()\n        optimizer.zero_grad()', 'optimizer.step()',
 'Gradients of all earlier steps are added up.', classic),
('position-of-the-fast-step-stays', '31_speed', 'position = torch.full((1,), cache.length, device', 'position = torch.full((1,), 0, device',
 'The compiled step gives every character the position of the first.', classic),
('rounded-once-for-all', '31_speed', 'if copied: self._sync_bf16()', 'if copied and not self.step: self._sync_bf16()',
 'The bfloat16 copy is made at the first step and then never learns.', classic),
('parts-of-the-copy-lost', '31_speed', 'grad if p.grad is None else p.grad + grad,None', 'grad,None',
 'Of a batch read in parts the copy learns the last part alone.', classic),
('accumulation-not-divided', '04_train', 'yp.flatten()) / n', 'yp.flatten())',
 'Parts of a batch add up without being divided by their number.', classic),
('accumulation-of-the-fast-not-divided', '31_speed', 'yp.flatten()) / n', 'yp.flatten())',
 'The same in the trainer that the commands use.', classic),
('clipping-off', '04_train', 'limit = self.config.grad_clip or math.inf', 'limit = math.inf',
 'The gradient norm is measured and never clipped.', classic),
('dropout-never-on', '04_train', 'self.model.train()', 'self.model.eval()',
 'It learns in evaluation mode.', classic),
('learns-from-validation', '04_train', 'get_batch(self.train_ids, c.batch', 'get_batch(self.val_ids, c.batch',
 'Batches are cut from the validation part.', classic),
('validation-without-history', '04_train',
 'self.measure(self.model, self.val_ids, history=self.train_ids)',
 'self.measure(self.model, self.val_ids)',
 'Validation begins without what came before it.', classic),
('best-overwritten', '04_train', "if not self.history or row['val_loss'] < self.best['val_loss']:", 'if True:',
 'The weights kept as the best are those of the last evaluation.', peer),
('best-compared-with-last', '04_train', "row['val_loss'] < self.best['val_loss']",
 "row['val_loss'] < self.last['val_loss']",
 'Better than the last evaluation counts as the best of all.', classic),
('resume-repeats-batches', '04_train', 'seed=c.seed, step=self.step)',
 "seed=c.seed, step=self.__dict__.setdefault('_seen', []).append(0) or len(self._seen)-1)",
 'The order of batches begins anew in each sitting.', 'nanoGPT #467, minGPT #8'),
('resume-forgets-optimizer', '04_train', 'optimizer.load_state_dict(saved)', 'pass',
 'A resumed run begins with an optimizer that remembers nothing.', classic),
('resume-forgets-random-states', '04_train', "set_random_states(state['random'], self.device)", 'pass',
 'Dropout of a resumed run draws other numbers.', classic),
('evaluates-when-it-should-not', '04_train', 'due = self.step % self.config.eval_every == 0',
 'due = self.step % self.config.eval_every != 0',
 'The test for every so many steps is inverted.', peer),
('callbacks-disturb', '04_train', 'if not self._loaded: set_random_states(states, self.device)', 'pass',
 'A callback that draws random numbers changes the run that it watches.', classic),
('after-fit-is-skipped', '04_train', "for c in self.callbacks: stack.callback(self._call, c, 'after_fit', error)",
 "for c in self.callbacks: error or stack.callback(self._call, c, 'after_fit', error)",
 'After an error nobody is told that training has ended, and what they opened stays open.', classic),
('losses-per-token', '04_train', 'per_character = n / len(self.tokenizer.decode(ids[-n:]))', 'per_character = 1.',
 'Losses are per token, so longer tokens look worse than they are.', peer),
# What is inside
('lens-one-block-short', '14_inside', 'in self.model.blocks[:self.depth]', 'in self.model.blocks[:max(0, self.depth-1)]',
 'The logit lens ends a block too early, so every layer gets the loss of the one below.', classic),
('activations-of-the-next-layer', '14_inside', "points[f'blocks.{l}.{name}'] =",
 "points[f'blocks.{(l+1) % len(model.blocks)}.{name}'] =",
 'Every activation has the name of its neighbour one layer up.', classic),
('pattern-of-the-wrong-head', '14_inside', 'return attend(q, k, v, causal_mask(t.shape[1], t.device))[1]',
 'return attend(q, k, v, causal_mask(t.shape[1], t.device))[1].roll(1, 1)',
 'The pattern of each head is that of the head before it.', classic),
('hook-left-behind', '14_inside', 'stack.callback(handle.remove)', 'stack.callback(lambda: None)',
 'After the block the model goes on with what the hooks return.', classic),
('generation-left-uncached', '14_inside', 'for n in names: own.pop(n, None)', 'pass',
 'After the block generation reads the whole window for every character, for ever.', classic),
('steering-forgets', '14_inside', 'return model(cache.ids)[:,-ids.shape[1]:]', 'return model(ids)',
 'Generation with hooks reads the new character alone, and forgets what came before.', classic),
('one-branch-of-the-stream', '14_inside', "('hook_resid_mid', block.norm2, 'input', whole, 'in place')",
 "('hook_resid_mid', block.norm2, 'input', whole, 'copy')",
 'A change of the stream between the halves reaches feed-forward, and not the stream.', classic),
('census-counts-itself', '14_inside', 'return np.concatenate([[-1], places[:-1]])[:,None]', 'return places[:,None]',
 'A space counts as the last space before itself.', classic),
('probe-changes-the-model', '14_inside', 'self.norm,self.head = copy.deepcopy(model.norm),_own_head(model.head)',
 'self.norm,self.head = model.norm,model.head',
 "Training a probe trains the model's own head.", classic),
('ablation-of-the-wrong-head', '16_parts', '(...,int(head),slice(None))', '(...,int(head)-1,slice(None))',
 'The head before the one that is named is taken out.', classic),
('scale-not-frozen', '16_parts', '(norm.weight * (x-x.mean()) / scale)',
 '(norm.weight * (x-x.mean()) / (x.var(correction=0) + norm.eps).sqrt())',
 'Each part is normalised by itself, so that the shares of a logit do not add up to it.', classic),
('patch-one-position-late', '16_parts', 'x[:,t] = activation[:,t]', 'x[:,t] = activation[:,t-1]',
 'What is put in comes from the position before.', classic),
('dead-for-one-position', '17_health', '(t > 0).flatten(0, 1).any(0)', '(t > 0).flatten(0, 1).all(0)',
 'A unit counts as dead as soon as one position of a batch does not activate it.', classic),
('update-against-new-weights', '17_health', 'moved / _norm(old)', 'moved / _norm(list(block.parameters()))',
 'The change is divided by the norm of the weights after the step.', classic),
('map-along-the-first', '18_timelapse', 'principal_components(vectors[-1])', 'principal_components(vectors[0])',
 'Maps are drawn along the directions of the first snapshot, which mean nothing.', classic),
('snapshots-lost-on-the-way', '18_timelapse', "if trainer.step == 0 or before != self.about['prompt']: self.rows = []", 'self.rows = []',
 'A run that is resumed forgets the snapshots that it had.', classic),
('yardstick-of-another-text', '18_timelapse', "vars(self._part).pop('_baselines', None)", 'vars(self._part)',
 'The model is scored on a part of the validation text, and n-grams on the whole.', classic),
('passage-not-escaped', 'passages', 'def _text(text): return escape(text)', 'def _text(text): return text',
 'A text with a < in it becomes part of the page.', classic),
# What must not be lost, and what must not be let in
('content-not-on-the-disk', '10_files', '            os.fsync(f.fileno())\n', '',
 'A file gets its name before its content is on the disk: after a power failure it is empty.', classic),
('new-folder-may-be-lost', '10_files', '    for f in new: _sync_folder(f.parent)', '',
 'A file is on the disk, and the name of the new folder that holds it is not.', classic),
('checkpoint-before-the-weights', '32_checkpoint', '    with tempfile.TemporaryDirectory(prefix=',
 '    write_atomic(self.path, lambda f: torch.save(state, f))\n    with tempfile.TemporaryDirectory(prefix=',
 'A run that is cut short in its last save counts as finished, beside the weights of an earlier step.', classic),
('checkpoint-of-any-size', '32_checkpoint', 'if size > 8*_n_bytes(trainer.model) + 2**26:', 'if False:',
 'A small file that unpacks to a large one fills the memory.', classic),
('stops-at-a-full-disk', '32_checkpoint', 'if self.saved is None or at_the_end:', 'if True:',
 'A full disk in the middle of a run ends it.', classic),
('vocabulary-turned-round', '32_checkpoint', ',\n        vocabulary=ids.hexdigest())', ')',
 'A run goes on with its characters in another order, and so with other ids.', classic),
('too-large-is-begun', '34_run', '        _check_memory(config, sizes, corpus, tokenizer)', '        pass',
 'A batch that no memory could hold is begun.', classic),
('half-written-files-pile-up', '32_checkpoint', 'if left.is_file(): left.unlink()', 'pass',
 'What a killed process left half-written stays for ever.', classic),
('sizes-believed', '03_gpt', 'if {k: tuple(f.get_slice(k).get_shape()) for k in f.keys()} != _shapes(model):', 'if False:',
 'Weights are read before their shapes are compared with the settings.', classic),
('checkpoint-runs-code', '32_checkpoint', "map_location='cpu', weights_only=True)", "map_location='cpu', weights_only=False)",
 'A checkpoint is opened in the way that lets it run a program.', 'many public notebooks'),
('settings-of-the-file', '32_checkpoint', "saved['param_groups'] = optimizer.state_dict()['param_groups']", 'pass',
 'A resumed run takes learning rate and decay from the file, whatever its settings say.', classic),
('signals-stay-caught', '32_checkpoint', '        for s,h in old.items(): signal.signal(s, h)', '        pass',
 'Control-C stays caught when training is over.', classic),
('saved-after-an-error', '32_checkpoint', 'if error is None: self._save_last(trainer)', 'self._save_last(trainer)',
 'After an error, or a second Control-C, what may be spoiled is saved over the last good checkpoint.', classic),
('lock-kept-after-an-error', '32_checkpoint', '        with self._stack:   # gives signals and lock back',
 '        with ExitStack() if error else self._stack:',
 'The folder stays locked, and Control-C stays caught, when training is over.', classic),
('nonfinite-step-forgotten', '04_train', '(self._nonfinite_step < 0) & ~', '~',
 'Of all non-finite steps the last is blamed and not the first.', classic),
('parts-that-do-not-fit', '34_run', 'grad_accum_steps {parts*k} reads', 'grad_accum_steps {parts*k//2} reads',
 'Who is out of memory is told to read the batch in parts that are still too large.', classic),
('patience-off-by-one', '04_train', 'if since_best >= self.patience', 'if since_best > self.patience',
 'Training goes on for one evaluation more than was asked.', classic),
# Longer tokens
('merges-overlap', '12_bpe', '% 2 == 0]', '% 2 >= 0]', 'In a row of equal tokens every pair is joined, also those that overlap.', classic),
('gaps-are-counted', '12_bpe', 'known = (ids[:-1] >= 0) & (ids[1:] >= 0)', 'known = ids[:-1] >= 0',
 'The end of a word and the gap behind it count as a pair.', classic),
('words-counted-once', '12_bpe', 'np.bincount(order, minlength=len(rows))', 'np.ones(len(rows))',
 'A word counts once, however often it stands in the text.', classic),
('half-a-character-lost', '12_bpe', "decode(errors='replace')\n\n    def decode_stream", "decode(errors='ignore')\n\n    def decode_stream",
 'Bytes that are no character vanish when ids are decoded.', classic),
('half-a-character-shown', '12_bpe', 'decoder.decode(self.tokens[i])', "self.tokens[i].decode(errors='replace')",
 'A stream shows the halves of a character, each as a question mark.', 'nanoGPT with GPT-2 tokens'),
# Ways in and out
('heads-out-of-order', '13_bridges', 'for h in range(n_head)]', 'for h in reversed(range(n_head))]',
 "The lecture's heads are set side by side in the wrong order, which the output projection does not know.", classic),
('queries-for-keys', '13_bridges', "len(next(iter(heads.values()))),('query','key','value')", "len(next(iter(heads.values()))),('key','query','value')",
 "The lecture's queries become keys, and its keys queries.", classic),
('square-matrices-not-transposed', '13_bridges', "if '.h.' in k and v.ndim == 2: weights[k] = v.T",
 "if '.h.' in k and v.ndim == 2 and v.shape[0] != v.shape[1]: weights[k] = v.T", 'Of GPT-2 only matrices that would not fit otherwise are transposed.', classic),
('head-thought-tied', '13_bridges', 'torch.equal(head, embedding))', 'head.shape == embedding.shape)',
 'A head of its own is thrown away for the embeddings.', classic),
('tied-to-a-copy', '13_bridges', 'self._embedding = [embedding]', 'self._embedding = [copy.deepcopy(embedding)]',
 'The tied head keeps the embeddings of the first day, while they go on learning.', classic),
('one-gelu-for-the-other', '13_bridges', "gelu_new='gelu_tanh'", "gelu_new='gelu'", "GPT-2's approximate GELU is taken for the exact one.", classic),
('bias-folded-away', '13_bridges', '    return stored,error', '    return -stored,error',
 "On the way out the final norm's bias has the wrong sign.", classic),
('residual-weights-not-scaled', '13_bridges', 'std=.02/math.sqrt(2*config.n_layer))', 'std=.02)', "GPT-2's first weights do not depend on its depth.", classic),
('trigram-backwards', '15_play', 'torch.tensor(divmod(pair, V))', 'torch.tensor(divmod(pair, V)[::-1])',
 'The page of a model asks the trigram model about the two characters in the wrong order.', classic),
)]
ZOO += [Mutant(name, '15_play', old, new, bug, classic, '15_play', f'data/play/{file}') for name,file,old,new,bug in (
('js-variance-of-a-sample', 'gpt.js', '(v-mean)**2/n', '(v-mean)**2/(n-1)', 'LayerNorm in JavaScript divides by n-1.'),
('js-wrong-scale', 'gpt.js', 's/Math.sqrt(D)', 's/Math.sqrt(C)', 'Scores in JavaScript are divided by the root of all channels.'),
('js-one-head-for-all', 'gpt.js', 'k = t*C + h*D', 'k = t*C', 'All heads in JavaScript look at the keys of the first.'),
('js-wrong-norm', 'gpt.js', "norm('norm2', x)", "norm('norm1', x)", 'The feed-forward in JavaScript reads the other norm.'),
('js-last-read-twice', 'gpt.js', 'T >> 1), -1)', 'T >> 1))', 'When the window is full, the newest character is read twice.'),
('js-gelu-without-the-cube', 'gpt.js', '(v + .044715*v**3)', '(v + .044715*v)', "GPT-2's GELU in JavaScript lacks a power."),
('js-no-bias-in-attention', 'gpt.js', "this.w[at+'qkv.bias'], 3*C)", 'null, 3*C)', "GPT-2's biases of queries, keys and values are forgotten in JavaScript."),
('js-top-k-one-more', 'gpt.js', 'order.slice(0, topK)', 'order.slice(0, topK+1)', 'Top-k in JavaScript keeps one more.'),
('js-top-p-of-all', 'gpt.js', 'before/share < topP', 'before < topP', 'Top-p in JavaScript forgets what top-k has left out.'),
('js-seed-unused', 'gpt.js', 'seed = (seed + 0x9e3779b9) | 0', 'seed = 0x9e3779b9', 'Every seed in JavaScript gives the same numbers.'),
('js-looked-at-one-off', 'gpt.js', 'first: state.ids.length - 1 - state', 'first: state.ids.length - state',
 'What was looked at is shown one character further.'),
('js-small-weights-halved', 'engine.js', '2**-14*fraction/1024', '2**-15*fraction/1024', 'The smallest of the 16-bit weights are read as half of what they are.'),
('js-stops-at-any', 'engine.js', 'stop.every(', 'stop.some(', 'It stops at any character of what it should stop at.'),
('js-scored-from-itself', 'engine.js', 'this.model.read([start], state)', 'this.model.read([ids[0]], state)', 'The first character of a text is predicted after itself.'),
('js-first-of-a-long-prompt', 'engine.js', 'ids.slice(-this.model.config.block_size)', 'ids.slice(0, this.model.config.block_size)',
 'Of a prompt that is too long the beginning is read, not the end.'))]

# cells of this page write to one folder, which forks would share: each mutant runs all of it, in a process with its own
ZOO = [m._replace(noticed=m.page) if m.page == '32_checkpoint' else m for m in ZOO]


@cache
def read(page): return json.loads(page.read_text(encoding='utf-8'))

@cache
def place(m):
    "Id of the cell that a mutant changes, or its file. Raises `ValueError` unless its old text is there exactly once."
    if m.file:
        n = (root/'minigpt'/m.file).read_text(encoding='utf-8').count(m.old)
        if n != 1: raise ValueError(f'{m.name}: its text is {n} times in {m.file}, not once')
        return m.file
    sources = {c['id']: ''.join(c['source']) for c in read(root/'nbs'/f'{m.page}.ipynb')['cells']}
    found = {i: s.count(m.old) for i,s in sources.items() if s.startswith(('#| export\n', '#| exports\n'))}
    n = sum(found.values())
    if n != 1: raise ValueError(f'{m.name}: its text is {n} times in exported cells of {m.page}, not once')
    return max(found, key=found.get)

def copy_to(folder, m=None):
    "Copy what the pages need, change it, and export."
    for name in ('nbs','minigpt','examples'):
        shutil.copytree(root/name, folder/name, ignore=shutil.ignore_patterns('__pycache__', '.ipynb_*'))
    shutil.copy(root/'settings.ini', folder)
    if m and m.file:
        file = folder/'minigpt'/m.file
        file.write_text(file.read_text(encoding='utf-8').replace(m.old, m.new), encoding='utf-8')
    elif m:
        page = folder/'nbs'/f'{m.page}.ipynb'
        nb = read(page)   # of a copy, so it may be changed
        [cell] = [c for c in nb['cells'] if c['id'] == place(m)]
        cell['source'] = ''.join(cell['source']).replace(m.old, m.new)
        page.write_text(json.dumps(nb), encoding='utf-8')
    os.chdir(folder)
    nbdev_export()
    files = [(p, folder/'minigpt'/p.name) for p in (root/'minigpt').glob('[!_]*.py')]
    changed = [old.stem for old,new in files if old.read_bytes() != new.read_bytes()]
    assert changed == ([re.sub(r'^\d+_', '', m.page)] if m and not m.file else []), f'the export changed {changed}: run nbdev_export first'

def enter(folder, left=None):
    "Be beside the pages of a copy, as nbdev_test is, and import from it, no longer from the one left."
    os.environ['IN_TEST'] = '1'
    os.chdir(folder/'nbs')
    sys.path[:] = [str(folder)] + [p for p in sys.path if not (left and Path(p).is_relative_to(left))]

def live(folder):
    "Use every part of the package in a small way; only shapes are looked at."
    enter(folder)
    import minigpt, minigpt.run
    from minigpt.bigram import evaluate, get_batch
    from fastcore.test import test_eq
    assert Path(minigpt.__file__).is_relative_to(folder)
    corpus = minigpt.Corpus.from_text(minigpt.load_corpus('sample_play').text[:12_000], 'a little')
    tok = minigpt.CharTokenizer.from_text(corpus.text)
    ids,V = tok.encode(corpus.text),tok.vocab_size
    test_eq((ids.shape, len(tok.decode(ids))), ((12_000,),12_000))
    old,new = minigpt.split(ids)
    x,y = get_batch(old, 4, 16, seed=0, step=0)
    test_eq((x.shape, y.shape), ((4,16),(4,16)))
    h = torch.randn(4, 16, 32)
    test_eq(minigpt.Head(32, 8)(h).shape, (4,16,8))
    test_eq(minigpt.MultiHeadAttention(32, 2).weights(h).shape, (4,2,16,16))
    config = minigpt.TrainConfig(steps=4, batch_size=8, grad_accum_steps=2, optimizer='muon', min_lr=1e-4, warmup_steps=2,
                                 decay_all=False, grad_clip=1., eval_every=2, device='cpu')
    sizes = minigpt.GPTConfig(block_size=16, n_layer=2, n_head=2, n_embd=32, dropout=.1)
    test_eq(minigpt.Trainer(config, sizes, corpus).fit().step, 4)
    for resume in (False,True):
        trainer = minigpt.run.train(config, sizes, corpus, out=folder/'run', resume=resume, progress=False)
    test_eq((trainer.step, len(trainer.report()) > 0), (4,True))
    model,_ = minigpt.load_pretrained(folder/'run')
    test_eq(model(x).shape, (4,16,V))
    assert torch.nn.functional.cross_entropy(model(x).flatten(0,1), y.flatten()).isfinite()
    for sampling in ({}, dict(temperature=0), dict(temperature=.5, top_k=5), dict(top_k=2*V), dict(top_p=.9)):
        test_eq(model.generate(x, 20, **sampling).shape, (4,36))
    out = model.generate(x, 20, stop=[0])
    assert len(out) == 4 and 16 < out.shape[1] <= 36
    for stride in (None,4):
        test_eq(evaluate(model, new, history=old, stride=stride).losses.shape, new.shape)
    counts = minigpt.CountModel(3, V).fit(old)
    test_eq((counts.losses(new).shape, counts.probs(new[:5]).shape), (new.shape,(V,)))
    test_eq(counts.generate(new[:5], 9).shape, (14,))

def open_page(folder, name):
    "A shell, and the cells that nbdev_test would run in it, the slow ones too."
    enter(folder)
    path = folder/'nbs'/f'{name}.ipynb'
    nb = NBProcessor(path, process=True).nb
    def skipped(c):
        return (c.cell_type != 'code' or 'nbdev_export'+'(' in c.source or skip_flags & c.directives_.keys()
                or c.directives_.get('eval:', [''])[0].lower() == 'false')
    return CaptureShell(path),[c for c in nb.cells if not skipped(c)]

def run_cell(shell, cell, page):
    "None if all is well; else whether an assertion of the page failed, and what to say about it."
    shell.cell(cell)
    if not (error := shell.exc): return
    frames = [(Path(f.filename).as_posix(), f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    here = lambda name: name.startswith('<ipython-input')
    line = next((n for name,n in frames if here(name)), 1)
    starts = [s.lineno for s in ast.walk(ast.parse(cell.source))
              if isinstance(s, ast.stmt) and s.lineno <= line <= s.end_lineno]
    first = cell.source.splitlines()[max(starts)-1].strip()
    asserts = 'fastcore/test.py', 'torch/testing/', 'numpy/testing/'   # or the page itself
    source = frames[-1][0]
    caught = isinstance(error, AssertionError) and (here(source) or any(a in source for a in asserts))
    how = 'caught' if caught else f'stopped by {type(error).__name__}, which is no test,'
    return caught, f'{how} by {page} cell {cell.id}: {first[:100]}'

class Zoo:
    "Runs things in forks, `jobs` at a time, and hears what they say."
    def __init__(self, work, jobs):
        self.work,self.slots,self.said = Path(work),fork.Semaphore(jobs),fork.SimpleQueue()

    def wait_for(self, tasks):
        "Run each task, a function and its arguments, in a process; returns what was said, by name."
        children = [fork.Process(target=f, args=args) for f,*args in tasks]
        for c in children: c.start()
        for c in children: c.join()
        said = {}
        while not self.said.empty(): said |= [self.said.get()]
        return said

    def say(self, name, result):
        if result: print(f'{name:<30}{result[1]}', flush=True)
        self.said.put((name, result))

    def begin(self, name, m):
        "Make a copy and see whether it lives."
        with self.slots:
            result = None
            try: copy_to(self.work/name, m); live(self.work/name)
            except BaseException as e: result = False,f'crashes: {type(e).__name__}: {str(e)[:300]}'
            self.say(name, result)

    def page(self, page, mutants):
        "Run a page as it is until each of its mutants has gone on by itself from the cell that it changes."
        children,left = [],{m.name for m in mutants}
        with self.slots:
            shell,cells = open_page(self.work/'control', page)
            for i,cell in enumerate(cells):
                for m in (m for m in mutants if place(m) == cell.id):
                    children.append(fork.Process(target=self.go_on, args=(m, shell, cells[i:])))
                    children[-1].start()
                    left.remove(m.name)
                if not left: break
                if result := run_cell(shell, cell, page): self.say(f'control {page}', result); break
        for c in children: c.join()

    def go_on(self, m, shell, cells):
        with self.slots:
            enter(self.work/m.name, left=self.work/'control')
            cells[0].source = cells[0].source.replace(m.old, m.new)
            results = (run_cell(shell, c, m.page) for c in cells)
            self.say(m.name, next(filter(None, results), None))

    def whole_page(self, folder, page, name=None):
        "Run all of a page, importing from a folder; what is said has the name of the page, or another."
        with self.slots:
            shell,cells = open_page(self.work/folder, page)
            result = next(filter(None, (run_cell(shell, c, page) for c in cells)), None)
            if name: self.say(name, result)
            else: self.said.put((page, result))

def run_zoo(zoo, mutants, control):
    "Returns how many mutants were caught, and how many were not or what else failed."
    begun = zoo.wait_for([(zoo.begin, 'control', None)] + [(zoo.begin, m.name, m) for m in mutants])
    if begun.get('control', 1) is not None: sys.exit('the package as it is does not live')
    if control:
        passed = zoo.wait_for([(zoo.whole_page, 'control', p) for p in sorted(pages, reverse=True)])
        for p in pages: print(f'{p:<30}{(passed.get(p, (0, "died")) or (0, "passes"))[1]}')
        return 0,sum(passed.get(p, 1) is not None for p in pages)
    alive = [m for m in mutants if begun.get(m.name, 1) is None]
    by_page = {p: [m for m in alive if m.page == p and not m.noticed] for p in reversed(pages)}   # longest first
    said = zoo.wait_for([(zoo.page, p, ms) for p,ms in by_page.items() if ms]
                        + [(zoo.whole_page, m.name, m.noticed, m.name) for m in alive if m.noticed])
    for m in alive:
        later = iter(pages[pages.index(m.page)+1:])
        while m.name in said and said[m.name] is None and (page := next(later, None)):
            result = zoo.wait_for([(zoo.whole_page, m.name, page)]).get(page, (False, f'died in {page}'))
            said[m.name] = result
            if result: print(f'{m.name:<30}{result[1]}', flush=True)
        if m.name not in said: print(f'{m.name:<30}was never run to an end', flush=True)
        elif said[m.name] is None: print(f'{m.name:<30}SURVIVED: {m.bug}', flush=True)
    failed = [m.name for m in mutants if not (said.get(m.name) and said[m.name][0])]
    if failed: print('failed:', *failed)   # their lines are somewhere above
    return len(mutants)-len(failed),len(failed)

def main():
    parser = argparse.ArgumentParser(description='Break the package on purpose and see that a page notices.')
    parser.add_argument('--list', action='store_true', help='name the mutants and say what each has wrong')
    parser.add_argument('--control', action='store_true', help='change nothing: all pages have to pass')
    parser.add_argument('--jobs', type=int, default=2, help='how many to run at a time, one thread each')
    names = [m.name for m in ZOO]
    parser.add_argument('--only', nargs='+', metavar='NAME', choices=names, help='these mutants alone')
    args = parser.parse_args()
    mutants = [] if args.control else [m for m in ZOO if not args.only or m.name in args.only]
    if args.list:
        for m in mutants: print(f'{m.name:<30}{m.page:<14}{m.bug} ({m.seen})')
        return
    gone = []
    for m in mutants:
        try: place(m)
        except ValueError as e: gone.append(str(e))
    if gone: sys.exit('\n'.join(gone))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        caught,failed = run_zoo(Zoo(Path(work).resolve(), args.jobs), mutants, args.control)
    print(f'{len(mutants)} mutants, {caught} caught, {failed} failed')
    sys.exit(failed > 0)

if __name__ == '__main__': main()
