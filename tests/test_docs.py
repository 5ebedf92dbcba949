"""The pages of docs/: what their console blocks show is run, and tables of options are those of the code.

`python -m tests.test_docs` writes the tables anew.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest
from examples.tutorial import BLOCK
from tests.cli.conftest import clean_environment

from attune.config import options
from attune.connect import SAMPLES
from attune.generation import parameters

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))
_TABLE = re.compile(r"(<!-- (options|parameters): from attune\.\w+ -->\n).*?(<!-- end -->)", re.DOTALL)


def option_table() -> str:
    """Every option as a row of Markdown."""
    rows = ["| flag | variable | default | can be | what it is |", "|---|---|---|---|---|"]
    for option in options().values():
        default = f"{option.default:,g}" if isinstance(option.default, float) else f"{option.default}"
        cells = (f"`{option.flag}`", f"`{option.variable}`", f"`{default}`", option.range, option.help)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def parameter_table() -> str:
    """Every parameter of generation as a row of Markdown."""
    rows = ["| parameter | default | can be | what it is |", "|---|---|---|---|"]
    for name, parameter in parameters().items():
        default = "" if parameter.default in (None, ()) else f"`{str(parameter.default).lower()}`"
        rows.append(f"| `{name}` | {default} | {parameter.range} | {parameter.help} |")
    return "\n".join(rows) + "\n"


_MADE = {"options": option_table, "parameters": parameter_table}


def with_tables(page: str) -> str:
    return _TABLE.sub(lambda found: found[1] + _MADE[found[2]]() + found[3], page)


def commands(page: str) -> list[tuple[str, list[str]]]:
    """The commands of a page, each with the lines that are shown below it.

    A block with any other command than attune is a recipe for people, and nothing of it is run; attune
    serve does not end by itself: tests/serve/test_page.py has its page.
    """
    found: list[tuple[str, list[str]]] = []
    for block in BLOCK.findall(page):
        parts = with_output(block)
        if all(first.startswith("attune ") and first != "attune serve" for first, _ in parts):
            found.extend(parts)
    return found


def with_output(text: str) -> list[tuple[str, list[str]]]:
    """The commands of a text, each with the lines below it."""
    parts = [part.splitlines() for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
    return [(command, below) for command, *below in parts]


def fits(shown: list[str], printed: list[str]) -> bool:
    """Whether `printed` begins with `shown`, where … is anything, and alone in a line any number of lines."""
    lines = [r"(?:.*\n)*?" if line.strip() == "…" else _pattern(line) + r"[ ]*\n" for line in shown]
    return re.match("".join(lines), "".join(f"{line}\n" for line in printed)) is not None


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("…"))


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which `attune` is this one, with an engine that answers at once."""
    script = tmp_path / "bin" / "attune"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m attune "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    lines = SAMPLES.read_bytes().splitlines(keepends=True)
    (tmp_path / "work" / "exports").mkdir(parents=True)
    (tmp_path / "work" / "chats.jsonl").write_bytes(b"".join(lines))
    (tmp_path / "work" / "exports" / "march.jsonl").write_bytes(b"".join(lines[:100]))
    (tmp_path / "work" / "exports" / "april.jsonl.gz").write_bytes(gzip.compress(b"".join(lines[100:])))
    (task,) = re.findall(
        r"^```toml\n(.*?)^```", (DOCS / "tasks.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    for page, name in (("batch.md", "articles.jsonl"), ("tune.md", "letters.jsonl")):
        rows = re.search(r"^```json\n(.*?)^```", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
        assert rows is not None
        (tmp_path / "work" / name).write_text(rows[1], encoding="utf-8")
    (tmp_path / "work" / "topic.toml").write_text(task, encoding="utf-8")
    ours = clean_environment()
    return ours | {"PATH": f"{script.parent}:{ours['PATH']}"}


@pytest.mark.parametrize(
    "page", [page for page in PAGES if commands(page.read_text("utf-8"))], ids=lambda p: p.name
)
def test_every_command_of_a_page_does_what_the_page_shows(
    page: Path, shell: dict[str, str], tmp_path: Path
) -> None:
    for command, shown in commands(page.read_text(encoding="utf-8")):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=tmp_path / "work",
            env=shell,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        assert fits(shown, done.stdout.splitlines()), f"$ {command}\n{done.stdout}"


def test_the_pages_of_commands_and_sources_hold_commands() -> None:
    for name in ("commands.md", "sources.md"):
        assert len(commands((DOCS / name).read_text(encoding="utf-8"))) >= 3


def test_a_page_that_shows_something_else_is_found_out() -> None:
    assert fits(["in 3 = …", "…", "end"], ["in 3 = table 3", "a", "b", "end", "more"])
    assert not fits(["in 4 = …"], ["in 3 = table 3"])
    assert not fits(["one", "two"], ["one"])


def test_a_block_with_other_commands_is_not_run() -> None:
    page = "```console\n$ attune run\nin 0\n```\n```console\n$ rm x\n$ attune run x\n```\n"
    assert commands(page) == [("attune run", ["in 0"])]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_of_options_are_current(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == with_tables(text), "run: python -m tests.test_docs"


def test_the_pages_of_commands_and_of_batches_have_their_tables() -> None:
    assert _TABLE.search((DOCS / "commands.md").read_text(encoding="utf-8"))
    assert "| `num_beams` |" in (DOCS / "batch.md").read_text(encoding="utf-8")


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(with_tables(each.read_text(encoding="utf-8")), encoding="utf-8")
