"""The adapters in a folder: a folder each, found by their name."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from attune.adapters.record import EPOCHS, RECORD, home
from attune.errors import ModelError
from attune.lora import CONFIG
from attune.visible import visible

_NAME = re.compile(r"\w[\w.-]*")
_REFERENCE = re.compile(r"(?P<name>\w[\w.-]*)(@epoch(?P<epoch>\d+))?")


def find(reference: str, adapters: Path) -> Path:
    """The PEFT folder, absolute, that `reference` names: "NAME" is the chosen epoch of an adapter in the
    folder `adapters`, "NAME@epoch12" one epoch of it, and anything else the path of a PEFT folder.

    Raises ModelError, naming those that are there.
    """
    parts = _REFERENCE.fullmatch(reference)
    kept = (adapters / parts["name"]).absolute() if parts else None
    if parts and kept and (kept / RECORD).is_file():
        found = epoch_folder(kept, int(parts["epoch"])) if parts["epoch"] else kept
        if not (found / CONFIG).is_file():
            there = ", ".join(str(int(path.name)) for path in sorted((kept / EPOCHS).glob("*"))) or "none"
            raise ModelError(f"{visible(reference)}: no such epoch is kept; there are: {there}")
        return found
    path = Path(reference).absolute()
    if (path / CONFIG).is_file():
        return path
    raise ModelError(
        f"no adapter is called {visible(reference)} in {adapters}, nor is that the path of a PEFT folder, "
        f"with {CONFIG}; there are: {_known(adapters)}"
    )


def kept_in(adapters: Path) -> Iterator[Path]:
    """The folders of the adapters in the folder `adapters`, by name."""
    for folder in sorted(adapters.iterdir()) if adapters.is_dir() else ():
        if (folder / RECORD).is_file() and not folder.name.startswith("."):
            yield folder


def epoch_folder(adapter: Path, epoch: int) -> Path:
    """Where the weights after `epoch`, counted from 1, are kept."""
    return adapter / EPOCHS / f"{epoch:02}"


def label(folder: Path) -> str:
    """How rows call the adapter in the PEFT folder `folder`: NAME, or NAME@epoch12 for one epoch of it."""
    adapter = home(folder.absolute())
    return adapter.name if adapter == folder.absolute() else f"{adapter.name}@epoch{int(folder.name)}"


def served(engine: str, folder: Path) -> str:
    """The address of the engine at the address `engine` with the adapter in `folder`."""
    return f"{engine}{'&' if '?' in engine else '?'}adapter={quote(str(folder.absolute()))}"


def new_folder(name: str, adapters: Path) -> Path:
    """Where an adapter `name` will be. Raises ModelError for a name that cannot be, or is taken."""
    if not _NAME.fullmatch(name):
        raise ModelError(
            f"{visible(name)} cannot be an adapter's name: letters, digits, dots and dashes can, "
            "a letter or digit first"
        )
    if (adapters / name).exists():
        raise ModelError(f"{adapters / name} is there already; away with it: attune adapters delete {name}")
    return adapters / name


def delete(name: str, adapters: Path) -> None:
    """Deletes the adapter `name`; one that is half deleted is no adapter any more.

    Raises ModelError, naming those that are there, where there is none.
    """
    folder = adapters / name
    if not _NAME.fullmatch(name) or not (folder / RECORD).is_file():
        raise ModelError(f"no adapter is called {visible(name)} in {adapters}; there are: {_known(adapters)}")
    gone = folder.with_name(f".deleted-{name}")
    try:
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise ModelError(f"{folder} cannot be deleted: {error.strerror}") from error


def _known(adapters: Path) -> str:
    return ", ".join(found.name for found in kept_in(adapters)) or "none"
