"""docs/serve.md: its curl lines are run, in their order, and do what the page shows."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from examples.tutorial import BLOCK
from tests.test_docs import DOCS, fits

PAGE = (DOCS / "serve.md").read_text(encoding="utf-8")


def lines() -> list[tuple[str, list[str]]]:
    """The commands of the page but attune's own, each with what is shown below it."""
    parts = [
        part.splitlines()
        for block in BLOCK.findall(PAGE)
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)
    ]
    return [(first, shown) for first, *shown in filter(None, parts) if not first.startswith("attune ")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_curl_line_does_what_the_page_shows(pocket: str, tmp_path: Path) -> None:
    assert len(lines()) > 8
    for command, shown in lines():
        here = command.replace("http://127.0.0.1:8000", pocket)
        done = subprocess.run(
            ["bash", "-c", here], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
        )
        assert fits(shown, done.stdout.splitlines()), f"$ {here}\n{done.stdout}"
