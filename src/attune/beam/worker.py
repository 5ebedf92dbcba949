"""The engines of one worker process: each address is loaded once and shared by all threads and bundles."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from attune import connect
from attune.arms import Split, choose
from attune.beam.lasting import LastingEngine
from attune.errors import AttuneError
from attune.handle import Act
from attune.task import Task

log = logging.getLogger(__name__)

_LOADED: dict[str, LastingEngine] = {}
_USERS: Counter[str] = Counter()
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Asking:
    """How an engine is asked: so often, and so long each time."""

    tries: int = 3
    timeout_s: float = 120.0


def take(address: str, asking: Asking) -> LastingEngine:
    """The engine at `address`, loaded by whoever asks first; a `leave` or a `retire` follows."""
    with _LOCK:
        if address not in _LOADED:
            # Half of what an answer may take: a second try that waits for it has the rest.
            _LOADED[address] = LastingEngine(lambda: connect.engine(address), asking.timeout_s / 2)
        _USERS[address] += 1
        return _LOADED[address]


def leave(address: str) -> None:
    """Says that one user less has the engine at `address`. It stays loaded: a next bundle is likely."""
    with _LOCK:
        _USERS[address] -= 1


def retire(address: str) -> None:
    """Leaves the engine at `address`, and closes it if nobody else uses it."""
    leave(address)
    with _LOCK:
        unused = _LOADED.pop(address, None) if _USERS[address] <= 0 else None
    if unused is not None:
        unused.close()


class Serving:
    """The arms that serve now; a new split takes over once it is loaded, and the old serves until then."""

    def __init__(self, split: Split, asking: Asking) -> None:
        self._asking = asking
        self._split = split
        self._acts: Mapping[str, Act] = self._loaded(split)
        self._next: tuple[Split, Mapping[str, Act]] | None = None
        self._loading: threading.Thread | None = None
        self._seen = split.version
        self._old: list[Split] = []

    def act_for(self, key: str) -> Act:
        return self._acts[choose(key, self._split.arms).name]

    @property
    def split(self) -> Split:
        return self._split

    def offer(self, split: Split) -> None:
        """Begins to load `split` if it is newer than all before, and takes up what has been loaded."""
        if self._next is not None:
            self._old.append(self._split)
            self._split, self._acts = self._next
            self._next = None
        if split.version > self._seen and (self._loading is None or not self._loading.is_alive()):
            self._seen = split.version
            self._loading = threading.Thread(
                target=self._load, args=(split,), name="attune-load", daemon=True
            )
            self._loading.start()

    def settle(self) -> None:
        """Gives back the engines of splits that serve no more: call it when nothing is in flight."""
        for arm in (arm for split in self._old for arm in split.arms):
            retire(arm.engine)
        self._old.clear()

    def close(self) -> None:
        """The engines stay loaded for whoever comes next in this process."""
        self.settle()
        for arm in self._split.arms:
            leave(arm.engine)

    def _load(self, split: Split) -> None:
        try:
            self._next = (split, self._loaded(split))
        except AttuneError as error:
            facts = {"action": "update_refused", "version": split.version}
            log.error("The new arms cannot be loaded, the old ones stay: %s", error, extra=facts)  # noqa: TRY400

    def _loaded(self, split: Split) -> dict[str, Act]:
        acts: dict[str, Act] = {}
        taken: list[str] = []
        try:
            for arm in split.arms:
                task: Task = connect.task(arm.task, arm.engine)
                engine = take(arm.engine, self._asking)
                taken.append(arm.engine)
                acts[arm.name] = Act(task, engine, self._asking.tries, self._asking.timeout_s, arm.name)
        except AttuneError:
            for address in taken:
                retire(address)
            raise
        return acts
