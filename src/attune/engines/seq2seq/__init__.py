"""T5, FLAN-T5 and mT5, whoever computes the model.

A T5 is asked one field at a time. `answer` turns a request into works, one slot after the other: a text to
generate, options to score, or a `walk`, whose tokens we take ourselves. What waits is put together by
`waiting` into batches of one kind and about one length; `engine` has threads that each take one and give
it to a `runner`.
"""

from __future__ import annotations

from attune.engines.seq2seq.engine import Seq2SeqEngine

__all__ = ["CONTEXT_TOKENS", "Seq2SeqEngine"]

CONTEXT_TOKENS = 512
"""What FLAN-T5 was trained with. Longer prompts run, and their answers get worse."""
