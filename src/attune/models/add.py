"""Adding a model: fetched, converted, tried, and only then there."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from attune.errors import ModelError
from attune.models import convert, hub, kaggle, openvino
from attune.models.kept import File, Kept, files_of, write_record
from attune.whole import whole_folder

_LIBRARIES = ("attune", "ctranslate2", "torch", "transformers")
QUANTIZATIONS = tuple(dict.fromkeys((*openvino.QUANTIZATIONS, *convert.QUANTIZATIONS)))
"""Those of all engines."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be added: a folder, OWNER/NAME on the Hugging Face hub, or kaggle:OWNER/MODEL/…; and as
    what. No name is the source's own."""

    source: str
    name: str = ""
    quantization: str = "int8"
    revision: str = "main"

    @property
    def kept_name(self) -> str:
        return self.name or kaggle.short(self.source) or Path(self.source).resolve().name


@dataclass(frozen=True, slots=True)
class Source:
    """A folder to convert, and what is known of where it came from."""

    folder: Path
    revision: str = ""
    fetched: Mapping[str, File] | None = None


class Say(Protocol):
    """Tells the steps of what is done; `watch` tells more of the one that is under way."""

    def __call__(self, step: str) -> None: ...

    def watch(self, told: str) -> None: ...


def add(wanted: Wanted, models: Path, tried: Callable[[str], str], say: Say) -> Kept:
    """Adds a model to the folder `models`, and gives it.

    It is made in a hidden folder beside and renamed at the end, so a kill leaves no model that looks
    whole; a download that broke off is gone on with. `tried` asks the engine at an address about a chat and
    gives what it said, or raises; `say` is told each step. Raises ModelError.
    """
    target = models / wanted.kept_name
    if target.name != wanted.kept_name or target.name.startswith(".") or ":" in target.name:
        raise ModelError(f"{wanted.kept_name!r} cannot be a model's name: it becomes a folder's")
    if target.exists():
        raise ModelError(f"{target} is there already; away with it: attune models remove {target.name}")
    with whole_folder(target) as made:
        source = _source(wanted, models, say)
        engine = engine_for(source.folder, wanted.quantization)
        versions = _converted(engine, source.folder, made, wanted.quantization, models, say)
        say("asking it about a chat")
        answer = tried(f"{engine}:{made}")
        kept = Kept(
            folder=target,
            source=wanted.source,
            revision=source.revision,
            engine=engine,
            quantization=wanted.quantization,
            added=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=versions,
            files=files_of(made),
            fetched=source.fetched or {},
            answer=answer,
        )
        write_record(kept, made)
    shutil.rmtree(_fetched(wanted, models), ignore_errors=True)
    return kept


def engine_for(source: Path, quantization: str) -> str:
    """The engine that runs the model in `source`. Raises ModelError where there is none, or none that runs
    weights of the type `quantization`."""
    family = convert.family_of(source)
    engines = {"ctranslate2": convert.FAMILIES, "openvino": openvino.FAMILIES}
    engine = next((engine for engine, families in engines.items() if family in families), None)
    if engine is None:
        raise ModelError(
            f"{source} holds a model of the family {family!r}, which cannot be converted: T5, FLAN-T5 and "
            "mT5 can, and Gemma 2, 3 and 4, Llama 3 and Qwen 3. Of Kaggle's frameworks take transformers."
        )
    known = {"ctranslate2": convert.QUANTIZATIONS, "openvino": tuple(openvino.QUANTIZATIONS)}[engine]
    if quantization not in known:
        raise ModelError(f"{engine} has no weights of the type {quantization}: take {', '.join(known)}")
    return engine


def _converted(
    engine: str, source: Path, made: Path, quantization: str, models: Path, say: Say
) -> Mapping[str, str]:
    """Converts `source` to `made`, and gives the versions of what did."""
    if engine == "openvino":
        environment = openvino.exporter(models, convert.family_of(source))
        say(f"converting to {quantization}")
        openvino.convert(source, made, quantization, environment)
        return {"attune": version("attune"), **openvino.versions(environment)}
    say(f"converting to {quantization}")
    convert.convert(source, made, quantization)
    return {name: version(name) for name in _LIBRARIES}


def _source(wanted: Wanted, models: Path, say: Say) -> Source:
    if Path(wanted.source).is_dir():
        return Source(Path(wanted.source))
    folder = _fetched(wanted, models)
    if kaggle.is_handle(wanted.source):
        say(f"fetching {wanted.source}")
        return Source(*kaggle.download(wanted.source, folder))
    if not hub.is_name(wanted.source):
        raise ModelError(
            f"{wanted.source}: neither a folder nor a model of the hub, which is called OWNER/NAME, nor "
            "one of Kaggle, kaggle:OWNER/MODEL/FRAMEWORK/VARIATION"
        )
    say(f"fetching {wanted.source}")
    return Source(folder, *hub.download(wanted.source, wanted.revision, folder, say.watch))


def _fetched(wanted: Wanted, models: Path) -> Path:
    """Where a download is kept until it is converted."""
    return models / ".fetched" / wanted.source.replace("/", "--").replace(":", "--")
