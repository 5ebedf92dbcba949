"""Grounded text: whatever the model wants, numbers, codes and names are the chat's own."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.asking import CHAT, ask, pointing_at
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from attune.decode.draw import Draw, Row
from attune.engines.openvino import OpenVINOEngine
from attune.engines.paged.free import FreeWriter
from attune.engines.paged.tokens import Tokens
from attune.ground import ungrounded
from attune.request import Fixed, Free, Grounds, Sampling

SEEDS = st.integers(0, 2**32 - 1)
WORDS = (
    *(
        "Order",
        "48213",
        "for",
        "Noor",
        "Noor's",
        "o'Neill",
        "HC-3302",
        "hc3302",
        "1,500",
        "1500",
        "€1.500,00",
    ),
    *(
        "7730",
        "1192",
        "4406",
        "08:14-13:50",
        "5pm",
        "14-day",
        "I'm",
        "McDonald",
        "Jean-Luc",
        "NOOR",
        "iPhone14",
    ),
    *(
        "Straße",
        "12b",
        "abc",
        "abc12",
        "x_9",
        "Élodie",
        "٣٤٥",
        "４８２",
        "Ольга",
        "Заказ",
        "№",
        "고객님",
        "주문번호",
    ),
    *(
        "届きました。",
        "注文",
        "３０",
        "सोफ़ा",
        "İstanbul",
        "ǅep",
        "𝐀bc",
        "Ⅷ",
        "½",
        "²",
        "www.shop.example/a1?b=2",
        "#77",
    ),
)
chats = st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=14).map(" ".join)
ODD = (
    *(
        " 4",
        "82",
        "48213",
        " 48213",
        "13 Noor",
        " Noor",
        "No",
        "or",
        "oor",
        "'s",
        "'",
        "’",
        "'ll",
        " The",
        ". The",
    ),
    *(
        ". ",
        " .",
        "- 5",
        ".5",
        " 5pm",
        "\n",
        "\nThe",
        "\n5",
        "\\",
        "\\\\",
        '\\"',
        "\\u0031",
        "u0031",
        "\\n",
        "n",
        "\\n5",
    ),
    *(
        '"',
        '".',
        '5"',
        'No"',
        " I",
        "I'm",
        " a",
        "abc",
        "abc1",
        "_",
        "_9",
        "A",
        " A",
        "B2",
        "２",
        "٣",
        "Ольга",
        " Заказ",
    ),
    *(
        "É",
        " É",
        "l",
        "고객",
        "𝐀",
        "ǅ",
        "Ⅷ",
        "½",
        "²",
        "€",
        " €",
        "-",
        " -",
        ":",
        "://",
        "/a1",
        "#",
        "(",
        "!",
        "? ",
        "  ",
    ),
    *("\u00a0", "\u2028", "\x85", "\x1c", "e\u0301", "\u0660", "m", "M", " s", "S"),
    *("a\\", "\\u", "\\t", "ff", "ffff", '\\"\\', "x\\u"),
)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    """A vocabulary of single bytes and of tokens made to slip through."""
    words = ["<eos>", *(f"<0x{byte:02X}>" for byte in range(256)), *(word.replace(" ", "▁") for word in ODD)]
    made = Tokenizer(
        models.BPE(vocab={w: i for i, w in enumerate(dict.fromkeys(words))}, merges=[], byte_fallback=True)
    )
    made.add_special_tokens(["<eos>"])
    path = tmp_path_factory.mktemp("odd") / "tokenizer.json"
    made.save(str(path))
    return Tokens(path, frozenset({0}), None, made.get_vocab_size())


@pytest.fixture(scope="module")
def bytewise(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    """A vocabulary of GPT-2's kind, whose tokens begin and end within characters."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    said = [*WORDS, *(" " + word for word in WORDS), *SAID, "… — “”’ Éé Ææ Ññ ０１２ ٠١٢ 𝐀𝐁𝟎"]
    made.train_from_iterator(said, trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet))
    made.add_special_tokens(["<|endoftext|>"])
    path = tmp_path_factory.mktemp("bytewise") / "tokenizer.json"
    made.save(str(path))
    return Tokens(path, frozenset(), None, made.get_vocab_size())


