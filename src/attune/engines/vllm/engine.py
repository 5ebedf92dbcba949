"""The engine: requests from any thread, and a thread in whose event loop vLLM has all of them."""

from __future__ import annotations

import atexit
import itertools
from concurrent.futures import Future
from pathlib import Path

from attune.engines import BEAMS, failed, refused
from attune.engines.loop import Loop
from attune.engines.paged.tokens import Tokens
from attune.engines.vllm.answer import Answer
from attune.engines.vllm.folder import open_folder
from attune.engines.vllm.model import Model, Options
from attune.request import Completion, Request


class VLLMEngine:
    """Runs a model from a Hugging Face folder, all requests in vLLM's running batch.

    The first come are the first served, with all their slots. `adapter` is the PEFT folder of a LoRA that
    every request names. When vLLM's own process ends, so does each request, with an EngineError.

    Raises EngineError when the folder cannot be used or vLLM cannot start: the message says why.
    """

    def __init__(
        self, folder: Path, model: str = "", options: Options = Options(), adapter: Path | None = None
    ) -> None:
        found = open_folder(folder)
        self._tokens = Tokens(found.tokenizer, found.ends, found.bos, found.vocabulary)
        self._context_tokens = min(options.context_tokens, found.context_tokens)
        self._model = model or folder.resolve().name
        self._turns = itertools.count()
        self._vllm = Model(folder, self._context_tokens, options, adapter)
        self._loop = Loop(self._model, self._vllm.close, self._vllm.enter)
        atexit.register(self.close)  # a program that ends amid native code would crash

    @property
    def model(self) -> str:
        return self._model

    @property
    def lacks(self) -> frozenset[str]:
        return BEAMS | {"no_repeat_ngram_size"}

    def submit(self, request: Request) -> Future[Completion]:
        """Tokenises in the caller's thread; a request that cannot be run gets a failed future."""
        if (refusal := refused(request, self.lacks, self._model)) is not None:
            return failed(refusal)
        try:
            answer = Answer(request, self._tokens, self._context_tokens, self._model, next(self._turns))
        except Exception as error:  # noqa: BLE001 - the boundary: a bad request fails alone
            return failed(error)
        return self._loop.submit(lambda: answer.completion(self._vllm))

    def close(self) -> None:
        atexit.unregister(self.close)
        self._loop.close()
