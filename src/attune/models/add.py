"""Adding a model: fetched, converted, tried, and only then there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from attune.errors import ModelError
from attune.models import hub
from attune.models.convert import check_family, convert
from attune.models.kept import Kept, files_of, write_record
from attune.whole import whole_folder

_LIBRARIES = ("attune", "ctranslate2", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be added: a folder, or OWNER/NAME on the hub; and as what. No name is the source's own."""

    source: str
    name: str = ""
    quantization: str = "int8"
    revision: str = "main"

    @property
    def kept_name(self) -> str:
        return self.name or Path(self.source).resolve().name


def add(wanted: Wanted, models: Path, tried: Callable[[Path], None], say: Callable[[str], None]) -> Kept:
    """Adds a model to the folder `models`, and gives it.

    It is made in a hidden folder beside and renamed at the end, so a kill leaves no model that looks
    whole; a download that broke off is gone on with. `tried` asks the new folder something, and raises
    if it cannot answer; `say` is told each step. Raises ModelError.
    """
    target = models / wanted.kept_name
    if target.name != wanted.kept_name or target.name.startswith(".") or ":" in target.name:
        raise ModelError(f"{wanted.kept_name!r} cannot be a model's name: it becomes a folder's")
    if target.exists():
        raise ModelError(f"{target} is there already; away with it: attune models remove {target.name}")
    with whole_folder(target) as made:
        source, revision = _source(wanted, models, say)
        check_family(source)
        say(f"converting to {wanted.quantization}")
        convert(source, made, wanted.quantization)
        say("asking it something")
        tried(made)
        kept = _kept(wanted, target, revision, made)
        write_record(kept, made)
    shutil.rmtree(_fetched(wanted, models), ignore_errors=True)
    return kept


def _source(wanted: Wanted, models: Path, say: Callable[[str], None]) -> tuple[Path, str]:
    """The folder to convert, and its commit where it comes from the hub."""
    if Path(wanted.source).is_dir():
        return Path(wanted.source), ""
    if not hub.is_name(wanted.source):
        raise ModelError(
            f"{wanted.source}: neither a folder nor a model of the hub, which is called OWNER/NAME"
        )
    say(f"fetching {wanted.source}")
    folder = _fetched(wanted, models)
    return folder, hub.download(wanted.source, wanted.revision, folder)


def _fetched(wanted: Wanted, models: Path) -> Path:
    """Where a download is kept until it is converted."""
    return models / ".fetched" / wanted.source.replace("/", "--")


def _kept(wanted: Wanted, target: Path, revision: str, made: Path) -> Kept:
    return Kept(
        folder=target,
        source=wanted.source,
        revision=revision,
        engine="ctranslate2",
        quantization=wanted.quantization,
        added=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={name: version(name) for name in _LIBRARIES},
        files=files_of(made),
    )