def wishes(seed: int, tokens: Tokens, step: int) -> Row:
    """Random logits that like what must not be: digits, capitals, single bytes, by turns."""
    noise = np.random.default_rng([seed, step])
    logits = noise.normal(0, 3, len(tokens.banned)).astype(np.float32)
    logits[list(tokens.ends)] -= 5
    return logits + _likings(tokens)[int(noise.integers(4))]


def _likings(tokens: Tokens) -> list[Row]:
    if id(tokens) not in _LIKED:
        texts = [piece.decode("utf-8", "replace") for piece in tokens.pieces[: len(tokens.banned)]]
        liked = [
            [any(sign.isdecimal() for sign in text) for text in texts],
            [any(sign.isupper() for sign in text) for text in texts],
            ["\ufffd" in text or "\\" in text for text in texts],
            [False for _ in texts],
        ]
        _LIKED[id(tokens)] = [np.where(each, np.float32(8), np.float32(0)) for each in liked]
    return _LIKED[id(tokens)]


_LIKED: dict[int, list[Row]] = {}


def check(tokens: Tokens, seed: int, chat: str, as_json: bool, language: str | None) -> None:
    slot = Free("f", 60, 40, as_json, Grounds(chat, language != "de"))
    writer = FreeWriter(slot, tokens, Draw(Sampling(seed % 3 / 2, seed)))
    grounding = writer._grounding
    assert grounding is not None
    step = 0
    while not writer.done:
        banned, also = grounding.mask()
        assert np.isfinite(banned).any() or len(also), "nothing may come"
        writer.read(wishes(seed, tokens, step))
        said, step = writer._value().lstrip(), step + 1
    value = json.loads(f'"{writer.text}"') if as_json else writer.text
    assert ungrounded(value, chat, language) == ()
    assert ungrounded(value.strip(), chat, language) == ()
    if writer.finish == "stop":
        assert value == said, "only a limit cuts"
    assert writer.settle() <= len(writer.ids)


@given(SEEDS, chats, st.booleans(), st.sampled_from(["de", "en", None]))
@settings(deadline=None, max_examples=400)
def test_nothing_is_invented_from_odd_tokens(
    odd: Tokens, seed: int, chat: str, as_json: bool, language: str | None
) -> None:
    check(odd, seed, chat, as_json, language)


@given(SEEDS, chats, st.booleans(), st.sampled_from(["de", "en", None]))
@settings(deadline=None, max_examples=200)
def test_nothing_is_invented_from_tokens_within_characters(
    bytewise: Tokens, seed: int, chat: str, as_json: bool, language: str | None
) -> None:
    check(bytewise, seed, chat, as_json, language)


@given(SEEDS, chats, st.booleans(), st.sampled_from(["de", "en", None]))
@settings(deadline=None, max_examples=60)
def test_nothing_is_invented_from_the_pocket_models_tokens(
    vocabulary: Tokens, seed: int, chat: str, as_json: bool, language: str | None
) -> None:
    check(vocabulary, seed, chat, as_json, language)


