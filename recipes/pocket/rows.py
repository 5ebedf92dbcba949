"""Rows: tokens as they lie on disk, between the steps that make them and those that learn from them.

With this alone a machine that only trains needs neither a tokenizer nor attune.
"""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.uint16]
PRETRAIN = 512
"""Tokens in a row of pretraining."""
TUNE = 1024
"""Tokens in a row of lessons."""


def shard(work: Path, number: int) -> Path:
    return work / "rows" / f"{number:04}.npy"


def carry(work: Path) -> Path:
    """All shards in one file, packed small, to take along to another machine."""
    path = work / "rows.npy.xz"
    with lzma.open(path, "wb", preset=6) as file:
        np.save(file, _shards(work))
    return path


def text(work: Path) -> Rows:
    """Every row to pretrain on: from the shards, or from the packed file where that is all there is."""
    if (work / "rows").is_dir():
        return _shards(work)
    with lzma.open(work / "rows.npy.xz") as file:
        loaded: Rows = np.load(file)
    return loaded


def write_lessons(work: Path, ids: list[list[int]], counts: list[list[int]]) -> Path:
    path = work / "lessons.npz"
    np.savez_compressed(path, ids=np.array(ids, np.uint16), counts=np.array(counts, np.uint8))
    return path


def lessons(work: Path) -> tuple[Rows, npt.NDArray[np.uint8]]:
    """Rows to tune on, and how much each of their tokens counts."""
    with np.load(work / "lessons.npz") as file:
        return file["ids"], file["counts"]


def _shards(work: Path) -> Rows:
    return np.concatenate([np.load(path) for path in sorted((work / "rows").glob("*.npy"))])
