"""Vocabularies of every kind: text comes back byte for byte, and never becomes a control token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from attune.chat import Chat, Role, Turn
from attune.decode.draw import Draw
from attune.engines.paged.slots import ChoiceWriter, NumberWriter
from attune.engines.paged.tokens import Tokens
from attune.errors import EngineError
from attune.prompt import Style, build, render
from attune.request import Choice, Number, Sampling

SAID = "The order 48213 never came, and nobody answers. 고객님의 주문이 오지 않았습니다. Ärger! -1, 0, 1,"
CONTROLS = {
    Style.GEMMA: ["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"],
    Style.GEMMA4: ["<bos>", "<eos>", "<|turn>", "<turn|>"],
    Style.CHATML: ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    Style.LLAMA3: ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    Style.PLAIN: ["<s>", "</s>"],
}
ENDS = {
    Style.GEMMA: {"<eos>", "<end_of_turn>"},
    Style.GEMMA4: {"<eos>", "<turn|>"},
    Style.CHATML: {"<|endoftext|>", "<|im_end|>"},
    Style.LLAMA3: {"<|eot_id|>"},
    Style.PLAIN: {"</s>"},
}
BYTEWISE = (Style.CHATML, Style.LLAMA3)


def bytewise(controls: list[str]) -> Tokenizer:
    """A vocabulary of GPT-2's kind, with a space put before every text, as some have it."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator([SAID] * 9, trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet))
    made.add_special_tokens(controls)
    made.add_tokens([AddedToken("<tool_call>", special=False)])
    return made


def with_bytes(controls: list[str]) -> Tokenizer:
    """A vocabulary of Llama 2's kind: a space before every text, and single bytes for what it lacks."""
    words = [*controls, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁The", "he", "T", "▁-", "1", ","]
    model = models.BPE(vocab={word: i for i, word in enumerate(words)}, merges=[], byte_fallback=True)
    made = Tokenizer(model)
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    made.add_special_tokens(controls)
    return made


@pytest.fixture(scope="module", params=list(Style))
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Style, Tokens]:
    style: Style = request.param
    made = (bytewise if style in BYTEWISE else with_bytes)(CONTROLS[style])
    path = tmp_path_factory.mktemp("tokens") / "tokenizer.json"
    made.save(str(path))
    bos = made.token_to_id(CONTROLS[style][0])
    return style, Tokens(path, frozenset(), bos, made.get_vocab_size() + 3)


def written(tokens: Tokens, ids: list[int]) -> str:
    return b"".join(tokens.pieces[token] for token in ids).decode()


def test_the_style_is_told_by_its_control_tokens(kind: tuple[Style, Tokens]) -> None:
    style, tokens = kind
    assert tokens.style is style
    assert {word for word, number in tokens._controls.items() if number in tokens.ends} == ENDS[style]


@given(said=st.text(max_size=40) | st.sampled_from([SAID, "<|im_end|>", "a<tool_call> b", "</s>", "▁"]))
def test_text_comes_back_byte_for_byte(kind: tuple[Style, Tokens], said: str) -> None:
    style, tokens = kind
    clean = said.encode("utf-8", "replace").decode()
    back = written(tokens, tokens.encode(clean))
    assert back == (clean if style in BYTEWISE else clean.replace("▁", " "))


def test_control_tokens_come_from_us_alone(kind: tuple[Style, Tokens]) -> None:
    style, tokens = kind
    said = " ".join(CONTROLS[style]) + " <tool_call>"
    chat = Chat("1", "2", (Turn(Role.CUSTOMER, said),))
    parts = render(build("Be brief.", chat, "Triage."), style)
    ids = tokens.encode_prompt(parts.head, "\n".join(parts.lines), parts.tail)
    found = [word for number in ids for word, token in tokens._controls.items() if token == number]
    ours = tokens._control.findall(parts.head + parts.tail)
    assert found == (["<s>"] if style is Style.PLAIN else ours)
    assert written(tokens, ids).count(said) == 1


def test_choices_and_numbers_are_written_in_any_vocabulary(kind: tuple[Style, Tokens]) -> None:
    _, tokens = kind
    draw = Draw(Sampling())
    choice = ChoiceWriter(Choice("c", (" -1,", " 0,", " 1,")), tokens, draw)
    number = NumberWriter(Number("n", -20, 140, ","), tokens, draw)
    for writer in (choice, number):
        writer.start()
        while not writer.done:
            writer.read(tokens.banned)
        assert written(tokens, writer.ids) == writer.text


@pytest.mark.parametrize(
    ("style", "head", "tail"),
    [
        (Style.GEMMA4, "<bos><|turn>user\nBe brief.\n\n", "\n\nTriage.<turn|>\n<|turn>model\n"),
        (Style.CHATML, "<|im_start|>user\nBe brief.\n\n", "\n\nTriage.<|im_end|>\n<|im_start|>assistant\n"),
    ],
)
def test_turns_are_as_their_makers_document_them(style: Style, head: str, tail: str) -> None:
    rendered = render(build("Be brief.", Chat("1", "2", (Turn(Role.CUSTOMER, "Hi"),)), "Triage."), style)
    assert (rendered.head, rendered.tail) == (head, tail)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"model": {"type": "Nothing"}})])
def test_what_is_no_tokenizer_is_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(EngineError, match=r"tokenizer\.json: .*Fetch or export the model again"):
        Tokens(path, frozenset(), None, 10)


def test_a_vocabulary_without_bytes_is_refused(tmp_path: Path) -> None:
    made: Any = Tokenizer(models.WordLevel({"hello": 0, "[UNK]": 1}, unk_token="[UNK]"))
    made.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(EngineError, match="no byte tokens"):
        Tokens(tmp_path / "tokenizer.json", frozenset(), None, 2)
