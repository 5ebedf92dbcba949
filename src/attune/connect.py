"""From addresses to objects: the only file that names backends, each imported when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attune import task as tasks
from attune.address import Address, load
from attune.engines import Engine
from attune.errors import BadConfig, StoreError
from attune.export import Column
from attune.models import POCKET
from attune.replies import Outlet
from attune.sinks import Sink
from attune.sinks import columns as sink_columns
from attune.sources import Source
from attune.task import Task
from attune.visible import visible

if TYPE_CHECKING:
    from attune.store import Store

SAMPLES = Path(__file__).parent / "samples" / "chats.jsonl"
QUEUE = "queue:"
_SCHEME = re.compile(r"([a-z][a-z0-9+]*):(.*)", re.DOTALL)


def engine(address: str) -> Engine:
    """The engine at `address`, loaded. Raises BadConfig for an unknown one, EngineError if it cannot load."""
    scheme, rest = _split(address, _ENGINES, "engine")
    return _ENGINES[scheme](rest)


def source(addresses: Sequence[str], max_chat_bytes: int, follow: bool = False) -> Source | None:
    """The source that paths, folders, globs and - name together, or a broker's; None is the store's queue."""
    if not addresses or list(addresses) == [QUEUE]:
        return None
    for address in addresses:
        if (scheme := address.partition("://")[0]) in _BROKERS and "://" in address:
            if len(addresses) > 1:
                raise BadConfig(f"{scheme}: cannot be read together with others: run once for each")
            return _BROKERS[scheme](address, follow)
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
    scheme, _ = _split(address, _SINKS, "sink")
    return _SINKS[scheme](address, sink_columns(task))


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
    scheme, rest = _split(engine_address, _ENGINES, "engine")
    folders = {"pocket": POCKET} | dict.fromkeys(
        ("openvino", "torch", "vllm", "keras", "ctranslate2"), Path(rest.partition("?")[0])
    )
    return folders.get(scheme)


def task_folder(engine_address: str) -> Path | None:
    """Where the model of an engine keeps tasks of its own, if it can."""
    own = model_folder(engine_address)
    scheme = engine_address.partition(":")[0]
    t5 = own and (scheme == "ctranslate2" or (scheme == "torch" and _is_t5(own)))
    if own and t5 and not (own / "tasks").is_dir():
        return tasks.BUILT_IN / "t5"
    return own and own / "tasks"


def _is_t5(folder: Path) -> bool:
    """Whether there is a Hugging Face model in `folder` that is asked field by field."""
    from attune.models.convert import FAMILIES, settings_of

    return (folder / "config.json").is_file() and settings_of(folder).get("model_type") in FAMILIES


def _pocket(rest: str) -> Engine:
    folder, _, query = rest.partition("?")
    if folder:
        raise BadConfig(f"pocket is one model and takes nothing behind it but ?adapter=PATH, not {rest!r}")
    return _openvino(f"{POCKET}?{query}")


def _openvino(rest: str) -> Engine:
    name, _, query = rest.partition("?")
    if not name:
        raise BadConfig("openvino: needs the model's folder, like openvino:models/gemma")
    address = Address.of(f"openvino:{rest}", "openvino", name, query)
    address.check_options(("adapter",))
    from attune.engines.openvino import OpenVINOEngine

    folder = Path(name)
    return OpenVINOEngine(folder, *_with_adapter(folder, address))


def _torch(rest: str) -> Engine:
    name, _, query = rest.partition("?")
    if not name:
        raise BadConfig("torch: needs the model's folder, like torch:models/gemma")
    address = Address.of(f"torch:{rest}", "torch", name, query)
    address.check_options(("adapter", "device", "dtype"))
    for library in ("torch", "transformers"):
        load(library, "torch")
    from attune.engines.torch import TorchEngine, TorchT5Engine

    folder = Path(name)
    kind = TorchT5Engine if _is_t5(folder) else TorchEngine
    device, dtype = (address.options.get(option, "") for option in ("device", "dtype"))
    return kind(folder, *_with_adapter(folder, address), device=device, dtype=dtype)


def _with_adapter(folder: Path, address: Address) -> tuple[str, Path | None]:
    """The model's id, where its folder's name alone would not do, and the adapter that the address names.

    Raises ModelError where that was made for another model.
    """
    if "adapter" not in address.options:
        return "", None
    from attune.adapters.kept import label
    from attune.adapters.weights import check_base

    adapter = Path(address.options["adapter"])
    check_base(adapter, folder)
    return f"{folder.resolve().name}+{label(adapter)}", adapter


def _vllm(rest: str) -> Engine:
    name, _, query = rest.partition("?")
    if not name:
        raise BadConfig("vllm: needs the model's folder, like vllm:models/gemma")
    address = Address.of(f"vllm:{rest}", "vllm", name, query)
    address.check_options(("adapter", "context_tokens", "dtype", "gpu_memory", "tensor_parallel"))
    from attune.engines.vllm import Options, VLLMEngine

    plain = Options()
    options = Options(
        address.options.get("dtype", plain.dtype),
        int(address.number("context_tokens", plain.context_tokens, low=64)),
        address.number("gpu_memory", plain.gpu_memory),
        int(address.number("tensor_parallel", plain.tensor_parallel, low=1)),
    )
    folder = Path(name)
    model, adapter = _with_adapter(folder, address)
    return VLLMEngine(folder, model, options, adapter)


def _keras(rest: str) -> Engine:
    preset, _, query = rest.partition("?")
    if not preset:
        raise BadConfig("keras: needs a preset or a folder, like keras:gemma2_instruct_2b_en")
    address = Address.of(f"keras:{rest}", "keras", preset, query)
    address.check_options(("adapter", "context_tokens", "dtype"))
    from attune.engines.keras import KerasEngine
    from attune.engines.paged import CONTEXT_TOKENS

    file = address.options.get("adapter")
    return KerasEngine(
        preset,
        adapter=Path(file) if file else None,
        dtype=address.options.get("dtype", ""),
        context_tokens=int(address.number("context_tokens", CONTEXT_TOKENS, low=64)),
    )


def _ctranslate2(rest: str) -> Engine:
    folder, _, query = rest.partition("?")
    if not folder:
        raise BadConfig("ctranslate2: needs the model's folder, like ctranslate2:models/flan-t5-base")
    address = Address.of(f"ctranslate2:{rest}", "ctranslate2", folder, query)
    address.check_options(("context_tokens", "device", "compute_type"))
    from attune.engines.ctranslate2 import CTranslate2Engine
    from attune.engines.seq2seq import CONTEXT_TOKENS

    context_tokens = int(address.number("context_tokens", CONTEXT_TOKENS, low=32))
    chosen = {name: address.options[name] for name in ("device", "compute_type") if name in address.options}
    return CTranslate2Engine(Path(folder), context_tokens=context_tokens, **chosen)


def _http(scheme: str) -> Callable[[str], Engine]:
    def make(rest: str) -> Engine:
        from attune.engines.http import HTTPEngine, Server

        return HTTPEngine(Server.of(f"{scheme}:{rest}"))

    return make


def _scripted(rest: str) -> Engine:
    from attune.testing import ScriptedEngine

    return ScriptedEngine.from_options(rest)


def _kafka(address: str, follow: bool) -> Source:
    from attune.sources.kafka import Kafka

    return Kafka(address, follow)


def _bigquery(address: str, columns: Sequence[Column]) -> Sink:
    from attune.sinks.bigquery import BigQuery

    return BigQuery(address, columns)


def _kafka_sink(address: str, columns: Sequence[Column]) -> Sink:
    from attune.sinks.kafka import Kafka

    return Kafka(address, columns)


def _parquet(address: str, columns: Sequence[Column]) -> Sink:
    from attune.sinks.parquet import Parquet

    return Parquet(address, columns)


def _postgresql(address: str, columns: Sequence[Column]) -> Sink:
    from attune.sinks.postgresql import PostgresTable

    return PostgresTable(address, columns)


def _pubsub_sink(address: str, columns: Sequence[Column]) -> Sink:
    from attune.sinks.pubsub import PubSub

    return PubSub(address, columns)


_SINKS: Mapping[str, Callable[[str, Sequence[Column]], Sink]] = {
    "bigquery": _bigquery,
    "kafka": _kafka_sink,
    "parquet": _parquet,
    "postgresql": _postgresql,
    "pubsub": _pubsub_sink,
}


def replies(address: str, secret_file: str) -> Outlet:
    """Where approved replies go: the outlet at `address`. Nothing is connected yet.

    `secret_file` is read for a webhook alone.
    """
    scheme, _ = _split(address, _REPLIES, "outlet of replies")
    return _REPLIES[scheme](address, secret_file)


def _reply_queue(address: str, _: str) -> Outlet:
    from attune.replies.queue import Queue

    if address != QUEUE:
        raise BadConfig(f"{QUEUE} takes nothing behind it, not {address.removeprefix(QUEUE)!r:.40}")
    return Queue()


def _reply_file(address: str, _: str) -> Outlet:
    from attune.replies.file import JsonLines

    return JsonLines(address.partition(":")[2])


def _webhook(address: str, secret_file: str) -> Outlet:
    from attune.replies.webhook import Webhook

    try:
        secret = Path(secret_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(
            f"the secret of webhooks cannot be read from {secret_file} (--webhook-secret-file). Make one: "
            "echo whsec_$(openssl rand -base64 32) > webhook.secret"
        ) from error
    return Webhook(address, secret)


def _reply_broker(address: str, _: str) -> Outlet:
    from attune.replies.broker import COLUMNS, Broker

    scheme = address.partition(":")[0]
    return Broker(_SINKS[scheme](address, [Column(name, "text") for name in COLUMNS]))


_REPLIES: Mapping[str, Callable[[str, str], Outlet]] = {
    "queue": _reply_queue,
    "file": _reply_file,
    "http": _webhook,
    "https": _webhook,
    "kafka": _reply_broker,
    "pubsub": _reply_broker,
}


def _pubsub(address: str, follow: bool) -> Source:
    from attune.sources.pubsub import PubSub

    return PubSub(address, follow)


_BROKERS: Mapping[str, Callable[[str, bool], Source]] = {"kafka": _kafka, "pubsub": _pubsub}
_ENGINES: Mapping[str, Callable[[str], Engine]] = {
    "pocket": _pocket,
    "openvino": _openvino,
    "torch": _torch,
    "vllm": _vllm,
    "keras": _keras,
    "ctranslate2": _ctranslate2,
    "http": _http("http"),
    "https": _http("https"),
    "scripted": _scripted,
}


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
        brokers = ", ".join(f"{scheme}://…" for scheme in _BROKERS)
        raise BadConfig(
            f"no source is called {found[1]}:; there are: a path, a folder, a glob, -, {QUEUE}, {brokers}"
        )
