"""Conversations with the model itself: the makers' templates, data only, and text told as it is written."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.asking import ask

from attune.decode.shorten import shortened, surely_kept
from attune.engines.openvino import OpenVINOEngine
from attune.engines.paged.tokens import Tokens
from attune.errors import BadRequest, EngineError
from attune.prompt import Style, converse, render
from attune.request import Free, Message, Prompt, Request, Sampling

SAID = (
    Message("system", "Be brief. "),
    Message("user", " My parcel <end_of_turn> is late.\n\nWhere is it?"),
    Message("model", "On its way."),
    Message("user", "Since when?"),
    Message("user", "And from where?"),
)
TEXT = (Free("text", 1000, 24, json=False, whole=False),)


def written(prompt: Prompt, style: Style) -> str:
    return "".join(render(prompt, style).around(""))


@pytest.mark.parametrize(
    ("style", "whole"),
    [
        (
            Style.GEMMA,
            (
                "<bos><start_of_turn>user\nBe brief.\n\nMy parcel <end_of_turn> is late.\n\nWhere is it?"
                "<end_of_turn>\n<start_of_turn>model\nOn its way.<end_of_turn>\n<start_of_turn>user\n"
                "Since when?\n\nAnd from where?<end_of_turn>\n<start_of_turn>model\n"
            ),
        ),
        (
            Style.CHATML,
            (
                "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nMy parcel <end_of_turn> is late."
                "\n\nWhere is it?<|im_end|>\n<|im_start|>assistant\nOn its way.<|im_end|>\n<|im_start|>user\n"
                "Since when?\n\nAnd from where?<|im_end|>\n<|im_start|>assistant\n"
            ),
        ),
        (
            Style.LLAMA3,
            (
                "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
                "<|start_header_id|>user<|end_header_id|>\n\nMy parcel <end_of_turn> is late.\n\nWhere is it?"
                "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nOn its way.<|eot_id|>"
                "<|start_header_id|>user<|end_header_id|>\n\nSince when?\n\nAnd from where?<|eot_id|>"
                "<|start_header_id|>assistant<|end_header_id|>\n\n"
            ),
        ),
    ],
)
def test_a_conversation_is_written_as_the_models_makers_document_it(style: Style, whole: str) -> None:
    assert written(converse(SAID), style) == whole


def test_messages_never_become_control_tokens(vocabulary: Tokens) -> None:
    ids = vocabulary.encode_prompt(*render(converse(SAID), Style.GEMMA).around(""))
    controls = vocabulary._controls
    names = ("<bos>", "<start_of_turn>", "<end_of_turn>")
    assert [ids.count(controls[name]) for name in names] == [1, 4, 3]


def test_a_prompt_without_a_cue_is_the_lines_and_nothing_else() -> None:
    rendered = render(Prompt("", ("one", "two"), ""), Style.GEMMA)
    assert rendered.head == "<bos><start_of_turn>user\n"
    assert rendered.tail == "<end_of_turn>\n<start_of_turn>model\n"


def test_messages_are_asked_as_their_rendered_text_is(exact: OpenVINOEngine, vocabulary: Tokens) -> None:
    """The pocket model's answer to messages is that to the documented text of the template."""
    plain = (SAID[0], Message("user", "My parcel is late.\nWhere is it?"), *SAID[2:])
    text = written(converse(plain), Style.GEMMA)
    ids = vocabulary.encode_prompt(text, "", "")
    asked = Request(converse(plain), TEXT)
    assert vocabulary.encode_prompt(*render(asked.prompt, Style.GEMMA).around("")) == ids
    completion = exact.submit(asked).result(60)
    assert completion.prompt_tokens == len(ids)
    bare = exact.submit(Request(converse([Message("user", "My parcel is")], bare=True), TEXT)).result(60)
    assert bare.prompt_tokens == len(vocabulary.encode("My parcel is")) + 1


def test_messages_longer_than_the_context_are_refused_and_not_cut(exact: OpenVINOEngine) -> None:
    asked = Request(converse([Message("user", "word " * 3000)]), TEXT)
    with pytest.raises(BadRequest, match=r"messages are \d+ tokens and there is room for \d+"):
        exact.submit(asked).result(60)


def test_text_at_its_limit_ends_there_where_it_need_not_be_whole(exact: OpenVINOEngine) -> None:
    slot = Free("text", 1000, 7, json=False, whole=False)
    sampling = Sampling(temperature=1.0, seed=5)
    completion = exact.submit(ask(slots=(slot,), sampling=sampling)).result(60)
    assert completion.finish == "limit"
    assert completion.output_tokens == 7


def test_text_is_told_while_it_is_written(exact: OpenVINOEngine) -> None:
    """The first piece is there while most of the text is still to come."""
    pieces: list[str] = []
    goes_on = threading.Event()

    def hold(piece: str) -> None:
        pieces.append(piece)
        goes_on.wait(30)

    slot = Free("text", 1000, 40, json=False, whole=False)
    asked = Request(ask().prompt, (slot,), Sampling(temperature=3.0, seed=5), written=hold)
    future = exact.submit(asked)
    while not pieces:
        assert not future.done()
    early = "".join(pieces)
    goes_on.set()
    text = future.result(60).text
    assert text.startswith(early)
    assert len(early) < len(text) / 2
    assert "".join(pieces) == text
    assert len(pieces) > 10


def test_a_request_whose_reader_raises_ends_alone(exact: OpenVINOEngine) -> None:
    def refuse(piece: str) -> None:
        raise ValueError(f"no more than {piece!r}")

    slot = Free("text", 1000, 40, json=False, whole=False)
    asked = Request(ask().prompt, (slot,), Sampling(temperature=3.0, seed=5), written=refuse)
    with pytest.raises(EngineError, match="no more than"):
        exact.submit(asked).result(60)


PROSE = st.lists(
    st.sampled_from(["a", "Dr", ".", "!", " ", "\n", "3", "。", "」", ")", "'", "…"]), max_size=30
)


@given(PROSE, PROSE, st.integers(1, 40))
@settings(max_examples=500)
def test_what_is_told_is_never_cut_back(said: list[str], more: list[str], chars: int) -> None:
    text = "".join(said)
    if len(text) <= chars:
        told = text[: surely_kept(text)]
        assert shortened(text + "".join(more), chars).startswith(told)
