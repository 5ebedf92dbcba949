"""What is written about a run, and what never is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune.log import setup, without_passwords
from attune.visible import visible


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    logger = logging.getLogger("attune")
    before = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.level, logger.propagate = before


def say(text: str, **facts: object) -> None:
    logging.getLogger("attune.store").warning(text, extra={"action": "renew_failed", **facts})


def test_a_line_is_a_sentence_an_action_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    setup("text", "info")
    say("The leases could not be renewed", tries=3)
    line = capsys.readouterr().err
    assert line.endswith("warning: The leases could not be renewed action=renew_failed tries=3\n")


def test_a_json_line_has_the_same_as_keys(capsys: pytest.CaptureFixture[str]) -> None:
    setup("json", "info")
    say("The leases could not be renewed", tries=3)
    line = json.loads(capsys.readouterr().err)
    del line["time"]
    assert line == {
        "level": "warning",
        "logger": "attune.store",
        "message": "The leases could not be renewed",
        "action": "renew_failed",
        "tries": 3,
    }


def test_what_is_less_important_than_the_level_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    setup("text", "error")
    say("Nothing to see")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_password_and_no_escape_gets_into_a_line(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    setup(form, "info")
    say(
        "No way to postgresql://attune:pa:ss/wo?rd@db/attune\x1b[2J\nforged",
        address="postgresql://a:secret@b/c",
    )
    said = capsys.readouterr().err
    assert "wo?rd" not in said
    assert "secret" not in said
    assert "attune:***@db/attune" in said
    assert "\x1b" not in said
    assert said.count("\n") == 1


def test_addresses_without_a_password_stay_as_they_are() -> None:
    for address in ("postgresql://attune@db:5432/attune", "sqlite:///a.db", "chats.jsonl:17"):
        assert without_passwords(address) == address
    assert (
        without_passwords("postgresql://db/x?user=a&password=hunter2")
        == "postgresql://db/x?user=a&password=***"
    )


@given(st.text())
def test_visible_text_has_no_control_left_and_plain_text_is_itself(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable() or not any(ord(character) < 32 or ord(character) == 127 for character in shown)
    assert not set(shown) & set("\x1b\x9b\u202e\u2066\u200f\ufeff\u2028")
    if text.isascii() and text.isprintable():
        assert shown == text
