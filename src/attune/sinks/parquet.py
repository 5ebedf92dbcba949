"""Parquet files in a folder of any file system that fsspec knows: a disk, gs://, s3://, …"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Any

from attune.address import Address, load
from attune.errors import BadConfig
from attune.export import Column, write_parquet
from attune.sinks import OPTIONS, Batch, SinkError, Terms, terms

FORM = "parquet:folder, parquet:gs://bucket/folder or parquet:s3://bucket/folder"
_ROWS, _WAIT_S = 10_000, 60.0


class Parquet:
    """A file for each batch, there whole or not at all, named by the numbers of the outcomes in it: a batch
    that comes again replaces itself, so a reader of the folder sees each outcome once.

    Without options a file is written when there are 10,000 rows, after a minute, and at the end of a run.
    """

    def __init__(self, address: str, columns: Sequence[Column]) -> None:
        folder, _, query = address.removeprefix("parquet:").partition("?")
        self._address = Address.of(address, "parquet", folder, query)
        if not folder:
            raise BadConfig(f"{address!r} names no folder: give {FORM}")
        self._address.check_options(OPTIONS)
        self._terms = terms(self._address, _ROWS, _WAIT_S)
        self._columns = columns
        self._fsspec = load("fsspec", "parquet")
        self._folder = folder

    @property
    def terms(self) -> Terms:
        return self._terms

    def write(self, batch: Batch) -> None:
        file = io.BytesIO()
        write_parquet(batch.rows, self._columns, file)
        name = f"part-{batch.first + 1:012d}-{batch.last:012d}.parquet"
        try:
            system, folder = self._fsspec.core.url_to_fs(self._folder)
            system.makedirs(folder, exist_ok=True)
            _put(system, f"{folder}/{name}", file.getvalue())
        except Exception as error:  # each file system has errors of its own
            raise SinkError(
                f"{self._terms.name} cannot be written: {error or type(error).__name__}"
            ) from error

    def close(self) -> None:
        """Nothing stays open between batches."""


def _put(system: Any, path: str, content: bytes) -> None:
    if "file" not in system.protocol:
        system.pipe_file(path, content)  # an object store shows an object when it is whole
        return
    half = f"{path}.half"
    with system.open(half, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(half, path)
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
