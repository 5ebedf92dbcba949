"""T5 on the CPU: attune's ctranslate2 engine beside Transformers, on the same weights."""
