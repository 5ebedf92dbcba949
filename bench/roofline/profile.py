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
from bench.race.work import WARM, Job, Result


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
    layers = _count(engine)
    closed_loop(Ours(engine, asked), jobs[:WARM], IN_FLIGHT, Result())
    layers.clear()
    before, began = engine.stats(), time.perf_counter()
    closed_loop(Ours(engine, asked), jobs[WARM:], IN_FLIGHT, Result())
    wall_s, after = time.perf_counter() - began, engine.stats()
    engine.close()
    del options["PERF_COUNT"]
    prompts = after.prompt_tokens - before.prompt_tokens
    return Profile(
        wall_s=wall_s,
        infer_s=after.infer_s - before.infer_s,
        step_s=after.step_s - before.step_s,
        chats=len(jobs) - WARM,
        tokens=after.fed_tokens - before.fed_tokens,
        cached=(after.cached_tokens - before.cached_tokens) / prompts,
        layers=dict(layers),
        files=_files(folder, asked, jobs),
    )


def _count(engine: OpenVINOEngine) -> dict[str, float]:
    """Seconds by kind of layer, growing with every step from now on."""
    runner: Any = engine._runner  # noqa: SLF001
    infer, layers = runner.infer, defaultdict[str, float](float)

    def counted(rows: list[Any]) -> Any:
        read = infer(rows)
        for layer in runner._request.profiling_info:  # noqa: SLF001
            layers[layer.node_type] += layer.real_time.total_seconds()
        return read

    runner.infer = counted
    return layers


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
    for (path, _, function), (_, _, own, _, _) in stats.stats.items():
        if "openvino" not in path and "acquire" not in function and "infer" not in function:
            files[Path(path).name if path.endswith(".py") else "built in"] += own
    return dict(files)
