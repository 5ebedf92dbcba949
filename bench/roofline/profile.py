"""Where attune's time goes, watched from beside the engine: by kind of layer, and in Python by file."""

from __future__ import annotations

import cProfile
import pstats
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.engines.openvino import OpenVINOEngine, model
from attune.engines.paged import PagedEngine
from bench.race.chats import questions
from bench.race.loops import closed_loop
from bench.race.ours import IN_FLIGHT, Ours
from bench.race.work import Job, Result


@dataclass(frozen=True, slots=True)
class Profile:
    """Seconds of a run: in all, in the model, in all steps; by kind of layer; and of Python outside the model
    by file, with what the profiler adds to it."""

    wall_s: float
    infer_s: float
    step_s: float
    chats: int
    tokens: int
    cached: float
    layers: dict[str, float]
    files: dict[str, float]


def measure(name: str, folder: Path, jobs: list[Job]) -> Profile:
    """A run over `jobs`, twice: with OpenVINO's counters, and with the profiler on the engine's thread."""
    asked = questions(name, max(job.number for job in jobs) + 1)
    options = model._FAST  # noqa: SLF001 - the benchmark looks where no user does
    options["PERF_COUNT"] = True
    engine = OpenVINOEngine(folder)
    layers = Layers(engine)
    began = time.perf_counter()
    closed_loop(Ours(engine, asked), jobs, IN_FLIGHT, Result())
    wall_s = time.perf_counter() - began
    engine.close()
    del options["PERF_COUNT"]
    stats = engine.stats()
    return Profile(
        wall_s=wall_s - layers.counting_s,
        infer_s=layers.infer_s,
        step_s=stats.step_s - layers.counting_s,
        chats=len(jobs),
        tokens=stats.fed_tokens,
        cached=stats.hit_rate,
        layers=dict(layers.seconds),
        files=_files(folder, asked, jobs),
    )


class Layers:
    """Seconds in the model of `engine`, in all and by kind of layer, and what it took to count them."""

    def __init__(self, engine: OpenVINOEngine) -> None:
        self._runner: Any = engine._runner  # noqa: SLF001
        self._infer = self._runner.infer
        self._runner.infer = self._counted  # type: ignore[method-assign]
        self.seconds = defaultdict[str, float](float)
        self.infer_s = self.counting_s = 0.0

    def _counted(self, rows: list[Any]) -> Any:
        began = time.perf_counter()
        read = self._infer(rows)
        ended = time.perf_counter()
        for layer in self._runner._request.profiling_info:  # noqa: SLF001
            self.seconds[layer.node_type] += layer.real_time.total_seconds()
        self.infer_s += ended - began
        self.counting_s += time.perf_counter() - ended
        return read


def _files(folder: Path, asked: Any, jobs: list[Job]) -> dict[str, float]:
    profiler = cProfile.Profile()
    watched: Any = PagedEngine
    run = watched._run  # noqa: SLF001
    watched._run = lambda engine: profiler.runcall(run, engine)  # noqa: SLF001
    engine = OpenVINOEngine(folder)
    watched._run = run  # noqa: SLF001
    closed_loop(Ours(engine, asked), jobs, IN_FLIGHT, Result())
    engine.close()
    files = defaultdict[str, float](float)
    stats: Any = pstats.Stats(profiler)
    for (path, _, function), (_, _, own, _, callers) in stats.stats.items():
        if "openvino" in path or "acquire" in function or "infer" in function:
            continue
        if path.endswith(".py"):
            files[Path(path).name] += own
            continue
        for (caller, _, _), (_, _, spent, _) in callers.items():  # what is built in counts for who calls it
            if "openvino" not in caller:
                files[Path(caller).name] += spent
    return dict(files)
