"""Training an adapter: attune beside PEFT with Transformers' own Trainer, on the same lessons."""
