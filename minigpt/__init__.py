"A character-level GPT from first principles."
__version__ = "0.1.0"

from minigpt.tokenizer import CharTokenizer, Corpus, load_corpus, split
from minigpt.bigram import BigramLanguageModel, CountModel, evaluate, get_batch
from minigpt.attention import Head, MultiHeadAttention, attend, causal_mask
from minigpt.gpt import Block, FeedForward, GPTConfig, GPTLanguageModel
from minigpt.evaluation import Comparison, breakdown, compare
from minigpt.large import map_corpus
import minigpt.speed   # adds compile_decode to GPTLanguageModel

__all__ = ['CharTokenizer', 'Corpus', 'load_corpus', 'split', 'BigramLanguageModel', 'CountModel', 'evaluate',
           'get_batch', 'Head', 'MultiHeadAttention', 'attend', 'causal_mask', 'Block', 'FeedForward', 'GPTConfig',
           'GPTLanguageModel', 'Comparison', 'breakdown', 'compare', 'map_corpus']
