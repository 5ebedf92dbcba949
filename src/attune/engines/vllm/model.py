"""vLLM itself: started, asked for tokens, and ended."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import tempfile
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attune.address import load
from attune.engines.vllm.adapter import written
from attune.errors import EngineError, told

CONTEXT_TOKENS = 8192
"""What a request may take by default, prompt and answer; a model's own limit counts where it is lower."""
_QUIET = {"VLLM_NO_USAGE_STATS": "1", "VLLM_CONFIGURE_LOGGING": "0", "HF_HUB_OFFLINE": "1"}
"""Nothing is told to vLLM's makers, nothing printed among our own lines, nothing fetched. What the
environment says otherwise holds."""


@dataclass(frozen=True, slots=True)
class Options:
    """How vLLM runs a model. By default as it thinks best."""

    dtype: str = "auto"
    """bfloat16, float16 or float32; `auto` is that of the weights, but never float32."""
    context_tokens: int = CONTEXT_TOKENS
    gpu_memory: float = 0.9
    """The share of each GPU's memory that weights and cache may take."""
    tensor_parallel: int = 1
    """How many GPUs share each layer."""
    eager: bool = False
    """Compiles nothing: starts sooner and runs slower."""


@dataclass(slots=True)
class Written:
    """What vLLM wrote after a prompt: `ids` and their `logprobs`, where asked for, and in words."""

    text: str = ""
    ids: list[int] = field(default_factory=list)
    logprobs: list[dict[int, float]] = field(default_factory=list)
    full: bool = False
    """Whether it ended for want of tokens."""
    cached: int = 0
    """How many of the prompt's tokens were in the cache."""


class Model:
    """A vLLM and its processes, between `enter` and `close`, both called in one event loop."""

    def __init__(self, folder: Path, context_tokens: int, options: Options, adapter: Path | None) -> None:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        self._library = load("vllm", "vllm")
        self._sampling = load("vllm.sampling_params", "vllm")
        self._errors = load("vllm.v1.engine.exceptions", "vllm")
        self._folder = folder
        self._adapter = adapter
        self._written = tempfile.TemporaryDirectory(prefix="attune-adapter-")
        rank = written(adapter, Path(self._written.name)) if adapter else 0
        self._settings = {
            "model": str(folder),
            "dtype": options.dtype,
            "max_model_len": context_tokens,
            "gpu_memory_utilization": options.gpu_memory,
            "tensor_parallel_size": options.tensor_parallel,
            "enable_prefix_caching": True,
            "enforce_eager": options.eager,
            "scheduling_policy": "priority",
            "structured_outputs_config": {"backend": "guidance"},
            "disable_log_stats": True,
            **({"enable_lora": True, "max_lora_rank": rank, "max_loras": 1} if adapter else {}),
        }
        self._lora: Any = None
        self._numbers = itertools.count()

    async def enter(self) -> None:
        """Starts vLLM. Raises EngineError where that fails, or the adapter does not fit."""
        # Its processes would end at Ctrl-C in the terminal, while a run still waits for what is in flight.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            engine = load("vllm.v1.engine.async_llm", "vllm").AsyncLLM
            self._vllm = engine.from_engine_args(self._library.AsyncEngineArgs(**self._settings))
        except Exception as error:  # whatever there is in a GPU, a driver and a checkpoint
            raise EngineError(
                f"vLLM cannot run {self._folder}: {told(error)} (its own lines say more)"
            ) from error
        if self._adapter is not None:
            lora = load("vllm.lora.request", "vllm").LoRARequest
            self._lora = lora(self._adapter.name, 1, self._written.name)
            try:
                await self._vllm.add_lora(self._lora)
            except Exception as error:  # as above
                self._vllm.shutdown()
                raise EngineError(f"vLLM cannot serve the adapter {self._adapter}: {told(error)}") from error

    async def write(
        self,
        ids: list[int],
        turn: int,
        enough: Callable[[str], bool] | None = None,
        bound: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Written:
        """What the model writes after `ids` by vLLM's `settings`, ended as soon as there is `enough` of it.

        `bound` is what its grammar is made of. Of requests that wait the one of the lowest `turn` is next.
        """
        kinds = self._sampling.RequestOutputKind
        params = self._sampling.SamplingParams(
            structured_outputs=self._sampling.StructuredOutputsParams(**bound) if bound else None,
            output_kind=kinds.DELTA if enough else kinds.FINAL_ONLY,
            **settings,
        )
        prompt = {"type": "token", "prompt_token_ids": ids}
        number = str(next(self._numbers))
        asked = self._vllm.generate(prompt, params, number, lora_request=self._lora, priority=turn)
        text = Written()
        try:
            async with aclosing(asked) as outputs:
                async for output in outputs:
                    _add(text, output)
                    if enough is not None and enough(text.text):
                        break
        except self._errors.EngineDeadError as error:
            raise EngineError(
                "vLLM's own process has ended, and with it this engine: start anew. Its last lines say why; "
                "most often it is memory: lower gpu_memory or context_tokens."
            ) from error
        except self._errors.EngineGenerateError as error:
            raise EngineError(f"vLLM failed on this request: {told(error.__cause__ or error)}") from error
        return text

    async def close(self) -> None:
        await asyncio.to_thread(self._vllm.shutdown)
        del self._vllm  # it would shut down once more when Python has half ended
        self._written.cleanup()


def _add(text: Written, output: Any) -> None:
    """Adds what is new, all there is of it being in `output`."""
    new = output.outputs[0]
    text.text += new.text
    text.ids += new.token_ids
    text.logprobs += [{token: told.logprob for token, told in each.items()} for each in new.logprobs or ()]
    text.full = new.finish_reason == "length"
    text.cached = output.num_cached_tokens or 0
