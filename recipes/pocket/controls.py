"""Controls: the vocabulary's size and its control tokens, which all steps agree on."""

from __future__ import annotations

CONTROLS = ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>")
PAD, EOS, BOS, UNK, START, END = range(len(CONTROLS))
VOCABULARY = 16_384
