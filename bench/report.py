"""Where a benchmark's table goes: its own section of docs/benchmarks.md, with the machine it was made on."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

Each section is written by the command it names, from one run on one machine. Machines differ and
are shared: the ratios in a section are what to go by.
"""


def machine() -> str:
    """The processor, its cores and memory, and the versions that matter."""
    cpuinfo = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in ("attune", "openvino", "sqlalchemy"))
    processor = models[0] if models else platform.processor()
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB; {system}, {libraries}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table, its columns padded so that it reads well in a terminal too."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [_line(row, widths) for row in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def write(section: str, command: str, body: str) -> None:
    """Replaces the section called `section` in docs/benchmarks.md, or adds it."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else _HEAD
    today = datetime.now(UTC).date().isoformat()
    text = f"## {section}\n\n`{command}`, {today}. {machine()}.\n\n{body.strip()}\n"
    old = re.compile(rf"^## {re.escape(section)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    page = old.sub(lambda _: text + "\n", page) if old.search(page) else f"{page.rstrip()}\n\n{text}"
    PAGE.write_text(page.rstrip() + "\n", encoding="utf-8")
