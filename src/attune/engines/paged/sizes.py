"""How large a step, a batch and a cache this machine should have, where nobody has said so."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from attune.engines.paged.blocks import BLOCK_TOKENS

_STEP_TOKENS_PER_CORE = 512
"""Measured with the pocket model on 2 cores and 32 in flight, in chats a second: 31.2 with 256 tokens a step,
34.2 with 512, 37.2 with 1024, 34.0 with 2048."""
_RUNNING_PER_CORE = 32
"""A small Gemma's weights are read once for all tokens of a step: the more decode together, the less each."""
_MEMORY_SHARE = 4
_UNKNOWN_MEMORY = 4 * 2**30


@dataclass(frozen=True, slots=True)
class Machine:
    """What this process may use: processors, and bytes of memory still free. `quota` is how many processors'
    time a container has where that is less than it sees, else 0: OpenVINO sees them all."""

    cores: int
    memory: int
    quota: int = 0


@dataclass(frozen=True, slots=True)
class Sizes:
    """0 is: as the machine allows. `step_tokens` and `running` bound a step, in tokens and in requests;
    the cache gets `cache_mb` megabytes, or what two contexts need where that is more."""

    step_tokens: int = 0
    running: int = 0
    cache_mb: int | None = None

    def on(self, machine: Machine) -> Sizes:
        """These sizes, the open ones chosen for `machine`; the cache's is chosen with `blocks`."""
        return Sizes(
            self.step_tokens or min(4096, max(512, _STEP_TOKENS_PER_CORE * machine.cores)),
            self.running or min(256, max(64, _RUNNING_PER_CORE * machine.cores)),
            self.cache_mb,
        )

    def blocks(self, machine: Machine, block_bytes: int, context_tokens: int) -> int:
        """How many blocks the cache has: by default half a context for each who may run, in a quarter of the
        memory that is free. They are touched only when they are needed."""
        least = 2 * context_tokens // BLOCK_TOKENS + 4
        if self.cache_mb is not None:
            return max(least, self.cache_mb * 2**20 // block_bytes)
        wanted = self.running * context_tokens // 2 // BLOCK_TOKENS
        return max(least, min(wanted, machine.memory // _MEMORY_SHARE // block_bytes))


def this_machine(root: Path = Path("/")) -> Machine:
    """The machine, or what a container leaves of it (control groups of both versions)."""
    groups = root / "sys/fs/cgroup"
    seen = _affinity()
    cores = max(1, min([seen, *_quota(groups)]))
    memory = min([_available(root), *_memory_left(groups)])
    return Machine(cores, max(0, memory), cores if cores < seen else 0)


def _affinity() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quota(groups: Path) -> list[int]:
    quota, _, period = _text(groups / "cpu.max").partition(" ")
    if not period:
        quota, period = _text(groups / "cpu/cpu.cfs_quota_us"), _text(groups / "cpu/cpu.cfs_period_us")
    if not (quota.isdecimal() and period.isdecimal()):  # "max", "-1", or no such file
        return []
    return [math.ceil(int(quota) / int(period))]


def _memory_left(groups: Path) -> list[int]:
    left = []
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        most, now = _text(groups / limit), _text(groups / used)
        if most.isdecimal() and now.isdecimal():
            left.append(int(most) - int(now))
    return left


def _available(root: Path) -> int:
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    return _UNKNOWN_MEMORY


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
