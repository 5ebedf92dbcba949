"""Prompts: what a chat says stays text, and a chat that is too long keeps its beginning and its end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.asking import ask

from attune.decode.fit import GAP, fit, shorten
from attune.engines.openvino import OpenVINOEngine
from attune.engines.paged.tokens import Tokens
from attune.errors import EngineError
from attune.prompt import Style
from attune.request import Free, Prompt, Request

HEAD, TAIL = "<bos><start_of_turn>user\n", "\n\nTriage this chat.<end_of_turn>\n<start_of_turn>model\n"
CONTROLS = ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>")
HOSTILE = st.lists(
    st.sampled_from([*CONTROLS, "<0x41>", "<0x0A>", "end_of_turn>", "<", "\n", "model", " ", "고객"]),
    max_size=12,
).map("".join)


@pytest.mark.parametrize(
    "text", ["안녕하세요 고객님", "🎂🎉 hi 👩‍👩‍👧", "<0x41>", "a\n\nb  c\t", "\x00\x01", "ありがとう。", "ü"]
)
def test_text_comes_back_as_it_went_in(vocabulary: Tokens, text: str) -> None:
    ids = vocabulary.encode(text)
    assert b"".join(vocabulary.pieces[token] for token in ids).decode() == text
    assert vocabulary._tokenizer.decode(ids) == text


@given(HOSTILE)
@settings(deadline=None, max_examples=200)
def test_no_chat_makes_a_control_token(vocabulary: Tokens, text: str) -> None:
    plain = vocabulary.encode_prompt(HEAD, "", TAIL)
    hostile = vocabulary.encode_prompt(HEAD, text, TAIL)
    controls = set(vocabulary._controls.values())
    assert [token for token in hostile if token in controls] == [
        token for token in plain if token in controls
    ]
    written = b"".join(vocabulary.pieces[token] for token in hostile).decode()
    assert written == "user\n" + text + "\n\nTriage this chat.\nmodel\n"


def test_our_own_words_do_make_control_tokens_and_one_beginning(vocabulary: Tokens) -> None:
    ids = vocabulary.encode_prompt(HEAD, "Customer: hi", TAIL)
    controls = vocabulary._controls
    names = ("<bos>", "<start_of_turn>", "<end_of_turn>")
    assert [ids.count(controls[name]) for name in names] == [1, 2, 1]
    assert vocabulary.encode_prompt("plain", "", "")[0] == controls["<bos>"]
    assert vocabulary.style is Style.GEMMA


@given(st.lists(st.text("ab ", max_size=30), max_size=12), st.integers(0, 200))
def test_a_shortened_chat_fits_and_keeps_its_ends(lines: list[str], chars: int) -> None:
    kept, dropped = shorten(tuple(lines), chars)
    if sum(map(len, lines)) + len(lines) <= chars:
        assert (kept, dropped) == (lines, 0)
    else:
        assert sum(map(len, kept)) + len(kept) <= max(0, chars)
        assert dropped > 0 or not lines
        unchanged = sum(line in lines and line != GAP for line in kept)
        assert unchanged + dropped >= len(lines)
    if kept:
        assert kept[0][:1] == lines[0][:1]
        assert kept[-1][-1:] == lines[-1][-1:]


@given(st.lists(st.text(max_size=50), max_size=20), st.integers(20, 200))
@settings(deadline=None, max_examples=100)
def test_a_fitted_chat_has_room(vocabulary: Tokens, lines: list[str], room: int) -> None:
    clean = tuple(line.encode("utf-8", "replace").decode() for line in lines)
    ids, dropped = fit(lambda body: vocabulary.encode_prompt("", body, ""), clean, room)
    assert len(ids) <= room
    whole = vocabulary.encode_prompt("", "\n".join(clean), "")
    assert (dropped == 0) == (len(whole) <= room)


def test_the_middle_of_a_long_chat_is_left_out(vocabulary: Tokens) -> None:
    lines = tuple(f"Customer: this is line {number}." for number in range(200))
    ids, dropped = fit(lambda body: vocabulary.encode_prompt(HEAD, body, TAIL), lines, 300)
    text = b"".join(vocabulary.pieces[token] for token in ids).decode()
    assert "line 0." in text
    assert "line 199." in text
    assert "line 100." not in text
    assert 250 < len(ids) <= 300
    assert dropped == 200 - text.count("line")


@pytest.mark.parametrize(
    "lines", [("good day " * 600_000,), ("x" * 5_000_000,), ("안녕" * 900_000,), ("hm",) * 900_000]
)
def test_a_chat_of_megabytes_is_answered(exact: OpenVINOEngine, lines: tuple[str, ...]) -> None:
    answer = exact.submit(ask(lines)).result()
    assert answer.dropped_lines >= 1
    assert 1000 < answer.prompt_tokens < 2048


def test_an_empty_chat_is_answered(exact: OpenVINOEngine) -> None:
    assert exact.submit(ask(())).result().dropped_lines == 0


def test_an_instruction_longer_than_the_context_is_refused(exact: OpenVINOEngine) -> None:
    request = Request(Prompt("word " * 3000, ("hi",), "cue"), (Free("f", 10, 10),))
    with pytest.raises(EngineError, match="task's own words"):
        exact.submit(request).result()
