"""Slots: whatever the model wants, what is written is valid; and choices are those of brute force."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.asking import (
    CHAT,
    SENTENCES,
    SENTIMENT,
    VOCABULARY,
    ask,
    free,
    log_probabilities,
    pointing_at,
)

from attune.decode.draw import Draw
from attune.decode.number import can_be_number
from attune.decode.shorten import shortened
from attune.engines.openvino import OpenVINOEngine
from attune.engines.openvino.model import OpenVINOModel
from attune.engines.paged.asked import sequence_for
from attune.engines.paged.free import FreeWriter, unescaped
from attune.engines.paged.model import Row
from attune.engines.paged.pick import PickWriter
from attune.engines.paged.sequence import Sequence
from attune.engines.paged.slots import ChoiceWriter, NumberWriter, Writer
from attune.engines.paged.tokens import Tokens
from attune.errors import EngineError
from attune.request import Choice, Fixed, Free, Number, Pick, Sampling

SEEDS = st.integers(0, 2**32 - 1)
OPTIONS = (" not at all.", " not today.", " now.", " never ever.", " no, thanks.")


def write(writer: Writer, seed: int) -> str:
    """What `writer` makes of a model that wants something else with every token."""
    noise = np.random.default_rng(seed)
    writer.start()
    while not writer.done:
        writer.read(noise.normal(0, 8, VOCABULARY).astype(np.float32))
    return writer.text


def in_bytes(vocabulary: Tokens, ids: list[int]) -> str:
    return b"".join(vocabulary.pieces[token] for token in ids).decode()


@given(SEEDS)
@settings(deadline=None, max_examples=60)
def test_a_choice_is_always_one_of_its_options(vocabulary: Tokens, seed: int) -> None:
    writer = ChoiceWriter(Choice("c", OPTIONS), vocabulary, Draw(Sampling(seed % 2, seed)))
    assert write(writer, seed) in OPTIONS
    assert in_bytes(vocabulary, writer.ids) == writer.text
    assert len(writer.ids) <= writer.most


@given(SEEDS, st.integers(-3000, 3000), st.integers(0, 5000), st.sampled_from(",}]\n"))
@settings(deadline=None, max_examples=100)
def test_a_number_is_always_in_its_range(
    vocabulary: Tokens, seed: int, low: int, span: int, end: str
) -> None:
    writer = NumberWriter(Number("n", low, low + span, end), vocabulary, Draw(Sampling(seed % 2, seed)))
    text = write(writer, seed)
    assert text[0] == " "
    assert text[-1] == end
    assert text[1:-1] == str(int(text[1:-1]))
    assert low <= int(text[1:-1]) <= low + span
    assert in_bytes(vocabulary, writer.ids) == text
    assert len(writer.ids) <= writer.most


@given(st.integers(-130, 130), st.integers(0, 140))
@settings(deadline=None, max_examples=60)
def test_a_beginning_is_allowed_if_and_only_if_a_number_in_range_begins_so(low: int, span: int) -> None:
    slot = Number("n", low, low + span, ",")
    texts = [f" {number}," for number in range(low, low + span + 1)]
    beginnings = {text[:end] for text in texts for end in range(1, len(text) + 1)}
    for size in range(5):
        for signs in product("-01", repeat=size):
            for end in ("", ","):
                text = " " + "".join(signs) + end
                assert can_be_number(text, slot) == (text in beginnings), text


@given(st.lists(st.integers(0, 8191), max_size=40), st.booleans())
@settings(deadline=None, max_examples=300)
def test_free_text_is_valid_whatever_is_drawn(vocabulary: Tokens, drawn: list[int], as_json: bool) -> None:
    writer = FreeWriter(Free("f", 50, 30, json=as_json), vocabulary, Draw(Sampling()))
    for token in [*drawn, *[vocabulary.encode("a")[0]] * 30]:
        if not writer.done:
            writer.read(pointing_at(token))
    assert writer.done
    value = json.loads(f'"{writer.text}"') if as_json else writer.text
    assert len(value) <= 50
    assert not any(ord(sign) < 32 and sign != "\n" for sign in value)
    assert not as_json or "\n" not in value
    shown = list(writer.ids)
    kept = writer.settle()
    assert writer.ids[:kept] == shown[:kept]
    assert len(writer.ids) <= writer.most
    if len(writer.ids) < writer.most:
        assert in_bytes(vocabulary, writer.ids) == writer.text


@given(st.text('\\"un0d8afé\U0001f600 /', max_size=30), st.sampled_from(['"', '", "x": 1']))
@settings(deadline=None, max_examples=300)
def test_a_json_text_ends_at_its_first_unescaped_quote(vocabulary: Tokens, text: str, end: str) -> None:
    body = json.dumps(text, ensure_ascii=False)[1:-1]
    writer = FreeWriter(Free("f", 100, 200), vocabulary, Draw(Sampling()))
    for token in vocabulary.encode(body + end):
        if not writer.done:
            writer.read(pointing_at(token))
    assert writer.finish == "stop"
    assert json.loads(f'"{writer.text}"') == text


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        (r"a \x b", r"a \x b"),
        (r"tab\t end\\", "tab\t end\\"),
        (r"\ud83d\ude00 \ud83d", "\U0001f600 �"),
        ("half \\", "half "),
        (r"\u12", r"\u12"),
    ],
)
def test_escapes_mean_what_json_says_and_others_mean_themselves(raw: str, meaning: str) -> None:
    assert unescaped(raw) == meaning


@pytest.mark.parametrize(
    ("text", "chars", "kept"),
    [
        ("It is late. It cost 3.50 and", 26, "It is late."),
        ("It cost 3.50 and more", 18, "It cost 3.50 and"),
        ("배송이 늦어요。 환불해", 10, "배송이 늦어요。"),
        ("Donaudampfschiff", 5, "Donau"),
        ("one two", 4, "one"),
        ('He said "no." And', 14, 'He said "no."'),
    ],
)
def test_text_over_its_limit_is_cut_to_whole_sentences_or_words(text: str, chars: int, kept: str) -> None:
    assert shortened(text, chars) == kept


def test_draws_have_the_probabilities_of_the_softmax() -> None:
    logits = np.log(np.array([0.5, 0.25, 0.125, 0.125, 1e-30], dtype=np.float32))
    draw, banned = Draw(Sampling(1.0, 7)), np.zeros(5, dtype=np.float32)
    counts = np.bincount([draw.any(logits, banned) for _ in range(4000)], minlength=5) / 4000
    assert counts == pytest.approx([0.5, 0.25, 0.125, 0.125, 0], abs=0.03)
    cool = Draw(Sampling(0.5, 7))
    counts = np.bincount([cool.among(logits, [0, 1])[0] for _ in range(4000)]) / 4000
    assert counts == pytest.approx([0.8, 0.2], abs=0.03)


def test_a_reply_never_holds_a_control_token_and_keeps_its_limits(exact: OpenVINOEngine) -> None:
    answer = exact.submit(free(tokens=30, chars=70)).result()
    assert 0 < len(answer.text) <= 70
    assert answer.output_tokens <= 30
    assert answer.finish in {"stop", "limit"}


@given(
    st.lists(st.text(max_size=60), max_size=6),
    st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=25)
def test_an_answer_parses_whatever_the_chat_says(exact: OpenVINOEngine, lines: list[str], seed: int) -> None:
    clean = tuple(line.encode("utf-8", "replace").decode() for line in lines)
    answer = exact.submit(ask(clean, sampling=Sampling(seed % 3 / 2, seed))).result()
    parsed = json.loads(answer.text)
    assert parsed["sentiment"] in {-1, 0, 1}
    assert -20 <= parsed["score"] <= 140
    assert len(parsed["summary"]) <= 80
    assert parsed["said"] in {"a hole in it", "guests on Friday", "two rugs"}
    assert 0 < answer.probabilities["sentiment"] <= 1
    assert 0 < answer.first_slot_s <= answer.total_s


@pytest.mark.parametrize("options", [(" -1,", " 0,", " 1,"), OPTIONS])
def test_a_choice_has_the_probability_brute_force_finds(
    exact: OpenVINOEngine, runner: OpenVINOModel, vocabulary: Tokens, options: tuple[str, ...]
) -> None:
    request = ask(slots=(Fixed('{"sentiment":'), Choice("c", options)))
    answer = exact.submit(request).result()
    prompt = _standing(vocabulary, '{"sentiment":')
    left = [(option, vocabulary.encode(option)) for option in options]
    depth, probability = 0, 1.0
    while len({tuple(ids) for _, ids in left}) > 1:
        following = sorted({ids[depth] for _, ids in left})
        logits = _logits(runner, prompt + left[0][1][:depth], 1)[0]
        among = np.exp(log_probabilities(logits[following]))
        best = int(among.argmax())
        probability *= float(among[best])
        left = [(option, ids) for option, ids in left if ids[depth] == following[best]]
        depth += 1
    assert answer.text == '{"sentiment":' + left[0][0]
    assert answer.probabilities["c"] == pytest.approx(probability, abs=2e-4)


@pytest.mark.parametrize("lines", [CHAT[:1], CHAT, CHAT * 4])
def test_a_pick_scores_every_option_as_brute_force_does(
    exact: OpenVINOEngine, runner: OpenVINOModel, vocabulary: Tokens, lines: tuple[str, ...]
) -> None:
    request = ask(lines, slots=(Fixed('{"summary": "'), Pick("said", SENTENCES), Fixed('"}')))
    sequence = sequence_for(request, vocabulary, 2048, "pocket")
    writer = sequence.writer
    assert isinstance(writer, PickWriter)
    answer = exact.enqueue(sequence).result()
    prompt = _standing(vocabulary, '{"summary": "', lines)
    sums = [_log_probability(runner, prompt, vocabulary.encode(option)) for option in SENTENCES]
    assert list(writer._sums) == pytest.approx(sums, abs=0.02)
    lengths = [len(vocabulary.encode(option)) for option in SENTENCES]
    scores = [total / length + 2 * math.log(length) for total, length in zip(sums, lengths, strict=True)]
    assert json.loads(answer.text) == {"summary": SENTENCES[int(np.argmax(scores))]}


def test_a_slot_after_a_cut_text_sees_what_stands_and_not_what_was_cut(vocabulary: Tokens) -> None:
    """What the model wrote after its one whole sentence is in the cache and must be overwritten."""
    prompt, known = [2, 300, 301], vocabulary.encode('", "sentiment":')
    draw = Draw(Sampling())
    written = vocabulary.encode("It came late. And then we all waited for another")
    text = FreeWriter(Free("f", 100, len(written)), vocabulary, draw)
    choice = ChoiceWriter(SENTIMENT, vocabulary, draw)
    sequence = Sequence(prompt, [("", []), text, ('", "sentiment":', known), choice])
    for token in written:
        sequence.fed(sequence.waiting, pointing_at(token)[None])
    kept = vocabulary.encode("It came late.")
    assert written[: len(kept)] == kept
    assert sequence.cached == len(prompt) + len(kept)
    assert sequence.tokens(sequence.cached, sequence.standing)[: len(known)] == known
    while not sequence.done:
        wanted = vocabulary.encode(" 0,")[len(choice.ids)]
        sequence.fed(sequence.waiting, pointing_at(wanted)[None])
    assert sequence.completion().text == 'It came late.", "sentiment": 0,'
    assert sequence.completion().finish == "limit"


def test_options_that_begin_alike_or_not_at_all_are_refused(exact: OpenVINOEngine) -> None:
    for slot in (
        Choice("c", (" 1", " 10")),
        Choice("c", ()),
        Pick("p", ()),
        Number("n", 3, 2, ","),
        Free("f", 0, 3),
        Free("f", 10, 4000),
    ):
        with pytest.raises(EngineError):
            exact.submit(ask(slots=(Fixed("{"), slot))).result()


def _standing(vocabulary: Tokens, answer: str, lines: tuple[str, ...] = CHAT) -> list[int]:
    head, tail = "<bos><start_of_turn>user\n", "\n\nTriage this chat.<end_of_turn>\n<start_of_turn>model\n"
    return vocabulary.encode_prompt(head, "\n".join(lines), tail) + vocabulary.encode(answer)


def _logits(
    runner: OpenVINOModel, ids: list[int], wanted: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    logits, _ = runner.infer([Row(ids, 0, list(range(len(ids) // 32 + 1)), wanted)])
    return logits.copy().reshape(wanted, -1)


def _log_probability(runner: OpenVINOModel, prompt: list[int], option: list[int]) -> float:
    logits = _logits(runner, prompt + option[:-1], len(option))
    return float(log_probabilities(logits)[np.arange(len(option)), option].sum())
