"""Sampling: each rule does what is published of it, and the same request gives the same text in any batch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.asking import CHAT, SKELETON, ask, free, log_probabilities, pointing_at

from attune.decode.draw import Draw, Row, kept, look_back
from attune.engines import submit_many
from attune.engines.openvino import OpenVINOEngine
from attune.engines.openvino.model import OpenVINOModel
from attune.engines.paged.free import FreeWriter
from attune.engines.paged.model import Row as Fed
from attune.engines.paged.tokens import Tokens
from attune.errors import EngineError
from attune.request import Fixed, Free, Request, Sampling

RECORDED = json.loads((Path(__file__).parent / "recorded" / "sampling.json").read_text())["cases"]
SEEDS = st.integers(0, 2**32 - 1)
EVERYTHING = Sampling(0.9, 3, 40, 0.95, 0.02, 1.2, 3, ("pizza", "thank you so"))


def noisy(seed: int, size: int = 300, spread: float = 3) -> Row:
    return np.random.default_rng(seed).normal(0, spread, size).astype(np.float32)


def softmax(scores: Row, temperature: float) -> list[float]:
    weights = [math.exp((float(score) - float(scores.max())) / temperature) for score in scores]
    return [weight / math.fsum(weights) for weight in weights]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: "-".join(case["sampling"]))
def test_every_rule_leaves_what_transformers_leaves(case: Mapping[str, Any]) -> None:
    sampling = Sampling(**case["sampling"])
    scores = np.array(case["logits"], np.float32)
    look_back(scores, case["standing"], sampling)
    least = max(score for score in case["scores"] if score is not None) - 16  # less is never drawn
    expected = {
        token: score for token, score in enumerate(case["scores"]) if score is not None and score >= least
    }
    left = kept(scores, sampling)
    assert list(left) == sorted(expected)
    assert list(scores[left] / sampling.temperature) == pytest.approx(list(expected.values()), abs=1e-3)


@given(SEEDS, st.integers(1, 320), st.sampled_from([0.4, 1.0, 2.0]))
@settings(deadline=None, max_examples=60)
def test_top_k_keeps_the_k_likeliest(seed: int, k: int, temperature: float) -> None:
    scores = noisy(seed, spread=1)
    least = scores.max() - 16 * temperature  # less is never drawn
    ranked = sorted(range(len(scores)), key=lambda token: -scores[token])[:k]
    expected = sorted(token for token in ranked if scores[token] >= least)
    assert list(kept(scores, Sampling(temperature, top_k=k))) == expected


@given(SEEDS, st.floats(0.01, 0.999), st.sampled_from([0.4, 1.0, 2.0]), st.sampled_from([30, 4000]))
@settings(deadline=None, max_examples=60)
def test_top_p_keeps_the_fewest_that_reach_p(seed: int, p: float, temperature: float, size: int) -> None:
    scores = noisy(seed, size, spread=1)
    probabilities = softmax(scores, temperature)
    ranked = sorted(range(size), key=lambda token: -probabilities[token])
    left = kept(scores, Sampling(temperature, top_p=p))
    assert sorted(left) == sorted(ranked[: len(left)])
    assert math.fsum(probabilities[token] for token in ranked[: len(left)]) >= p - 1e-5
    assert math.fsum(probabilities[token] for token in ranked[: len(left) - 1]) < p + 1e-5


@given(SEEDS, st.floats(0.001, 1), st.sampled_from([0.4, 1.0, 2.0]))
@settings(deadline=None, max_examples=60)
def test_min_p_keeps_what_is_that_near_to_the_likeliest(seed: int, p: float, temperature: float) -> None:
    scores = noisy(seed)
    probabilities = softmax(scores, temperature)
    left = set(kept(scores, Sampling(temperature, min_p=p)))
    for token, probability in enumerate(probabilities):
        if abs(probability / max(probabilities) - p) > 1e-5:
            assert (token in left) == (probability > p * max(probabilities))


@given(SEEDS, st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 5))
@settings(deadline=None, max_examples=100)
def test_no_run_of_n_tokens_is_written_twice(seed: int, standing: list[int], size: int) -> None:
    scores = noisy(seed, 14)
    look_back(scores, standing, Sampling(no_repeat_ngram_size=size))
    runs = {tuple(standing[at : at + size]) for at in range(len(standing) - size + 1)}
    for token in range(14):
        again = tuple([*standing, token][-size:]) in runs
        assert np.isinf(scores[token]) == again, token


def test_where_every_token_would_repeat_a_run_one_is_written_all_the_same() -> None:
    scores = np.array([1.0, 2.0, -np.inf], np.float32)
    look_back(scores, [0, 1], Sampling(no_repeat_ngram_size=1))
    assert list(scores) == [1.0, 2.0, -np.inf]


def test_the_penalty_is_on_tokens_of_prompt_and_answer(exact: OpenVINOEngine) -> None:
    """With a penalty that nothing outweighs, greedy text never says a token twice, nor one of the prompt."""
    never = ask(slots=(Free("reply", 400, 30, json=False),), sampling=Sampling(repetition_penalty=1e6))
    plain = exact.submit(free(30)).result()
    fresh = exact.submit(never).result()
    assert fresh.text != plain.text
    words = fresh.text.lower().split()
    assert len(set(words)) > 0.9 * len(words)
    assert "rugs" not in words


def test_no_run_of_two_tokens_is_twice_in_an_answer(exact: OpenVINOEngine, vocabulary: Tokens) -> None:
    sampling = Sampling(no_repeat_ngram_size=2)
    request = replace(free(60, 2000), sampling=sampling)
    ids = vocabulary.encode(exact.submit(request).result().text)
    pairs = list(pairwise(ids))
    assert len(pairs) - len(set(pairs)) <= 1  # text that was cut may be encoded in other tokens


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": math.nan},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"min_p": -0.1},
        {"min_p": 2.0},
        {"repetition_penalty": 0.0},
        {"no_repeat_ngram_size": -2},
        {"stop": ("",)},
        {"stop": "end"},
    ],
)
def test_a_value_out_of_its_range_is_refused_by_its_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match=f"A {next(iter(wrong))} of "):
        Sampling(**wrong)


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    ("said", "stop", "left"),
    [
        ("One two three four", ("two t",), "One "),
        ("One two three four", ("three", "two"), "One "),
        ("One two three four", ("five",), "One two three four"),
        ("Cafés are über alles", ("über",), "Cafés are "),
        ("at the start", ("at",), ""),
    ],
)
def test_text_ends_before_a_stop_string(
    vocabulary: Tokens, said: str, stop: tuple[str, ...], left: str, as_json: bool
) -> None:
    writer = FreeWriter(Free("f", 200, 60, json=as_json), vocabulary, Draw(Sampling(stop=stop)))
    for token in [*vocabulary.encode(said), vocabulary.encode('"')[0] if as_json else 5]:
        if not writer.done:
            writer.read(pointing_at(token))
    assert (writer.text, writer.finish) == (left, "stop")
    writer.settle()
    assert b"".join(vocabulary.pieces[token] for token in writer.ids).decode() == left


def test_a_stop_string_is_looked_for_in_what_json_means(vocabulary: Tokens) -> None:
    writer = FreeWriter(Free("f", 200, 60), vocabulary, Draw(Sampling(stop=("\n",))))
    for token in vocabulary.encode('One line\\nand another"'):
        if not writer.done:
            writer.read(pointing_at(token))
    assert writer.text == "One line"


def test_log_probabilities_are_those_of_brute_force(
    exact: OpenVINOEngine, runner: OpenVINOModel, vocabulary: Tokens
) -> None:
    request = replace(free(12), logprobs=True, sampling=Sampling(0.8, 5, top_k=50, repetition_penalty=1.3))
    answer = exact.submit(request).result()
    head, tail = (
        "<bos><start_of_turn>user\n",
        "\n\nReply to the customer.<end_of_turn>\n<start_of_turn>model\n",
    )
    prompt = vocabulary.encode_prompt(head, "\n".join(CHAT), tail)
    said = answer.logprobs["reply"]
    written = vocabulary.encode(answer.text)[: len(said)]
    whole = prompt + written[:-1]
    logits = runner.infer([Fed(whole, 0, list(range(len(whole) // 32 + 1)), len(written))])[0].copy()
    expected = log_probabilities(logits.reshape(len(written), -1))[np.arange(len(written)), written]
    assert list(said) == pytest.approx(list(expected), abs=0.02)
    assert len(said) > 3
    assert exact.submit(free(12)).result().logprobs == {}


def test_the_same_request_gives_the_same_text_in_any_batch_with_all_rules_on(exact: OpenVINOEngine) -> None:
    requests = [mixed(index) for index in range(16)]
    alone = [exact.submit(request).result() for request in requests]
    together = [future.result() for future in [exact.submit(request) for request in requests]]
    assert [answer.text for answer in together] == [answer.text for answer in alone]


def mixed(index: int) -> Request:
    slots = (Fixed("So: "), Free("reply", 300, 25, json=False)) if index % 2 else SKELETON
    return ask(CHAT * (1 + index % 3), slots, replace(EVERYTHING, seed=index))


def test_without_a_seed_the_same_request_gets_another_text(exact: OpenVINOEngine) -> None:
    asked = ask(CHAT, (Free("text", 200, 12, json=False),), Sampling(temperature=1.5, seed=None))
    texts = {future.result().text for future in submit_many(exact, asked, 4)}
    assert len(texts) > 1


def test_many_answers_to_one_request_have_seeds_in_a_row(exact: OpenVINOEngine) -> None:
    request = ask(slots=free(20).slots, sampling=Sampling(1.0, 11, top_p=0.9))
    texts = [future.result().text for future in submit_many(exact, request, 3)]
    seeds = [replace(request, sampling=replace(request.sampling, seed=seed)) for seed in (11, 12, 13)]
    assert texts == [exact.submit(each).result().text for each in seeds]
    assert len(set(texts)) > 1


def test_what_only_one_rule_left_is_drawn_in_proportion() -> None:
    logits = np.log(np.array([0.4, 0.3, 0.2, 0.1], np.float32))
    draw = Draw(Sampling(1.0, 1, top_k=2))
    counts = np.bincount([draw.any(logits, np.zeros(4, np.float32)) for _ in range(3000)], minlength=4) / 3000
    assert counts == pytest.approx([4 / 7, 3 / 7, 0, 0], abs=0.03)
