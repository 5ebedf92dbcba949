"""T5, FLAN-T5 and mT5 by CTranslate2: int8 on the CPU, or CUDA.

A T5 is asked one field at a time. `answer` turns a request into works, one slot after the other: a text to
generate, options to score, or a `walk`, whose tokens we take ourselves. What waits is put together by
`waiting` into batches of one kind and about one length; `engine` has threads that each take one and give
it to `runner`, which calls CTranslate2.
"""

from __future__ import annotations

from attune.engines.ctranslate2.engine import CONTEXT_TOKENS, CTranslate2Engine

__all__ = ["CONTEXT_TOKENS", "CTranslate2Engine"]
