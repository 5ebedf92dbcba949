"""attune tasks, check, demo, status, and what every command's help holds."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from tests.cli.conftest import Attune

from attune.cli import VERBS
from attune.cli import attune as group
from attune.cli.verb import Verb


def commands(command: click.Command, path: str = "attune") -> dict[str, click.Command]:
    """Every command below `command`, by what is typed to call it."""
    if not isinstance(command, click.Group):
        return {path: command}
    context = click.Context(command)
    found: dict[str, click.Command] = {}
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        found |= commands(below, f"{path} {name}")
    return found


ALL = commands(group)


@pytest.mark.parametrize("path", ALL)
def test_every_help_ends_with_examples_that_call_it_and_its_exit_codes(path: str) -> None:
    command = ALL[path]
    assert isinstance(command, Verb)
    text = command.get_help(click.Context(command, info_name=path))
    assert command.codes
    assert command.examples
    assert all(path in example for example in command.examples)
    assert text.index("Examples:") < text.index("Exit codes:")


@pytest.mark.parametrize("path", ALL)
def test_every_option_says_what_it_does(path: str) -> None:
    for option in ALL[path].params:
        assert not isinstance(option, click.Option) or option.help, f"{path} {option.name}"


def test_the_help_lists_every_verb(attune: Attune) -> None:
    done = attune("--help")
    assert all(re.search(rf"^  {verb} ", done.out, re.MULTILINE) for verb in VERBS)


def test_a_task_for_a_t5_is_shown_with_its_questions(attune: Attune) -> None:
    engine = ("--engine", "ctranslate2:there/is/none")
    shown = attune("tasks", "show", "triage", *engine).out
    assert "How does the customer feel at the end of this conversation?\tunhappy, neutral, happy" in shown
    told = attune("tasks", "show", "triage", *engine, "--json").json
    assert told["asks"]["sentiment"]["labels"] == ["unhappy", "neutral", "happy"]
    assert "one field at a time" not in attune("tasks", "show", "triage").out


def test_tasks_are_listed_shown_and_checked(attune: Attune) -> None:
    assert {line.split("\t")[0] for line in attune("tasks", "list").lines[1:]} >= {"triage", "reply"}
    shown = attune("tasks", "show", "triage").out
    for part in (
        "sentiment\tinteger",
        "Customer: My order 48213",
        "<start_of_turn>",
        '{"sentiment": ',
        "drafted by",
    ):
        assert part in shown
    (attune.folder / "bad.toml").write_text('cue = "Read."\nfeilds = 1\n', encoding="utf-8")
    done = attune("tasks", "check", "bad.toml")
    assert done.code == 2
    assert "unknown key 'feilds'" in done.err
    (attune.folder / "good.toml").write_text(
        'cue = "Read."\n[fields.urgent]\nkind = "yes_no"\n', encoding="utf-8"
    )
    assert attune("tasks", "check", "good.toml").lines[0].startswith("good.toml is fine: task good, version ")


def test_check_says_what_is_there_and_leaves_nothing_behind(attune: Attune) -> None:
    done = attune("check")
    assert done.code == 0, done.out
    assert [line.split()[:2] for line in done.lines] == [
        ["ok", name] for name in ("python", "packages", "task", "engine", "generation", "store", "disk")
    ]
    assert list(attune.folder.iterdir()) == []


def test_check_fails_on_what_is_missing_and_names_a_command(attune: Attune) -> None:
    done = attune("check", "--engine", "openvino:nowhere", "--task", "nothing")
    assert done.code == 1
    missing = [line for line in done.lines if line.startswith("missing")]
    assert [line.split()[1] for line in missing] == ["task", "engine"]
    assert done.out.count("run: ") == 2


def test_check_says_which_parameters_of_a_batch_the_engine_does_not_have(attune: Attune) -> None:
    assert "all parameters but num_beams, early_stopping, length_penalty" in attune("check").out
    (attune.folder / "mine.toml").write_text("[generation]\nnum_beams = 4\n")
    done = attune("check", "--config", "mine.toml")
    assert done.code == 1
    (told,) = (line for line in done.lines if line.startswith("missing"))
    assert "generation The engine scripted has no num_beams: leave it out" in told


def test_the_demo_shows_every_outcome_and_replaces_only_an_earlier_demo(attune: Attune) -> None:
    first = attune("demo")
    assert first.code == 0, first.err
    assert first.lines[0].startswith("in 212 = table ")
    assert "dead 3 + repeated 0" in first.lines[0]
    for part in (
        "Happy or neutral",
        "Unhappy",
        "draft ",
        "Unreadable",
        "first verdict",
        "attune results --store",
    ):
        assert part in first.out
    # But for the commands to copy, which name the program by its path.
    assert max(len(line) for line in first.lines if "bin/attune" not in line) <= 80
    folder = attune.folder / "attune-demo"
    (folder / "mine.txt").write_text("keep me", encoding="utf-8")
    again = attune("demo")
    assert again.code == 0, again.err
    assert "repeated 0" in again.lines[0]
    assert (folder / "mine.txt").read_text(encoding="utf-8") == "keep me"
    assert (folder / "results.csv").read_text(encoding="utf-8").count("\n") > 200


def test_the_demo_leaves_a_folder_alone_that_is_not_its_own(attune: Attune) -> None:
    (attune.folder / "demo.db").write_text("mine", encoding="utf-8")
    done = attune("demo", "--folder", ".")
    assert done.code == 2
    assert "choose another with --folder" in done.err
    assert [path.name for path in attune.folder.iterdir()] == ["demo.db"]


def test_a_reader_that_goes_away_gets_no_complaint(attune: Attune, samples: Path) -> None:
    assert attune("run", samples.name).code == 0
    with attune.start("results", "--format", "csv") as results:
        assert results.stdout is not None
        results.stdout.close()
        assert results.stderr is not None
        assert results.stderr.read() == b""
        assert results.wait(timeout=30) == 1
