"""What a machine has: instruction sets, graphics processors, free disk."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SETS = {
    "AVX2": "avx2",
    "AVX-512": "avx512f",
    "VNNI": "avx512_vnni|avx_vnni",
    "BF16": "avx512_bf16",
    "AMX": "amx_tile",
}
"""Instruction sets that make matrix products fast, and what Linux calls them."""
_PATIENCE_S = 10


@dataclass(frozen=True, slots=True)
class GPU:
    name: str
    memory: int
    """Bytes, all of it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What this process may use: processors, bytes of memory that are free, what else the machine has."""

    cores: int
    memory: int
    sets: tuple[str, ...]
    gpus: tuple[GPU, ...]
    disk: int
    """Bytes that are free where models are kept."""


def instruction_sets(cpuinfo: str) -> tuple[str, ...]:
    """Those of `_SETS` that the text of /proc/cpuinfo names."""
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    words = set(flags[1].split()) if flags else set()
    return tuple(name for name, told in _SETS.items() if words & set(told.split("|")))


def gpus() -> tuple[GPU, ...]:
    """The NVIDIA GPUs, by nvidia-smi; none where there is no such program."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    asked = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(  # noqa: S603 - the driver's own program, without a word of anybody's
            asked, capture_output=True, text=True, timeout=_PATIENCE_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = (line.rpartition(",") for line in told.splitlines())
    return tuple(GPU(name, int(memory) * 2**20) for name, _, memory in rows if memory.strip().isdecimal())


def look(cores: int, memory: int, models: Path) -> Machine:
    """The machine we are on; `models` is the folder where models are kept, or will be."""
    there = next(path for path in (models, *models.parents) if path.exists())
    cpuinfo = Path("/proc/cpuinfo")
    told = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    return Machine(cores, memory, instruction_sets(told), gpus(), shutil.disk_usage(there).free)
