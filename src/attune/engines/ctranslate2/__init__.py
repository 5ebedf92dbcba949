"""T5, FLAN-T5 and mT5 by CTranslate2: int8 on the CPU, or CUDA. Requests become batches in `engines.seq2seq`;
`runner` calls CTranslate2."""

from __future__ import annotations

from attune.engines.ctranslate2.engine import CTranslate2Engine

__all__ = ["CTranslate2Engine"]
