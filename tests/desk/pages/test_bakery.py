"""The bakery's tutorial, run as it stands: it shows what it says, and the compose page answers in Korean."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.tutorial import BLOCK, notebook
from playwright.sync_api import Browser, expect
from tests.test_docs import fits, with_output

ROOT = Path(__file__).parents[3]
BAKERY = ROOT / "examples" / "bakery"
ENDS = "What the page started still runs."

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(900)]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        number: int = found.getsockname()[1]
        return number


@pytest.fixture
def tutorial(tmp_path: Path, port: int) -> Path:
    """The page and its files, with a port that is free."""
    copied = shutil.copytree(BAKERY, tmp_path / "bakery")
    readme = copied / "README.md"
    readme.write_text(readme.read_text("utf-8").replace("8000", str(port)), encoding="utf-8")
    return copied


@pytest.fixture
def printed(tutorial: Path, tmp_path: Path) -> Iterator[str]:
    """What the page's commands printed; what they started goes on until the test has ended."""
    command = [sys.executable, "-m", "examples.tutorial", str(tutorial), "--folder", str(tmp_path / "work")]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith(ENDS):
            lines.append(running.stdout.readline())
            assert lines[-1], "".join(lines)
        yield "".join(lines)
        running.stdin.close()


def test_the_page_leads_from_letters_to_the_compose_page(
    printed: str, tutorial: Path, port: int, chromium: Browser, tmp_path: Path
) -> None:
    done = dict(with_output(printed))
    for block in BLOCK.findall((tutorial / "README.md").read_text("utf-8")):
        for command, shown in with_output(block):
            assert fits(shown, done[command]), "\n".join([f"$ {command}", *done[command]])

    record = json.loads((tmp_path / "work" / "adapters" / "ko-bakery" / "attune.json").read_text("utf-8"))
    before, after = record["evaluation"]["base"], record["evaluation"]["adapter"]
    assert after["reply ROUGE-L"] > before["reply ROUGE-L"], (before, after)

    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"http://127.0.0.1:{port}/desk/compose")
    while "2 arms answer here" not in (page.text_content("body") or ""):
        page.wait_for_timeout(500)
        page.reload()
    page.locator("#text").fill(json.loads((BAKERY / "test.jsonl").read_text("utf-8").splitlines()[4])["text"])
    page.locator("#both").check()
    page.locator("[data-side=first] [data-way]").select_option("base")
    page.locator("[data-side=second] [data-way]").select_option("bakery")
    page.locator("#write").click()
    for side in ("first", "second"):
        expect(page.locator(f"[data-side={side}] [data-state]")).to_contain_text("Written by", timeout=60_000)
    expect(page.locator("[data-side=second] [data-state]")).to_contain_text("pocket+ko-bakery")
    answer = page.locator("[data-side=second] [data-output]").input_value()
    assert len(re.findall("[가-힣]", answer)) > 10, answer
    page.screenshot(path=tmp_path / "compose.png")


def test_the_notebook_is_the_page() -> None:
    kept = (BAKERY / "bakery.ipynb").read_text("utf-8")
    assert kept == notebook((BAKERY / "README.md").read_text("utf-8")), (
        "make it anew: python -m examples.tutorial examples/bakery --notebook"
    )
    assert sum(cell["cell_type"] == "code" for cell in json.loads(kept)["cells"]) == 4
