"""Working through chats: what `run`, `dead replay` and `demo` share."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, fields
from shlex import quote
from typing import Any

import click

from attune import connect, stream
from attune.arms import Arm
from attune.cli.drain import Drain
from attune.cli.progress import shown
from attune.config import Config
from attune.delivery import Delivered, Delivery
from attune.engines import Engine
from attune.handle import Acts
from attune.limits import Limits
from attune.outcome import Outcome
from attune.serving import Asking, Engines, Following, Serving
from attune.settling import Counts, Watch
from attune.sources import Source
from attune.store import Store
from attune.task import Task
from attune.visible import visible

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outlets:
    """The addresses that outcomes go to besides the store, and whether a failure there stops the reading."""

    addresses: Sequence[str] = ()
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """A run that ended: its counts, the exit code of a signal that ended it, what its sinks were given."""

    counts: Counts
    interrupted: int | None
    sinks: tuple[Delivered, ...] = ()

    @property
    def exit_code(self) -> int:
        """As in docs/commands.md: dead letters are an end like the others, unless there is nothing else."""
        counts = self.counts
        if not counts.reconciled:
            return 1
        if self.interrupted is not None:
            return self.interrupted
        if any(sink.error for sink in self.sinks):
            return 1
        return 1 if counts.dead and not (counts.table or counts.review or counts.repeated) else 0

    def to_json(self) -> dict[str, Any]:
        counts = asdict(self.counts)
        rate = self.counts.settled / self.counts.seconds if self.counts.seconds else 0.0
        reconciled = {"reconciled": self.counts.reconciled, "interrupted": self.interrupted is not None}
        given = {"sinks": [asdict(sink) for sink in self.sinks]} if self.sinks else {}
        return {"in": counts.pop("read"), **counts, "chats_per_s": round(rate, 3), **reconciled, **given}


def work(
    config: Config,
    store: Store,
    source: Source | None,
    follow: bool,
    quiet: bool,
    watch: Watch | None = None,
    outlets: Outlets = Outlets(),
) -> Work:
    """Works through `source`, or the queue, with progress on stderr, until its end or a signal.

    Sinks are given what is settled meanwhile, and at the end all that is left.
    """
    limits = Limits(**{field.name: getattr(config, field.name) for field in fields(Limits)})
    with serving_of(config, store) as serving, _measured(config, store, serving) as measure:
        task = serving.main.task
        facts = {"engine": config.engine, "task": task.name, "task_version": task.version}
        log.info("The run begins", extra={"action": "run_began", **facts})
        with shown(source.fraction if source else _no_end, quiet) as progress, Drain() as drain:
            watches = [each for each in (measure, _log_dead, progress.watch, watch) if each]
            with delivered(outlets, store, task, limits, drain) as sinks:
                counts = stream.run(
                    source, store, serving, limits, follow=follow, stop=drain.event, watch=_all(watches)
                )
    log.info("The run has ended: %s", reckoning(counts), extra={"action": "run_ended"})
    return Work(counts, drain.exit_code, tuple(sinks))


def tell(done: Work, as_json: bool, config: Config) -> int:
    """Prints what became of the inputs, and gives the exit code."""
    if as_json:
        click.echo(json.dumps(done.to_json()))
    else:
        for line in _lines(done, config):
            click.echo(line)
    if not done.counts.reconciled:
        click.echo("attune: THE COUNTS DO NOT RECONCILE: please report this, with the log", err=True)
    return done.exit_code


def reckoning(counts: Counts) -> str:
    """The line that must add up."""
    returned = f" + returned {counts.returned:,}" if counts.returned else ""
    ends = {name: getattr(counts, name) for name in ("table", "review", "dead", "repeated")}
    return (
        f"in {counts.read:,} = {' + '.join(f'{name} {number:,}' for name, number in ends.items())}{returned}"
    )


def _lines(done: Work, config: Config) -> Iterator[str]:
    counts = done.counts
    yield reckoning(counts)
    if counts.settled:
        first = f", the first after {counts.first_s:.2f} s" if counts.first_s is not None else ""
        rate = counts.settled / counts.seconds
        yield f"{counts.settled:,} chats in {counts.seconds:.1f} s: {rate:,.1f} chats/s{first}"
    if counts.asked_again:
        yield f"{counts.asked_again:,} answers did not fit and were asked for again"
    for reason, number in sorted(counts.reasons.items(), key=lambda item: -item[1]):
        yield f"dead: {number:,} {reason}"
    if counts.dead:
        yield f"Look at them: attune dead list{_where(config)}"
    for sink in done.sinks:
        yield visible(_sink_line(sink), lines=True)
    if done.interrupted is not None:
        back = f"{counts.returned:,} went back to the queue"
        yield f"Stopped: {counts.settled:,} were finished, {back}. Go on with the same command."


def _sink_line(sink: Delivered) -> str:
    told = f"sink {sink.name}: {sink.sent:,} sent"
    if not sink.error:
        return told
    return f"{told}, {sink.waiting:,} wait: {sink.error}\nThey stay in the store: run again with this sink."


def _where(config: Config) -> str:
    """The flag that leads the next command to the same store; an address may hold a password: left out."""
    ours = config.store == Config().store or "://" in config.store
    return "" if ours else f" --store {quote(config.store)}"


@contextmanager
def delivered(
    outlets: Outlets, store: Store, task: Task, limits: Limits, drain: Drain
) -> Iterator[list[Delivered]]:
    """Gives the sinks what is settled, until the block ends; the list then says what came of it."""
    failed = drain.event.set if outlets.stop else None
    sinks = [connect.sink(address, task) for address in outlets.addresses]
    ends: list[Delivered] = []
    deliveries = [Delivery(sink, store, task, limits.lease_s, failed) for sink in sinks]
    try:
        yield ends
    finally:
        ends.extend(delivery.close() for delivery in deliveries)


@contextmanager
def engine_of(config: Config) -> Iterator[Engine]:
    """The engine of the settings, closed at the end."""
    engine = connect.engine(config.engine)
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def serving_of(config: Config, store: Store) -> Iterator[Serving]:
    """The arms of the store, or the engine and task of the settings as the only one; a newer split is taken
    up while the block lasts."""
    engines, asking = Engines(), Asking(config.tries, config.timeout_s)
    with closing(engines):
        serving = Serving(store.arms.live(), asking, engines, own=Arm(config.engine, config.task))
        with closing(Following(serving, engines, store.arms.live)):
            yield serving


@contextmanager
def store_of(config: Config, make: bool = True) -> Iterator[Store]:
    """The store of the settings, closed at the end; with `make` a database file that is not there is made."""
    store = connect.store(config.store, make, config.keep_chats == "all")
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _measured(config: Config, store: Store, acts: Acts) -> Iterator[Watch | None]:
    """What counts for Prometheus while the run lasts, where a port is set."""
    if not config.metrics_port:
        yield None
        return
    from attune.metrics import Metrics

    metrics = Metrics(store, acts)
    with metrics.served(config.metrics_port):
        yield metrics.watch


def _log_dead(outcomes: Sequence[Outcome], _: Counts) -> None:
    # Without the detail: it may quote a model's answer, and so a customer.
    for outcome in outcomes:
        if outcome.reason is not None:
            told = {"action": "dead_letter", "key": outcome.key, "reason": str(outcome.reason)}
            log.info("An input became a dead letter", extra=told)


def _no_end() -> None:
    """A queue knows no fraction."""


def _all(watches: Sequence[Watch]) -> Watch:
    def watch(outcomes: Sequence[Outcome], counts: Counts) -> None:
        for each in watches:
            each(outcomes, counts)

    return watch
