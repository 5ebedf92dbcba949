"""This machine's measured peaks: matrix products by type, and reading memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

_SIDE = 2048
_BYTES = 2**29


@dataclass(frozen=True, slots=True)
class Peaks:
    """Operations a second of a product of two square matrices, by type; bytes a second read from memory."""

    operations: Mapping[str, float]
    bytes: float


def measure() -> Peaks:
    """By PyTorch's kernels (oneDNN) on all cores: the best of some runs, a multiply-add being two operations.
    Reading is a sum over more than the caches hold."""
    torch: Any = import_module("torch")
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    ones = torch.ones(_SIDE, _SIDE)
    half, small = ones.to(torch.bfloat16), ones.to(torch.int8)
    products: dict[str, Callable[[], Any]] = {
        "float32": lambda: ones @ ones,
        "bfloat16": lambda: half @ half,
        "int8": lambda: torch._int_mm(small, small),  # noqa: SLF001 - PyTorch's one product of int8
    }
    operations = {name: 2 * _SIDE**3 / _best(act) for name, act in products.items()}
    read = torch.ones(_BYTES // 4)
    return Peaks(operations, _BYTES / _best(read.sum))


def _best(act: Callable[[], Any], times: int = 12) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return min(taken)
