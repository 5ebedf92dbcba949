"""The engine of a folder."""

from __future__ import annotations

import os
from pathlib import Path

from attune.engines.ctranslate2.folder import check_folder
from attune.engines.ctranslate2.runner import CTranslate2Runner
from attune.engines.seq2seq import CONTEXT_TOKENS, Seq2SeqEngine


class CTranslate2Engine(Seq2SeqEngine):
    """Runs a T5 that was converted for CTranslate2. `compute_type` is CTranslate2's (int8, float16, float32,
    …); by default that of the folder.

    Raises EngineError when the folder cannot be used: the message says what is missing.
    """

    def __init__(
        self,
        folder: Path,
        *,
        context_tokens: int = CONTEXT_TOKENS,
        device: str = "auto",
        compute_type: str = "default",
    ) -> None:
        check_folder(folder)
        cores = len(os.sched_getaffinity(0))
        workers = max(2, cores // 4)
        runner = CTranslate2Runner(folder, device, compute_type, workers, max(1, cores // workers))
        super().__init__(runner, folder.resolve().name, context_tokens, workers)
