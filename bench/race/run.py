"""Runs everybody in turn on the same work, and writes down what came of it."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench import report
from bench.race import chart, floor
from bench.race.chats import POCKET, SHAPE, write_work
from bench.race.setup import ROOT, Place, environ
from bench.race.steps import KINDS
from bench.race.work import Result

_LIMIT_S = 900
_LATENCY_S = 20
"""So long does each measurement of latency take, about."""
_TITLES = {
    POCKET: "The engine beside others: the embedded model",
    SHAPE: "The engine beside others: a Gemma 3 of 270M parameters",
}


@dataclass(frozen=True, slots=True)
class Rival:
    """Who runs, how, and on how many chats of each model at most."""

    name: str
    label: str
    form: str
    ways: tuple[str, ...] = ("",)
    """Tried in turn: the next if a run crashes."""
    most: dict[str, int] = field(default_factory=lambda: {POCKET: 300, SHAPE: 150})
    fast: bool = False
    middle: bool = False


RIVALS = (
    Rival("ours", "attune", "openvino", fast=True),
    Rival("ours", "attune, whole answers", "openvino", ("plain",), {POCKET: 0, SHAPE: 100}),
    Rival("genai", "OpenVINO GenAI", "openvino", fast=True),
    Rival("llamacpp", "llama.cpp", "q8.gguf", ("", "no-amx"), {POCKET: 300, SHAPE: 20}),
    Rival("hf", "Transformers", "hf", ("",), {POCKET: 48, SHAPE: 24}),
    Rival("kerashub", "KerasHub, batched", "hf", ("batched",), {POCKET: 24, SHAPE: 12}, middle=True),
    Rival("kerashub", "KerasHub, one by one", "hf", ("single",), {POCKET: 9, SHAPE: 3}, middle=True),
)


@dataclass
class Entry:
    """A rival's runs on one model, or why there are none."""

    rival: Rival
    results: list[Result] = field(default_factory=list)
    reason: str = ""

    @property
    def rates(self) -> list[float]:
        return [result.chats / result.seconds for result in self.results]

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


class Runner:
    """Runs one rival as a program of its own, and shows how far it is."""

    def __init__(self, place: Place, model: str, work: Path) -> None:
        self._place, self._model, self._work = place, model, work

    def run(self, rival: Rival, chats: int, rate: float = 0.0) -> Result | str:
        """The result, or the reason why there is none."""
        if reason := self._place.reason(rival.name) if rival.name != "ours" else "":
            return reason
        said: Result | str = ""
        for way in rival.ways:
            said = self._once(rival, way, chats, rate)
            if isinstance(said, Result):
                return said
        return said

    def _once(self, rival: Rival, way: str, chats: int, rate: float) -> Result | str:
        command = [str(self._place.python(rival.name)), "-m", f"bench.race.{rival.name}"]
        command += ["--model", str(self._place.model(self._model, rival.form)), "--work", str(self._work)]
        command += ["--chats", str(chats), "--rate", str(rate), "--way", way]
        command += ["--middle"] if rival.middle else []
        with tempfile.TemporaryFile("w+") as output:
            run = subprocess.Popen(
                command, stdout=output, stderr=subprocess.PIPE, text=True, env=environ(), cwd=ROOT
            )
            last = self._watch(run, f"{self._model}: {rival.label}")
            output.seek(0)
            lines = output.read().splitlines()
        if run.returncode:
            return (
                f"ended with exit status {run.returncode}: {last}" if last else f"crashed: {run.returncode}"
            )
        return Result(**json.loads(lines[-1]))

    def _watch(self, run: subprocess.Popen[str], label: str) -> str:
        """Shows the run's progress until it ends; the last other line that it said."""
        began, last = time.monotonic(), ""
        assert run.stderr is not None
        for line in run.stderr:
            word, *numbers = line.split() or [""]
            if word != "progress":
                last = line.strip() or last
                continue
            done, total = map(int, numbers)
            spent = time.monotonic() - began
            left = spent / done * (total - done) if done else 0.0
            _line(f"{label}: {done} of {total}, {left:.0f} s left")
            if spent > _LIMIT_S:
                run.kill()
        run.wait()
        _line("")
        return last


