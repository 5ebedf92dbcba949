"""From addresses to objects: the only room that names backends, each imported when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attune import task as tasks
from attune.connect.engines import ENGINES, is_t5
from attune.connect.streams import BROKERS, QUEUE, REPLIES, SINKS
from attune.engines import Engine
from attune.errors import BadConfig, StoreError
from attune.models import POCKET
from attune.replies import Outlet
from attune.sinks import Sink
from attune.sinks import columns as sink_columns
from attune.sources import Source
from attune.task import Task
from attune.visible import visible

if TYPE_CHECKING:
    from attune.store import Store

SAMPLES = Path(__file__).parents[1] / "samples" / "chats.jsonl"
_SCHEME = re.compile(r"([a-z][a-z0-9+]*):(.*)", re.DOTALL)


def engine(address: str) -> Engine:
    """The engine at `address`, loaded. Raises BadConfig for an unknown one, EngineError if it cannot load."""
    scheme, rest = _split(address, ENGINES, "engine")
    return ENGINES[scheme](rest)


def source(addresses: Sequence[str], max_chat_bytes: int, follow: bool = False) -> Source | None:
    """The source that paths, folders, globs and - name together, or a broker's; None is the store's queue."""
    if not addresses or list(addresses) == [QUEUE]:
        return None
    for address in addresses:
        if (scheme := address.partition("://")[0]) in BROKERS and "://" in address:
            if len(addresses) > 1:
                raise BadConfig(f"{scheme}: cannot be read together with others: run once for each")
            return BROKERS[scheme](address, follow)
    if QUEUE in addresses:
        raise BadConfig(
            f"{QUEUE} cannot be read together with files: enqueue them (attune enqueue FILE), or run twice"
        )
    for address in addresses:
        _check_path(address)
    from attune.sources.files import Files, expand

    return Files(expand(addresses), max_chat_bytes, follow)


def sink(address: str, task: Task) -> Sink:
    """The sink at `address` for the outcomes of `task`. Nothing is connected yet."""
    scheme, _ = _split(address, SINKS, "sink")
    return SINKS[scheme](address, sink_columns(task))


def store(address: str, make: bool = True, keep_chats: bool = True) -> Store:
    """The store at `address`, see Store.open. Without `make`, a database file that is not there is a
    StoreError: a slip of the pen must not look like an empty store."""
    from attune.store import Store

    if not make and not store_exists(address):
        raise StoreError(
            f"there is no store {visible(address)} yet: attune run FILE makes it, or see --store"
        )
    return Store.open(address, keep_chats)


def store_exists(address: str) -> bool:
    """Whether a database file is there; a server's address counts as there."""
    path = address.removeprefix("sqlite:///")
    return "://" in path or Path(path).exists()


def task(name: str, engine_address: str) -> Task:
    """The task `name`. A model folder may bring its own: they come before the built-in ones."""
    return tasks.load(tasks.find(name, task_folder(engine_address)))


def model_folder(engine_address: str) -> Path | None:
    """Where the model of an engine is kept, if it is in a folder."""
    scheme, rest = _split(engine_address, ENGINES, "engine")
    folders = {"pocket": POCKET} | dict.fromkeys(
        ("openvino", "torch", "vllm", "keras", "ctranslate2"), Path(rest.partition("?")[0])
    )
    return folders.get(scheme)


def task_folder(engine_address: str) -> Path | None:
    """Where the model of an engine keeps tasks of its own, if it can."""
    own = model_folder(engine_address)
    scheme = engine_address.partition(":")[0]
    t5 = own and (scheme == "ctranslate2" or (scheme == "torch" and is_t5(own)))
    if own and t5 and not (own / "tasks").is_dir():
        return tasks.BUILT_IN / "t5"
    return own and own / "tasks"


def replies(address: str, secret_file: str) -> Outlet:
    """Where approved replies go: the outlet at `address`. Nothing is connected yet.

    `secret_file` is read for a webhook alone.
    """
    scheme, _ = _split(address, REPLIES, "outlet of replies")
    return REPLIES[scheme](address, secret_file)


def _split(address: str, known: Mapping[str, object], what: str) -> tuple[str, str]:
    scheme = re.split("[:?]", address, maxsplit=1)[0]
    rest = address.removeprefix(scheme).removeprefix(":")
    if scheme not in known:
        raise BadConfig(f"no {what} is called {address!r}; there are: {', '.join(known)}")
    return scheme, rest


def _check_path(address: str) -> None:
    """A path may hold a colon, but what looks like an address and is no file is a source we do not have."""
    found = _SCHEME.fullmatch(address)
    if found and not Path(address).exists():
        brokers = ", ".join(f"{scheme}://…" for scheme in BROKERS)
        raise BadConfig(
            f"no source is called {found[1]}:; there are: a path, a folder, a glob, -, {QUEUE}, {brokers}"
        )
