"""The stream: many chats in flight from a source or the queue, each handled, then written durably."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from attune.chat import Chat, parse_chat
from attune.errors import AttuneError, BadChat, StoreError
from attune.feed import Feed, QueueFeed, SourceFeed
from attune.handle import Act, Acts, handle
from attune.limits import Limits
from attune.outcome import Outcome, Place, Reason
from attune.settling import Counts, Settling, Watch
from attune.sources import Source
from attune.store import Item, Store

log = logging.getLogger(__name__)


def run(
    source: Source | None,
    store: Store,
    acts: Acts,
    limits: Limits = Limits(),
    *,
    follow: bool = False,
    stop: threading.Event | None = None,
    watch: Watch | None = None,
) -> Counts:
    """Handles everything `source` gives (None: the store's queue) and says what became of it.

    Each input is leased in the store before it is worked on, and leaves the queue in the transaction
    that writes its outcome; a run that is killed at any moment loses and doubles nothing. Setting `stop`
    drains: what is with the engine is finished, what is not goes back to the queue. `watch` is called,
    from another thread, after each write. Raises StoreError when the store fails and EngineError when the
    engine does so chat after chat; what was not settled waits in the queue.
    """
    owner, stop = uuid.uuid4().hex, stop or threading.Event()
    feed: Feed = (
        QueueFeed(store, acts, limits, owner, follow)
        if source is None
        else SourceFeed(source, store, acts, limits, owner)
    )
    settling = Settling(store, limits, stop, watch)
    pool = ThreadPoolExecutor(limits.in_flight, "attune-chat")
    keeper = Keeper(store, owner, limits.lease_s)
    try:
        while not stop.is_set() and (room := settling.wait_for_room()):
            taken = feed.take(min(room, limits.in_flight))
            if taken is None:
                break
            settling.expect(taken)
            for item in taken.items:
                pool.submit(_work, item, acts, limits, settling, stop)
    finally:
        pool.shutdown(wait=True)
        settling.close()
        keeper.close()
    if isinstance(settling.error, StoreError):
        raise settling.error  # the store cannot be asked to take anything back: the leases run out
    settling.counts.returned = store.release(owner)
    if settling.error is not None:
        raise settling.error
    return settling.counts


@contextmanager
def running(
    source: Source | None,
    store: Store,
    acts: Acts,
    limits: Limits,
    *,
    follow: bool = False,
    watch: Watch | None = None,
) -> Iterator[None]:
    """A run in a thread of its own while the block lasts; it drains at the end. An early end is logged."""
    stop = threading.Event()

    def work() -> None:
        try:
            run(source, store, acts, limits, follow=follow, stop=stop, watch=watch)
        except AttuneError as error:
            log.warning("Chats are not handled any more: %s", error, extra={"action": "run_stopped"})

    thread = threading.Thread(target=work, name=f"attune-run-{uuid.uuid4().hex[:4]}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def judge(item: Item, act: Act, limits: Limits) -> Outcome:
    """The outcome of one item: a dead letter where it is no chat of its own, else what `handle` says."""
    try:
        chat = item.chat or parse_chat(item.raw, limits.max_chat_bytes)
    except BadChat as error:
        return _dead(item, act, None, item.key, Reason.BAD_INPUT, str(error))
    if item.conflict:
        why = f"id: {chat.id!r} was given before to a chat with other words"
        return _dead(item, act, chat, item.spare_key, Reason.DUPLICATE_ID, why)
    if item.claims > limits.max_claims:
        why = f"taken up {item.claims} times, and the worker never came to an end with it"
        return _dead(item, act, chat, chat.id, Reason.WORKER_DIED, why)
    return handle(chat, act)


def _work(item: Item, acts: Acts, limits: Limits, settling: Settling, stop: threading.Event) -> None:
    if stop.is_set():
        return  # drained before it began: its lease goes back with the rest
    try:
        settling.put(item, judge(item, acts.act_for(item.key), limits))
    except BaseException as error:  # noqa: BLE001 - a fault of ours: it must end the run, not sit unseen in a future
        settling.fail(error)


def _dead(item: Item, act: Act, chat: Chat | None, key: str, reason: Reason, detail: str) -> Outcome:
    return Outcome(
        place=Place.DEAD,
        key=key,
        digest=item.digest,
        task=act.task.name,
        task_version=act.task.version,
        chat=chat.to_json() if chat else None,
        reason=reason,
        detail=detail,
    )


class Keeper:
    """Renews the leases of a run while it lives."""

    def __init__(self, store: Store, owner: str, lease_s: float) -> None:
        self._store, self._owner, self._lease_s = store, owner, lease_s
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="attune-leases", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._closed.wait(self._lease_s / 3):
            try:
                self._store.renew(self._owner, self._lease_s)
            except AttuneError as error:
                # Not the end: if the store stays away, the next write says so and ends the run.
                log.warning("The leases could not be renewed: %s", error, extra={"action": "renew_failed"})