def race(
    place: Place, models: list[str], only: list[str], chats: int, rounds: int, latency: bool, write: bool
) -> None:
    """The whole race, model by model."""
    began = time.monotonic()
    peaks = floor.measure()
    for model in models:
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder) / "work.jsonl"
            count = write_work(model, place.model(model, "openvino"), chats, work)
            runner = Runner(place, model, work)
            entries = _entries(runner, model, only, count, rounds)
            late = _latencies(runner, entries, count) if latency else []
        body = _body(place, model, entries, late, peaks, count)
        print(f"\n{_TITLES[model]}\n\n{body}\n\n{time.monotonic() - began:.0f} s so far\n", flush=True)
        if write:
            _write(model, entries, body)


def _entries(runner: Runner, model: str, only: list[str], chats: int, rounds: int) -> list[Entry]:
    """The fast ones in turn, again and again; the slow ones once, on fewer chats."""
    entries = [Entry(rival) for rival in RIVALS if rival.name in only and rival.most[model]]
    for number in range(rounds):
        for entry in entries:
            if entry.reason or (number and not entry.rival.fast):
                continue
            said = runner.run(entry.rival, min(chats, entry.rival.most[model]))
            if isinstance(said, Result):
                entry.results.append(said)
                rate = said.chats / said.seconds
                print(f"{model}: {entry.rival.label}: {rate:.2f} chats/s over {said.chats} chats", flush=True)
            else:
                entry.reason = said
                print(f"{model}: {entry.rival.label}: {said}", flush=True)
    return entries


def _latencies(runner: Runner, entries: list[Entry], most: int) -> list[tuple[str, ...]]:
    """Rows of the table of latency: ours and GenAI's at half and nine tenths of each other's full load."""
    able = {
        entry.rival.name: entry for entry in entries if entry.results and entry.rival.label in _ANSWER_LIVE
    }
    rows: list[tuple[str, ...]] = []
    for owner in able.values():
        for share in (0.5, 0.9):
            rate = share * owner.rate
            for name, entry in able.items():
                label = f"{share:.0%} of {owner.rival.label}'s, {rate:.1f} chats/s"
                if rate > 0.97 * entry.rate:
                    rows.append((label, entry.rival.label, "cannot keep up", "", "", ""))
                    continue
                said = runner.run(entry.rival, max(30, min(most, int(rate * _LATENCY_S))), rate)
                if isinstance(said, Result):
                    known, whole = _cuts(said.sentiment_s), _cuts(said.answer_s)
                    rows.append((label, entry.rival.label, *known, *whole))
                else:
                    rows.append((label, name, said, "", "", ""))
    return rows


_ANSWER_LIVE = ("attune", "OpenVINO GenAI")


def _cuts(seconds: list[float]) -> tuple[str, str]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"{cuts[49]:.3f}", f"{cuts[98]:.3f}"


def _body(
    place: Place,
    model: str,
    entries: list[Entry],
    late: list[tuple[str, ...]],
    peaks: floor.Peaks,
    chats: int,
) -> str:
    parts = [_asked(model, chats), _speeds(entries)]
    parts.append("\n".join(f"- {line}" for line in _settings(entries)))
    if late:
        head = ("load", "engine", "sentiment p50, s", "p99", "whole answer p50, s", "p99")
        parts.append("Chats arrive by chance (a Poisson process), each alone:\n\n" + report.table(head, late))
    first = entries[0]
    if first.rival.name == "ours" and first.results:
        parts.append(_time(first.results[-1], floor.weights(place.model(model, "openvino")), peaks))
    return "\n\n".join(parts)


