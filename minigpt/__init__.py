"A character-level GPT from first principles."
__version__ = "0.1.0"
