"""Sizes choose themselves: by the machine, or by what a container leaves of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from attune.engines.paged.sizes import Machine, Sizes, this_machine

FREE = "MemTotal:       24678000 kB\nMemAvailable:    8388608 kB\n"
BLOCK, CONTEXT = 2**17, 2048


def root(folder: Path, groups: dict[str, str]) -> Path:
    """A root with these control group files."""
    files = {"proc/meminfo": FREE} | {f"sys/fs/cgroup/{name}": text for name, text in groups.items()}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n", encoding="ascii")
    return folder


def test_without_limits_the_machine_is_what_it_says(tmp_path: Path) -> None:
    machine = this_machine(root(tmp_path, {"cpu.max": "max 100000", "memory.max": "max"}))
    assert machine.memory == 8 * 2**30
    assert (machine.cores >= 1, machine.quota) == (True, 0)


def test_a_container_of_the_second_version_is_believed(tmp_path: Path) -> None:
    files = {"memory.max": str(3 * 2**30), "memory.current": str(2**30), "cpu.max": "50000 100000"}
    machine = this_machine(root(tmp_path, files))
    assert (machine.cores, machine.memory) == (1, 2 * 2**30)


def test_a_container_of_the_first_version_is_believed(tmp_path: Path) -> None:
    files = {
        "memory/memory.limit_in_bytes": str(2**30),
        "memory/memory.usage_in_bytes": str(2**29),
        "cpu/cpu.cfs_quota_us": "100000",
        "cpu/cpu.cfs_period_us": "100000",
    }
    machine = this_machine(root(tmp_path, files))
    assert (machine.cores, machine.memory) == (1, 2**29)


def test_where_nothing_is_said_about_memory_a_modest_machine_is_assumed(tmp_path: Path) -> None:
    assert this_machine(tmp_path).memory == 4 * 2**30


@pytest.mark.parametrize(("cores", "step", "running"), [(1, 512, 64), (2, 1024, 64), (64, 4096, 256)])
def test_more_cores_get_larger_steps(cores: int, step: int, running: int) -> None:
    sizes = Sizes().on(Machine(cores, 2**34))
    assert (sizes.step_tokens, sizes.running) == (step, running)


def test_what_is_given_is_kept() -> None:
    sizes = Sizes(7, 8, 9).on(Machine(64, 2**34))
    assert sizes == Sizes(7, 8, 9)
    assert sizes.blocks(Machine(64, 2**34), 2**10, 64) == 9 * 2**10


def test_the_cache_has_room_for_those_who_run_in_a_quarter_of_the_memory_and_never_less_than_two() -> None:
    sizes = Sizes().on(Machine(2, 2**34))
    assert sizes.blocks(Machine(2, 2**34), BLOCK, CONTEXT) == 64 * 32
    assert sizes.blocks(Machine(2, 2**29), BLOCK, CONTEXT) == 2**29 // 4 // BLOCK
    assert sizes.blocks(Machine(2, 0), BLOCK, CONTEXT) == 2 * 64 + 4
    assert Sizes(cache_mb=0).on(Machine(2, 2**34)).blocks(Machine(2, 2**34), BLOCK, CONTEXT) == 2 * 64 + 4
