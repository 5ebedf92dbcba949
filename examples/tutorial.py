"""A tutorial is a page: its commands are run as they stand, and its notebook is made of it.

python -m examples.tutorial examples/bakery --folder build/bakery
python -m examples.tutorial examples/bakery --notebook
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

BLOCK = re.compile(r"^```console\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_END = "What the page started still runs. Enter ends it."


def commands(text: str) -> list[str]:
    """The commands in a block, or in all blocks of a page."""
    return [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]


def run(tutorial: Path, folder: Path) -> int:
    """Runs the commands of the page in `folder`, with the page's files beside them; the exit code.

    They are one script. It ends with the first that fails, else when its input ends or has a line, and takes
    along what runs in the background.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in tutorial.glob("*.jsonl"):
        shutil.copy(file, folder)
    shutil.rmtree(folder / "adapters", ignore_errors=True)
    lines = ["set -e", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for command in commands((tutorial / "README.md").read_text(encoding="utf-8")):
        lines += [f"echo {shlex.quote(f'$ {command}')}", command]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = "\n".join([*lines, f"echo; echo {shlex.quote(_END)}", "read -r _ || true"])
    environment = {**os.environ, "PATH": path}
    return subprocess.run(["bash", "-c", script], cwd=folder, env=environment, check=False).returncode


def notebook(page: str) -> str:
    """The page as a Jupyter notebook: a cell for each text and each block of commands, nothing run yet."""
    cells: list[dict[str, Any]] = []
    for index, part in enumerate(BLOCK.split(page)):
        kind = "code" if index % 2 else "markdown"
        source = _cell(commands(part)) if index % 2 else part.strip()
        more: dict[str, Any] = {"execution_count": None, "outputs": []} if index % 2 else {}
        cells.append({"cell_type": kind, "id": f"cell-{index}", "metadata": {}, "source": source, **more})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    told = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _cell(lines: list[str]) -> str:
    """Commands as a cell. What goes on in the background Python starts, or the cell would wait for it."""
    cell = []
    for line in lines:
        background = line.endswith(" &")
        cell.append(f"get_ipython().system_raw({line!r})" if background else f"!{line}")
    return "\n".join(cell)


def main() -> int:
    parser = argparse.ArgumentParser("python -m examples.tutorial", description=__doc__.splitlines()[0])
    parser.add_argument("tutorial", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("build/tutorial"))
    parser.add_argument("--notebook", action="store_true", help="write the notebook beside the page")
    given = parser.parse_args()
    if given.notebook:
        page = (given.tutorial / "README.md").read_text(encoding="utf-8")
        (given.tutorial / f"{given.tutorial.name}.ipynb").write_text(notebook(page), encoding="utf-8")
        return 0
    return run(given.tutorial, given.folder)


if __name__ == "__main__":
    sys.exit(main())