def _asked(model: str, chats: int) -> str:
    same = f"{chats} sample chats of their real lengths: triage for all, a reply for every third"
    if model == POCKET:
        return (
            f"{same}. attune chooses the sentiment and the excerpts by likelihood, as the embedded model's "
            "tasks want it; the others write an answer of as many tokens."
        )
    return (
        f"{same}. Random weights, so every answer has 40 tokens: attune's triage is a skeleton, a choice and "
        "free text; the others, and attune in the row of whole answers, decode all 40."
    )


def _speeds(entries: list[Entry]) -> str:
    ours = next((entry.rate for entry in entries if entry.rival.label == "attune" and entry.results), None)
    rows: list[tuple[object, ...]] = []
    head = ("engine", "chats/s", "least to most", "attune is", "tokens decoded per chat", "chats", "runs")
    for entry in entries:
        if not entry.results:
            rows.append((entry.rival.label, entry.reason, "", "", "", "", ""))
            continue
        last = entry.results[-1]
        rows.append(
            (
                entry.rival.label,
                f"{entry.rate:.2f}",
                f"{min(entry.rates):.2f} to {max(entry.rates):.2f}",
                f"{ours / entry.rate:.1f} ×" if ours else "",
                f"{last.decoded / last.chats:.1f}",
                last.chats,
                len(entry.results),
            )
        )
    return report.table(head, rows)


def _settings(entries: list[Entry]) -> list[str]:
    told = []
    for entry in entries:
        if entry.results:
            last = entry.results[-1]
            early = (
                f"; {last.early} answers ended early" if last.early and "whole" in entry.rival.label else ""
            )
            told.append(f"{entry.rival.label} {last.version}: {last.setting}{early}")
    return told


def _time(result: Result, has: floor.Weights, peaks: floor.Peaks) -> str:
    """Where our time goes, and what a machine at its measured peaks would need."""
    told = result.extra
    least = floor.floor_s(told, has, peaks)
    rows: list[tuple[str, ...]] = []
    for kind in KINDS:
        if told[f"{kind}.steps"]:
            seconds = told[f"{kind}.seconds"]
            rows.append(
                (
                    f"model, {kind} steps",
                    f"{seconds:.2f}",
                    f"{seconds / result.seconds:.1%}",
                    f"{told[f'{kind}.steps']:.0f}",
                    f"{told[f'{kind}.tokens']:.0f}",
                    f"{least[kind]:.2f}",
                )
            )
    python = told["step_s"] - told["model_s"]
    rows.append(("own Python in steps", f"{python:.2f}", f"{python / result.seconds:.1%}", "", "", ""))
    rest = result.seconds - told["step_s"]
    rows.append(("between steps", f"{rest:.2f}", f"{rest / result.seconds:.1%}", "", "", ""))
    table = report.table(("where attune's time goes", "s", "share", "steps", "tokens", "floor, s"), rows)
    left = result.seconds / sum(least.values())
    hit = told["cached_tokens"] / max(1.0, told["prompt_tokens"])
    return (
        f"{table}\n\nThe floor is the weights' products at this machine's peak for a matrix product of 2,048 "
        f"({peaks.operations / 1e9:,.0f} GFLOP/s), or reading them once a step at its peak for a copy "
        f"({peaks.bytes / 1e9:.1f} GB/s), whichever is longer; attention is left out. The run took "
        f"{left:.1f} times its floor. {hit:.0%} of the prompts' tokens were in the cache already."
    )


def _write(model: str, entries: list[Entry], body: str) -> None:
    rows = [(entry.rival.label, entry.rate) for entry in entries if entry.results]
    picture = f"engine-{model}.svg"
    title = _TITLES[model].split(": ")[1]
    (report.PAGE.parent / picture).write_text(
        chart.bars(f"{title[0].upper()}{title[1:]}: chats per second", "", rows), encoding="utf-8"
    )
    named = f"![Chats per second, engine by engine]({picture})\n\n{body}"
    report.write(_TITLES[model], "make bench-engine", named)


def _line(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)
