"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from attune.errors import AttuneError


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
