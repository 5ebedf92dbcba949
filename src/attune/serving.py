"""Serving: the engines of the arms that are live, each loaded once, and changed without a stop."""

from __future__ import annotations

import logging
import queue
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, cast

from attune import connect
from attune.arms import Arm, Split, choose
from attune.engines import Engine
from attune.errors import AttuneError, BadConfig
from attune.generation import lacking
from attune.given import read, settle
from attune.handle import Act
from attune.request import Sampling
from attune.task import Task

log = logging.getLogger(__name__)

POLL_S = 0.5
"""How often a worker looks for newer arms."""
SAMPLING = tuple(field.name for field in fields(Sampling) if field.name != "seed")
"""The parameters by which an arm's drafts can be drawn. The seed is not among them: each try has its own."""


class Engines:
    """Engines by their addresses: each is loaded once and lives for as long as anybody holds it.

    `load` is called under a lock, for one engine at a time. What nobody holds any more is closed by the next
    call of `sweep`, since the last to let go may be the engine's own thread.
    """

    def __init__(self, load: Callable[[str], Engine] = connect.engine) -> None:
        self._load = load
        self._held: weakref.WeakValueDictionary[str, _Held] = weakref.WeakValueDictionary()
        self._left: queue.SimpleQueue[Engine] = queue.SimpleQueue()
        self._lock = threading.Lock()

    def take(self, address: str) -> Engine:
        """The engine at `address`. Raises what loading raises."""
        with self._lock:
            held = self._held.get(address)
            if held is None:
                engine = self._load(address)
                held = self._held[address] = _Held(engine)
                weakref.finalize(held, self._left.put, engine)
        return cast(Engine, held)

    def sweep(self) -> None:
        """Closes what nobody holds."""
        while not self._left.empty():
            self._left.get().close()

    def close(self) -> None:
        """Closes all, held or not."""
        for held in list(self._held.values()):
            held.close()
        self.sweep()


class _Held:
    """An engine in somebody's hands: it does all that the engine does, and its end is known."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


@dataclass(frozen=True, slots=True)
class Asking:
    """How an engine is asked: so often, and so long each time."""

    tries: int = 3
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Live:
    """A split with its engines loaded: an act for each arm, by name."""

    split: Split
    acts: Mapping[str, Act]
    main: Act
    versions: frozenset[str]


class Serving:
    """The acts of the arms that are live: `attune.handle.Acts` for whoever handles chats.

    `own` is what the worker was started with: the only arm where there is no split, and what others mean that
    leave engine or task open (see Arm).

    A newer split is loaded beside the one that serves and takes over at once; a chat that is in work keeps
    its act, and with it the engine, to its end. Raises what loading raises.
    """

    def __init__(self, split: Split | None, asking: Asking, engines: Engines, own: Arm | None = None) -> None:
        self._asking, self._engines, self._own = asking, engines, own or Arm()
        self._live = self.load(split or Split((self._own,)))

    @property
    def split(self) -> Split:
        return self._live.split

    @property
    def main(self) -> Act:
        return self._live.main

    @property
    def versions(self) -> frozenset[str]:
        return self._live.versions

    @property
    def arms(self) -> Mapping[str, Act]:
        return self._live.acts

    def act_for(self, key: str) -> Act:
        live = self._live
        return live.acts[choose(key, live.split.arms).name]

    def load(self, split: Split) -> Live:
        """The split, with the engines that it needs; those of the live one are not loaded again.

        Raises AttuneError where an arm cannot be had, or does not ask the task of the others.
        """
        acts = {arm.name: act_of(arm.on(self._own), self._asking, self._engines) for arm in split.arms}
        names = {act.task.name for act in acts.values()}
        if len(names) > 1:
            raise BadConfig(
                f"the arms ask different tasks, {', '.join(sorted(names))}: all must ask the same"
            )
        heaviest = max(split.arms, key=lambda arm: arm.weight)
        versions = frozenset(act.task.version for act in acts.values())
        return Live(split, acts, acts[heaviest.name], versions)

    def follow(self, split: Split, wanted: Callable[[], bool] = lambda: True) -> None:
        """Takes `split` up once it is loaded, if it is still `wanted` then. One that cannot be loaded is
        logged, and the old one stays."""
        try:
            live = self.load(split)
        except AttuneError as error:
            facts = {"action": "arms_refused", "version": split.version}
            log.error("The new arms cannot be loaded, the old ones stay: %s", error, extra=facts)  # noqa: TRY400
            return
        if wanted():
            self._live = live
            told = {"action": "arms_changed", "version": split.version}
            log.info("Other arms serve from now on", extra=told)


class Following:
    """Looks for a newer split, twice a second, and has `serving` follow it; `newest` gives it, or None."""

    def __init__(self, serving: Serving, engines: Engines, newest: Callable[[], Split | None]) -> None:
        self._serving, self._engines, self._newest = serving, engines, newest
        self._seen = serving.split.version
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="attune-arms", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._closed.wait(POLL_S):
            try:
                if (split := self._newest()) is not None and split.version > self._seen:
                    # One that was taken back while it loaded must not serve even for a moment.
                    self._serving.follow(split, partial(self._stands, split))
                    self._seen = split.version
            except AttuneError as error:
                log.warning("The arms could not be looked at: %s", error, extra={"action": "arms_unseen"})
            self._engines.sweep()

    def _stands(self, split: Split) -> bool:
        return self._newest() == split


def sampling_of(arm: Arm) -> Sampling:
    """How the drafts of `arm` are drawn. Raises BadConfig for a parameter that is none."""
    if unknown := sorted(set(arm.sampling) - {*SAMPLING, "do_sample"}):
        raise BadConfig(
            f"arm {arm.name}: {unknown[0]} is no parameter of drafts; there are {', '.join(SAMPLING)}"
        )
    return replace(settle(read(arm.sampling, f"arm {arm.name}: ")).sampling, seed=0)


def task_of(arm: Arm) -> Task:
    """What `arm` asks: its task in the words of its model, and the draft in those of the one that drafts."""
    task = connect.task(arm.task, arm.engine)
    if not arm.drafter or task.escalation is None:
        return task
    drafts = connect.task(arm.task, arm.drafter).escalation
    assert drafts is not None, f"{arm.task} drafts with one engine and not with another"
    return replace(task, escalation=replace(task.escalation, draft=drafts.draft))


def act_of(arm: Arm, asking: Asking, engines: Engines) -> Act:
    """The act of `arm`, its engines loaded. Raises AttuneError where it cannot be had."""
    sampling, task = sampling_of(arm), task_of(arm)
    engine = engines.take(arm.engine)
    drafter = engines.take(arm.drafter) if arm.drafter else None
    if lacks := lacking(settle(read(arm.sampling)), drafter or engine):
        raise BadConfig(f"arm {arm.name}: {lacks}")
    return Act(task, engine, asking.tries, asking.timeout_s, arm.name, drafter, sampling)
