"""Where the engine's time goes, by kind of step, watched from beside the model."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from attune.engines.openvino import OpenVINOEngine

KINDS = ("prefill", "mixed", "decode")


@dataclass(slots=True)
class Kind:
    steps: int = 0
    tokens: int = 0
    rows: int = 0
    """Rows of logits."""
    seconds: float = 0.0


@dataclass
class Steps:
    """Times every step of `engine` from now on. A step is a prefill, a decode, or both."""

    engine: OpenVINOEngine
    kinds: dict[str, Kind] = field(default_factory=lambda: {name: Kind() for name in KINDS})
    decoded: int = 0

    def __post_init__(self) -> None:
        runner = self.engine._runner  # noqa: SLF001 - the benchmark looks where no user does
        self._infer = runner.infer
        runner.infer = self._timed  # type: ignore[method-assign]
        self._before = self.engine.stats()

    def _timed(self, rows: list[Any]) -> Any:
        began = time.perf_counter()
        logits = self._infer(rows)
        seconds = time.perf_counter() - began
        single = sum(len(row.tokens) == 1 and row.wanted == 1 for row in rows)
        kind = self.kinds["decode" if single == len(rows) else "mixed" if single else "prefill"]
        kind.steps += 1
        kind.tokens += sum(len(row.tokens) for row in rows)
        kind.rows += sum(row.wanted for row in rows)
        kind.seconds += seconds
        self.decoded += sum(row.wanted == 1 for row in rows)
        return logits

    def summary(self, wall_s: float) -> dict[str, float]:
        """Numbers by name, for the result."""
        stats = self.engine.stats()
        told: dict[str, float] = {"wall_s": wall_s, "decoded": self.decoded}
        for name, kind in self.kinds.items():
            told[f"{name}.steps"], told[f"{name}.tokens"] = kind.steps, kind.tokens
            told[f"{name}.rows"], told[f"{name}.seconds"] = kind.rows, kind.seconds
        told["model_s"] = sum(kind.seconds for kind in self.kinds.values())
        told["step_s"] = stats.step_s - self._before.step_s
        told["prompt_tokens"] = stats.prompt_tokens - self._before.prompt_tokens
        told["cached_tokens"] = stats.cached_tokens - self._before.cached_tokens
        told["preemptions"] = stats.preemptions - self._before.preemptions
        return told
