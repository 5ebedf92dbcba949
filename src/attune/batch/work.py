"""Working through a batch, from its beginning or from where it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from attune.batch.job import Job, check, look
from attune.batch.loop import run
from attune.batch.manifest import Manifest, fingerprints, manifest_file, take_up
from attune.batch.prompts import PLAIN, Template
from attune.batch.rows import Counts, Rows, errors_file
from attune.errors import AttuneError, BadConfig
from attune.given import Given
from attune.handle import Act
from attune.limits import Limits
from attune.sources.files import Files, expand
from attune.visible import visible

Watch = Callable[["Stand"], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch is asked to do: from which files, into which, and how the texts are written."""

    inputs: Sequence[str]
    out: Path
    given: Given = field(default_factory=dict)
    template: Template = PLAIN
    ordered: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Stand:
    """How far a batch is. `before` is what was done when this run began, `fraction` how much is, 0 to 1."""

    counts: Counts
    before: int
    tokens_before: int
    seconds: float
    fraction: float | None

    @property
    def per_s(self) -> float:
        """Records in a second of this run."""
        return (self.counts.done - self.before) / self.seconds if self.seconds else 0.0

    @property
    def tokens_per_s(self) -> float:
        """Tokens written in a second of this run."""
        return (self.counts.output_tokens - self.tokens_before) / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Done:
    """A run that ended: how many records it read, whether these were all, and how it stands."""

    read: int
    finished: bool
    stand: Stand

    @property
    def undone(self) -> int:
        """Records read that have no row yet."""
        return max(0, self.read - self.stand.counts.done)

    @property
    def reconciled(self) -> bool:
        """Whether every record read has one row; a run that was stopped has not read all."""
        return not self.finished or self.read == self.stand.counts.done


def work(
    plan: Plan, act: Act, limits: Limits, stop: threading.Event | None = None, watch: Watch | None = None
) -> Done:
    """Gives every record of the plan's files one row, and goes on where an earlier run of the job ended.

    Setting `stop` drains. Raises BadConfig before anything is written for what cannot be, EngineError when
    the engine fails record after record; the manifest says how it ended in any case but a kill.
    """
    stop = stop or threading.Event()
    names = _inputs(plan)
    job = _job(plan, names, act, limits)
    inputs = fingerprints(names)
    with Rows(plan.out) as rows:
        manifest = take_up(rows, job, inputs, plan.fresh)
        job = replace(job, created=manifest.created)
        with closing(_opened(names, limits)) as source, _accounted(manifest, rows):
            done = _run(job, source, rows, stop, watch)
        manifest.end(rows, "finished" if done.finished else "stopped", done.read)
        return done


def _run(job: Job, source: Files, rows: Rows, stop: threading.Event, watch: Watch | None) -> Done:
    began, before, tokens_before = time.monotonic(), rows.counts.done, rows.counts.output_tokens

    def stand() -> Stand:
        return Stand(rows.counts, before, tokens_before, time.monotonic() - began, source.fraction())

    read = run(job, source, rows, stop, (lambda: watch(stand())) if watch else None)
    return Done(read, not stop.is_set(), stand())


@contextmanager
def _accounted(manifest: Manifest, rows: Rows) -> Iterator[None]:
    """Has the manifest say so where the block fails."""
    try:
        yield
    except BaseException:
        with suppress(AttuneError):  # the disk may be full: that error is the one to tell
            manifest.end(rows, "failed")
        raise


def _job(plan: Plan, names: Sequence[str], act: Act, limits: Limits) -> Job:
    with closing(_opened(names, limits)) as source:
        kind, first = look(source, limits.max_chat_bytes, plan.template)
    job = Job(act, kind, plan.given, plan.template, limits, plan.ordered, int(time.time()))
    check(job, first)
    return job


def _opened(names: Sequence[str], limits: Limits) -> Files:
    # A line of an errors file holds another as a JSON string, which is longer.
    return Files(names, 3 * limits.max_chat_bytes + 10_000)


def _inputs(plan: Plan) -> list[str]:
    """The input's files. A folder may hold what the job writes: that is left out."""
    if plan.out.suffix in (".gz", ".zst") or plan.out.is_dir():
        raise BadConfig(f"{visible(str(plan.out))}: rows are written to a plain file, like rows.jsonl")
    if "-" in plan.inputs:
        raise BadConfig("a batch reads files, not -: to go on after a crash it must read its input again")
    ours = {path.resolve() for path in (plan.out, errors_file(plan.out), manifest_file(plan.out))}
    if any(Path(address).resolve() in ours for address in plan.inputs):
        raise BadConfig(f"{visible(str(plan.out))} and its neighbours are what is written: name another OUT")
    return [name for name in expand(plan.inputs) if Path(name).resolve() not in ours]
