"""Cached against plain generation, full-size model, one text of 500 characters: `python tools/bench_generation.py [rounds]`

Plain is a head at a time, the whole window again for each character, without graph and dropout; the two take turns."""
import sys, time
from statistics import median

import torch
from torch import nn

from minigpt import GPTLanguageModel, Head

class PlainAttention(nn.Module):
    "The same heads, one at a time, with the weights of a `MultiHeadAttention`."
    def __init__(self, fused):
        super().__init__()
        C = fused.proj.in_features
        self.heads = nn.ModuleList(Head(C, C//fused.n_head) for _ in range(fused.n_head))
        rows = iter(fused.qkv.weight.chunk(3*fused.n_head))
        for name in ('query','key','value'):
            for head in self.heads: getattr(head, name).weight = nn.Parameter(next(rows).detach().clone())
        self.proj = fused.proj
    def forward(self, x): return self.proj(torch.cat([head(x) for head in self.heads], -1))

@torch.inference_mode()
def write_plainly(model, ids, n, generator):
    for _ in range(n):
        probs = model(ids[:,-model.block_size:])[:,-1].softmax(-1)
        ids = torch.cat([ids, torch.multinomial(probs, 1, generator=generator)], 1)
    return ids

def main():
    rounds,n = int(sys.argv[1]) if len(sys.argv) > 1 else 3,500
    torch.manual_seed(0)
    cached = GPTLanguageModel().eval()
    plain = GPTLanguageModel().eval()
    plain.load_state_dict(cached.state_dict())
    for block in plain.blocks: block.attn = PlainAttention(block.attn)
    plain.eval()
    start,seed = torch.zeros(1, 1, dtype=torch.int64),lambda: torch.Generator().manual_seed(0)
    same = cached.generate(start, 255, generator=seed()) == write_plainly(plain, start, 255, seed())
    print(f'{same[0].long().cumprod(0).sum()-1} of 255 characters within the window alike, {torch.get_num_threads()} threads')
    ratios = []
    for i in range(rounds):
        times = []
        for write in (lambda: cached.generate(start, n, generator=seed()), lambda: write_plainly(plain, start, n, seed())):
            begun = time.perf_counter(); write(); times.append(time.perf_counter()-begun)
        ratios.append(times[1]/times[0])
        print(f'round {i+1}: cached {n/times[0]:6.1f} characters a second, plain {n/times[1]:6.1f}: {ratios[-1]:.1f} times', flush=True)
    print(f'median {median(ratios):.1f} times as fast')

if __name__ == '__main__': main()
