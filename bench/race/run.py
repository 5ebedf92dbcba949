"""Runs a rival as a program of its own: watches its progress and its memory, and judges its answers."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.race.chats import tokens_of, valid
from bench.race.rivals import Rival
from bench.race.setup import ROOT, Place, environ
from bench.race.work import Result

_LOOK_EVERY_S = 0.25
_TOLD_CHARS = 300


@dataclass(frozen=True, slots=True)
class Runner:
    """`work` has the questions about `chats` chats of `model`. No run may take longer than `limit_s`."""

    place: Place
    model: str
    work: Path
    chats: int
    limit_s: float

    def run(self, rival: Rival, most: int) -> Result | str:
        """The result, or the reason why there is none."""
        if reason := self.place.reason(rival.environment):
            return reason
        ways, said = rival.ways, "no way"
        if rival.trial:
            ways = (self._trial(rival),)
        for way in ways:
            ended = self._program(rival, rival.module, way, most)
            if isinstance(ended, Result):
                return ended
            said = ended
        return said

    def _trial(self, rival: Rival) -> str:
        """The way that a trial has found, which is made once."""
        path = self.place.folder / "results" / self.model / f"{rival.trial}.txt"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            command = self._command(rival, rival.trial, "", 1)
            done = subprocess.run(
                command, env=environ(), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
            )
            path.write_text(done.stdout.splitlines()[-1], encoding="utf-8")
        return path.read_text(encoding="utf-8")

    def _command(self, rival: Rival, module: str, way: str, most: int) -> list[str]:
        scheme, colon, form = rival.form.rpartition(":")
        model = f"{scheme}{colon}{self.place.model(self.model, form)}"
        command = [str(self.place.python(rival.environment)), "-m", f"bench.race.{module}"]
        return [*command, "--model", model, "--work", str(self.work), "--chats", str(most), "--way", way]

    def _program(self, rival: Rival, module: str, way: str, most: int) -> Result | str:
        with tempfile.TemporaryFile("w+") as output:
            started = time.time()
            program = subprocess.Popen(
                self._command(rival, module, way, most),
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                env=environ(),
                cwd=ROOT,
            )
            watch = Watch(program, self.limit_s)
            last = _follow(program, f"{self.model}: {rival.label}")
            watch.join()
            output.seek(0)
            lines = output.read().splitlines()
        if watch.late:
            return f"not done after {self.limit_s:.0f} s"
        if program.returncode:
            return f"exit status {program.returncode}: {last[:_TOLD_CHARS]}"
        result = Result(**json.loads(lines[-1]))
        result.first_result_s = result.first_at - started
        result.peak_bytes = watch.peak_bytes
        tokens = tokens_of(self.place.model(self.model, "hf"))
        result.valid = valid(self.model, self.chats, tokens, result.answers)
        return result


class Watch(threading.Thread):
    """The most resident memory that a program and all it has started had at any moment, until it ends. One
    that takes longer than `limit_s` is ended, with all it has started."""

    def __init__(self, program: subprocess.Popen[str], limit_s: float) -> None:
        super().__init__(daemon=True)
        self._program, self._limit_s = program, limit_s
        self.peak_bytes, self.late = 0, False
        self.start()

    def run(self) -> None:
        began = time.monotonic()
        while self._program.poll() is None:
            family = _family(self._program.pid)
            self.peak_bytes = max(self.peak_bytes, sum(map(_resident, family)))
            if time.monotonic() - began > self._limit_s:
                self.late = True
                for process in family:
                    _end(process)
            time.sleep(_LOOK_EVERY_S)


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _end(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _follow(program: subprocess.Popen[str], label: str) -> str:
    """Shows a program's progress until it ends; the last other line that it said."""
    began, last = time.monotonic(), ""
    assert program.stderr is not None
    for line in program.stderr:
        word, *numbers = line.split() or [""]
        if word != "progress":
            last = line.strip() or last
            continue
        done, total = map(int, numbers)
        spent = time.monotonic() - began
        _show(f"{label}: {done} of {total}, {spent / max(1, done) * (total - done):.0f} s left")
    program.wait()
    _show("")
    return last


def _show(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)
