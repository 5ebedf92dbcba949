"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attune.errors import AttuneError, ModelError


def write_whole(path: Path, text: str, shown: str) -> None:
    """Writes `text` to `path` durably: whoever reads it finds all of it, or what was there before.

    Raises AttuneError, in which the file is called `shown`.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise AttuneError(f"{shown} cannot be written: {error.strerror}") from error


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Where to make the folder `target`: a path beside it, under a hidden name, where nothing is yet. When
    the block ends, what was made there is durable and gets its name; when it fails, or the process dies,
    nothing looks like `target`. What the dead left beside it is removed.

    Raises ModelError where the disk refuses.
    """
    made = target.with_name(f".making-{target.name}-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(".making-*"):
            if not Path(f"/proc/{left.name.rpartition('-')[2]}").exists():
                shutil.rmtree(left, ignore_errors=True)
        yield made
        for path in [*made.rglob("*"), made]:
            _sync(path)
        made.rename(target)
    except OSError as error:
        raise ModelError(f"{error.filename or target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
