"""Prompts: what is put in stays data, and what cannot be filled is said before the job begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from attune.batch.prompts import BUILT_IN, PLAIN, parse, read_prompts, template
from attune.errors import BadConfig


def test_keys_of_a_record_stand_in_a_prompt() -> None:
    made = parse("To {language}: {text_inputs}!")
    assert made.fill({"language": "French", "text_inputs": "yes", "id": 3}) == "To French: yes!"
    assert made.keys == {"language", "text_inputs"}
    assert PLAIN.fill({"text_inputs": "as it is"}) == "as it is"


def test_braces_in_a_customer_s_words_are_braces() -> None:
    said = "{language} {0} {{x}} } {text_inputs}"
    assert (
        parse("{language}: {text_inputs}").fill({"language": "a {b}", "text_inputs": said})
        == f"a {{b}}: {said}"
    )


def test_a_brace_that_is_meant_is_written_twice() -> None:
    assert parse("as {{json}}: {text_inputs}").fill({"text_inputs": "x"}) == "as {json}: x"


@pytest.mark.parametrize(
    "prompt",
    [
        "{",
        "no place",
        "{}",
        "{0}",
        "{a.b}",
        "{a[0]}",
        "{text_inputs!r}",
        "{text_inputs:>10}",
        "{{text_inputs}}",
        "a } b {x}",
    ],
)
def test_a_prompt_that_cannot_be_filled_is_refused(prompt: str) -> None:
    with pytest.raises(BadConfig, match="prompt"):
        template(prompt)


@pytest.mark.parametrize("value", [None, True, ["x"], {"a": 1}])
def test_a_value_that_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(BadConfig, match="text_inputs: the prompt needs a text or a number"):
        PLAIN.fill({"text_inputs": value})


def test_a_missing_key_is_named() -> None:
    with pytest.raises(BadConfig, match="language: missing, and the prompt needs it"):
        parse("{language}{text_inputs}").fill({"text_inputs": "x"})


def test_every_built_in_prompt_can_be_filled() -> None:
    named = read_prompts(BUILT_IN)
    assert len(named) >= 9
    for name in named:
        made = template(name)
        assert "WORDS" in made.fill(dict.fromkeys(made.keys, "WORDS")), name


def test_prompts_of_one_s_own_come_before_the_built_in_ones(tmp_path: Path) -> None:
    file = tmp_path / "prompts.toml"
    file.write_text('summarize = "Short: {text_inputs}"\nshout = "LOUD: {text_inputs}"\n', encoding="utf-8")
    assert template("summarize", file).fill({"text_inputs": "x"}) == "Short: x"
    assert template("shout", file).fill({"text_inputs": "x"}) == "LOUD: x"
    assert template("title", file).fill({"text_inputs": "x"}).endswith("x")


@pytest.mark.parametrize("text", ["x = 1", "x = ", 'x = "no place"', 'x = "{a.b}"'])
def test_a_file_of_prompts_that_cannot_be_used_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prompts.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadConfig):
        template("summarize", file)
    with pytest.raises(BadConfig, match="cannot be read"):
        template("summarize", tmp_path / "nowhere.toml")
