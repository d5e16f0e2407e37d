"A character-level GPT from first principles."
__version__ = "0.2.0"

from importlib import import_module

_homes = dict(
    tokenizer='CharTokenizer Corpus load_corpus split',
    bigram='BigramLanguageModel CountModel Evaluation evaluate get_batch',
    attention='Head MultiHeadAttention attend causal_mask',
    gpt='Block FeedForward GPTConfig GPTLanguageModel KVCache',
    train='Callback TrainConfig Trainer',
    evaluation='Comparison breakdown compare loss_report losses_per_character',
    copying='CopyMeter',
    passages='beside color_passage mark_passage',
    files='load_pretrained',
    texts='extend_vocab map_corpus read_corpus',
    bpe='BPETokenizer',
    bridges='GPT2Config GPT2LanguageModel from_huggingface from_lecture from_nanogpt '
            'to_huggingface to_nanogpt',
    inside='LogitLens fit_probe head_census plot_attention run_with_cache with_hooks',
    play='InNotebook to_html',
    parts='ablation logit_attribution mean_activations model_parts patch_activations',
    health='ActivationStats plot_health',
    timelapse='Snapshots timelapse',
    optimizers='Muon newton_schulz',
    speed='FastTrainer capture_decode compile_decode',
    checkpoint='Checkpoint',
    parallel='ParallelTrainer',
    run='get_preset')
_home = {name: module for module,names in _homes.items() for name in names.split()}
__all__ = [*_home]

def __getattr__(name):
    "Import a name's module when the name is asked for, and not before (PEP 562)."
    if name not in _home:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'minigpt.{_home[name]}'), name)

def __dir__(): return [*globals(), *__all__]
