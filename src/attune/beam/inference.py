"""`AttuneModelHandler`: the act inside Beam's own RunInference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from attune import connect
from attune.beam.item import Ended, ended, item_of
from attune.beam.worker import Asking, engines
from attune.engines import Engine
from attune.errors import BadConfig, EngineError
from attune.handle import Act
from attune.limits import Limits
from attune.stream import judge

_ARGS = tuple(field.name for field in fields(Asking))


class AttuneModelHandler(ModelHandler[Any, PredictionResult, Engine]):
    """Answers chats in RunInference, alone, in a KeyedModelHandler or with_exception_handling.

    An example is a chat in any form that `attune.beam.ParseChats` takes. Its PredictionResult holds an
    `Ended`, the outcome as everywhere: one bad chat is a dead letter of its own and never costs its batch.
    A batch raises EngineError only if the engine failed on all of it. All threads of a worker process share
    one engine, so that their batches are answered together. `inference_args` may set `tries` and
    `timeout_s`; the keywords of ModelHandler, as max_batch_size, go to it as they are.
    """

    def __init__(
        self,
        engine: str = "pocket",
        task: str = "triage",
        *,
        in_flight: int = Limits().in_flight,
        hints: Mapping[str, Any] | None = None,
        **batching: Any,
    ) -> None:
        super().__init__(**{"max_batch_size": in_flight} | batching)
        self._engine, self._task, self._in_flight = engine, task, in_flight
        self._hints = dict(hints or {})

    def load_model(self) -> Engine:
        return engines(Asking()).take(self._engine)

    def run_inference(
        self, batch: Sequence[Any], model: Engine, inference_args: Mapping[str, Any] | None = None
    ) -> Iterator[PredictionResult]:
        self.validate_inference_args(inference_args)
        asking = replace(Asking(), **dict(inference_args or {}))
        act = Act(connect.task(self._task, self._engine), model, asking.tries, asking.timeout_s)
        with ThreadPoolExecutor(max(1, min(len(batch), self._in_flight)), "attune-chat") as pool:
            outcomes = list(pool.map(lambda example: _judged(example, act), batch))
        asked = [outcome for outcome in outcomes if outcome.attempts]
        if asked and all(outcome.engine_failed for outcome in asked):
            raise EngineError(f"the engine failed on all of a batch, last: {asked[-1].detail}")
        for example, outcome in zip(batch, outcomes, strict=True):
            yield PredictionResult(example, outcome, outcome.model)

    def validate_inference_args(self, inference_args: Mapping[str, Any] | None) -> None:
        unknown = sorted(set(inference_args or {}) - set(_ARGS))
        if unknown:
            raise BadConfig(f"unknown inference argument {unknown[0]!r}; there are {', '.join(_ARGS)}")

    def update_model_path(self, model_path: str | None = None) -> None:
        """A path from a side input is the address of the engine from then on."""
        self._engine = model_path or self._engine

    def get_num_bytes(self, batch: Sequence[Any]) -> int:
        return sum(len(item_of(example).raw) for example in batch)

    def get_metrics_namespace(self) -> str:
        return "BeamML_Attune"

    def get_resource_hints(self) -> dict[str, Any]:
        return self._hints


def _judged(example: Any, act: Act) -> Ended:
    item = item_of(example)
    return ended(item, judge(item, act, Limits()))