HELD = "my Order 48213 never came!! ref HC-3302, I paid 1500 €. it's noor, at 5pm. Frau Müller-Lüdenscheidt"
SAID = (
    "Order 48213 for Noor.",
    "The customer, Noor, paid 1,500 for HC-3302.",
    "Noor's order 48213 came at 5pm; they say I'm Noor.",
    "A long story. Nothing else. (Really?) It ended with Frau Müller-Lüdenscheidt",
    "hc3302 was paid, 1.500 in all, 5 in the end, my Order 48213-Order 48213",
    "noor said \u201cNo\u201d \u2014 and left\u2026 It was \u00e9trange",
    "고객님의 주문 48213번이 오지 않았습니다.",
)


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("said", SAID)
def test_what_the_chat_holds_can_be_said(
    vocabulary: Tokens, odd: Tokens, bytewise: Tokens, said: str, as_json: bool
) -> None:
    for tokens in (vocabulary, odd, bytewise):
        slot = Free("f", 200, 300, as_json, Grounds(HELD))
        writer = FreeWriter(slot, tokens, Draw(Sampling()))
        for token in [*tokens.encode(said), min(tokens.ends)]:
            assert not writer.done
            writer.read(pointing_at(token, len(tokens.banned)))
        assert writer.text == said


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ("Order 48214 came", "Order 48213"),
        ("she met Peter there", "she met"),
        ("ref hx3302", "ref hx"),
        ("abc12", "abc"),
        ("Call Noor5", "Call Noor"),
        ("It was 12 then", "It was 1"),
    ],
)
def test_what_the_chat_does_not_hold_cannot(vocabulary: Tokens, said: str, becomes: str) -> None:
    """The model is made to want each character of `said`, and where that may not be, anything else."""
    writer = FreeWriter(Free("f", 200, 300, grounds=Grounds(HELD)), vocabulary, Draw(Sampling()))
    for sign in said:
        writer.read(pointing_at(vocabulary.pieces.index(sign.encode())))
    assert writer._grounding is not None
    assert said not in writer._value()
    assert writer._value().startswith(becomes)


def test_german_copies_numbers_only(vocabulary: Tokens) -> None:
    said = "das neue Fahrrad von Peter, Nummer 7, fehlt"
    writer = FreeWriter(
        Free("f", 200, 90, False, Grounds("Nr. 7", names=False)), vocabulary, Draw(Sampling())
    )
    for token in [*vocabulary.encode(said), min(vocabulary.ends)]:
        writer.read(pointing_at(token))
    assert writer.text == said


def test_a_cut_in_a_number_leaves_nothing_of_it(vocabulary: Tokens) -> None:
    for tokens in range(1, 12):
        writer = FreeWriter(Free("f", 200, tokens, grounds=Grounds(HELD)), vocabulary, Draw(Sampling()))
        for token in vocabulary.encode("Ref 48213 HC-3302")[:tokens]:
            writer.read(pointing_at(token))
        assert ungrounded(writer.text, HELD) == ()
        assert writer.done or tokens > 8


@pytest.mark.parametrize(("chars", "tokens", "stop"), [(3, 30, ()), (30, 3, ()), (30, 30, ("213",))])
def test_a_number_cut_by_any_limit_is_left_out(
    vocabulary: Tokens, chars: int, tokens: int, stop: tuple[str, ...]
) -> None:
    draw = Draw(Sampling(stop=stop))
    writer = FreeWriter(Free("f", chars, tokens, grounds=Grounds(HELD)), vocabulary, draw)
    for sign in "48213":
        if not writer.done:
            writer.read(pointing_at(vocabulary.pieces.index(sign.encode())))
    assert (writer.done, writer.text) == (True, "")


def test_an_escape_smuggles_nothing_in(vocabulary: Tokens) -> None:
    writer = FreeWriter(Free("f", 200, 30, grounds=Grounds("no digits")), vocabulary, Draw(Sampling()))
    for sign in "a\\u0031":
        writer.read(pointing_at(vocabulary.pieces.index(sign.encode())))
    assert writer._value().startswith('a"')


def test_an_escape_cannot_part_a_word_unseen(odd: Tokens) -> None:
    """As an escape, \\uffff would end the word before it, and the capital after it begin a name."""
    writer = FreeWriter(Free("f", 200, 30, grounds=Grounds("no names")), odd, Draw(Sampling()))
    for piece in (b"abc", b"\\u", b"ffff", b"A", b"abc"):
        writer.read(pointing_at(odd.pieces.index(piece), len(odd.banned)))
        assert ungrounded(writer._value(), "no names") == ()


def test_the_engine_grounds_its_answers(exact: OpenVINOEngine) -> None:
    chat = "\n".join(line.partition(": ")[2] for line in CHAT)
    for seed in range(6):
        slots = (Fixed('{"s": "'), Free("s", 120, 40, grounds=Grounds(chat)), Fixed('"}'))
        text = exact.submit(ask(slots=slots, sampling=Sampling(1.5, seed))).result().text
        assert ungrounded(json.loads(text)["s"], chat) == ()
