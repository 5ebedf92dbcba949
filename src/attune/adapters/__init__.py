"""Adapters: tuned LoRA weights in folders of PEFT's form, each with a record of what it was made from."""
