"""Models that were added: a folder each, with a record of what it was made from and how it must look."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from attune.errors import ModelError

RECORD = "attune.json"
_PIECE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class File:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A model that was added. `source` is what it was made from, `revision` its commit on the hub, `fetched`
    the files that came from there, and `answer` what it said of a chat when it was tried."""

    folder: Path
    source: str
    revision: str
    engine: str
    quantization: str
    added: str
    versions: Mapping[str, str]
    files: Mapping[str, File]
    fetched: Mapping[str, File] = field(default_factory=dict)
    answer: str = ""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def address(self) -> str:
        """What --engine takes."""
        return f"{self.engine}:{self.folder}"

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())

    def damaged(self) -> list[str]:
        """The files that are not as they were when the model was added; each is read through."""
        return [name for name, file in self.files.items() if not _is(self.folder / name, file)]


def files_of(folder: Path) -> dict[str, File]:
    """What is in `folder`, by name."""
    return {path.name: look_at(path) for path in sorted(folder.iterdir()) if path.name != RECORD}


def write_record(kept: Kept, folder: Path) -> None:
    """Writes the record of `kept` into `folder`, where it is being made."""
    record = asdict(kept)
    del record["folder"]
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def read_record(folder: Path) -> Kept:
    """Raises ModelError where `folder` has no record that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        files, fetched = (_files(record.pop(name, {})) for name in ("files", "fetched"))
        return Kept(folder, files=files, fetched=fetched, **record)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            f"{folder / RECORD} is not the record of a model ({error}): remove {folder}"
        ) from error


def kept_in(models: Path) -> Iterator[Kept]:
    """The models in the folder `models`, by name."""
    for folder in sorted(models.iterdir()) if models.is_dir() else ():
        if (folder / RECORD).is_file() and not folder.name.startswith("."):
            yield read_record(folder)


def find(name: str, models: Path) -> Kept:
    """The model `name`. Raises ModelError, naming those that are there, where there is none."""
    if (models / name / RECORD).is_file() and name == Path(name).name:
        return read_record(models / name)
    known = ", ".join(kept.name for kept in kept_in(models)) or "none"
    raise ModelError(f"no model is called {name!r} in {models}; there are: {known}")


def remove(kept: Kept) -> None:
    """Removes the model's folder; one that is half removed is no model any more."""
    gone = kept.folder.with_name(f".removed-{kept.name}")
    try:
        shutil.rmtree(gone, ignore_errors=True)
        kept.folder.rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise ModelError(f"{kept.folder} cannot be removed: {error.strerror}") from error


def _is(path: Path, file: File) -> bool:
    return path.is_file() and path.stat().st_size == file.bytes and look_at(path) == file


def _files(record: Mapping[str, Mapping[str, Any]]) -> dict[str, File]:
    return {name: File(**file) for name, file in record.items()}


def look_at(path: Path) -> File:
    """The file at `path`, read through."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while piece := content.read(_PIECE_BYTES):
            digest.update(piece)
    return File(path.stat().st_size, digest.hexdigest())
