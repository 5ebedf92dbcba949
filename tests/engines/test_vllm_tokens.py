"""The vllm engine's tokens are those of Transformers in float32, and no answer is beyond its slots."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.adapters import small
from tests.engines import small_gemma
from tests.engines.small_gemma import follows
from tests.engines.small_vllm import needs_vllm, small_vllm
from tests.engines.test_openvino_families import PROMPTS

from attune.engines.vllm import VLLMEngine
from attune.request import Choice, Number, Request, Sampling
from attune.testing import a_request, a_text

pytestmark = needs_vllm
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@pytest.fixture(scope="module")
def engine() -> Iterator[VLLMEngine]:
    made = small_vllm()
    yield made
    made.close()


def said(engine: VLLMEngine, prompts: list[list[int]], at_once: bool = True, **more: Any) -> list[list[int]]:
    """The first 64 tokens after each prompt."""

    async def spoken(ids: list[int]) -> Any:
        return (await engine._vllm.write(ids, 0, max_tokens=64, temperature=0, ignore_eos=True, **more)).ids

    asked = ((lambda ids=ids: spoken(ids)) for ids in prompts)
    if at_once:
        return [future.result() for future in [engine._loop.submit(each) for each in asked]]  # type: ignore[misc]
    return [engine._loop.submit(each).result() for each in asked]  # type: ignore[misc]


def are_greedy(model: Any, prompts: list[list[int]], spoken: list[list[int]]) -> None:
    assert [follows(model, *pair) for pair in zip(prompts, spoken, strict=True)] == spoken
    assert len({tuple(row) for row in spoken}) == len(prompts)


def test_together_alone_and_with_and_without_the_prefix_cache(engine: VLLMEngine) -> None:
    """Every third prompt begins as the one before it does, and the second time all are known."""
    spoken = said(engine, PROMPTS, skip_reading_prefix_cache=True)
    are_greedy(small_gemma.model("gemma3"), PROMPTS, spoken)
    assert said(engine, PROMPTS) == spoken
    assert said(engine, PROMPTS, at_once=False) == spoken


def test_with_an_adapter(tmp_path: Path) -> None:
    made = small.tuned(small.family("gemma3"), tmp_path, r=4, lora_alpha=8, target_modules=LINEAR)
    engine = small_vllm(small_gemma.saved(small.family("gemma3"), tmp_path / "base"), tmp_path)
    spoken = said(engine, PROMPTS)
    assert said(engine, PROMPTS[::7], at_once=False) == spoken[::7]
    engine.close()
    are_greedy(made, PROMPTS, spoken)


def test_a_thousand_answers_are_whole_and_within_their_limits(engine: VLLMEngine) -> None:
    """Of random weights, which like to loop, drawn at temperature 1. Without seeds: on a CPU vLLM 0.32 ends
    where a prompt of a text that has one is read in pieces."""
    asked = [
        replace(a_request(f"Order {number}: the soup was cold."), sampling=Sampling(1.0, seed=None))
        for number in range(1000)
    ]
    answers = [future.result() for future in [engine.submit(each) for each in asked]]
    for answer in answers:
        told = json.loads(answer.text)
        assert list(told) == ["feels", "stars", "quote", "note"]
        assert told["feels"] in ("good", "bad")
        assert 1 <= told["stars"] <= 12
        assert told["quote"] in ("The soup was cold.", 'He said "no".')
        assert len(told["note"]) <= 40
    assert len({answer.text for answer in answers}) > 900


def test_a_choice_s_probability_is_the_model_s(engine: VLLMEngine) -> None:
    """Of the two options, which part at one token."""
    options = (" good", " bad")
    slots = (Choice("feels", options),)
    asked = Request(a_request().prompt, slots)
    answer = engine.submit(asked).result()
    again = [engine.submit(replace(asked, slots=(Choice("feels", options[::-1]),))).result()]
    assert again[0].text == answer.text
    assert again[0].probabilities == pytest.approx(answer.probabilities)
    drawn = [engine.submit(replace(asked, sampling=Sampling(1.0, seed=seed))) for seed in range(300)]
    share = sum(each.result().text == answer.text for each in drawn) / 300
    assert share == pytest.approx(answer.probabilities["feels"], abs=0.1)


def test_a_number_of_a_wide_range_is_in_it(engine: VLLMEngine) -> None:
    slots = (Number("year", -5, 100_000, "}"),)
    asked = [Request(a_request().prompt, slots, Sampling(2.0, seed=None)) for _ in range(50)]
    told = [future.result().text for future in [engine.submit(each) for each in asked]]
    assert all(-5 <= int(text[:-1]) <= 100_000 and text == f" {int(text[:-1])}}}" for text in told)
    assert len(set(told)) > 5


def test_log_probabilities_are_told_of_what_is_left(engine: VLLMEngine) -> None:
    asked = replace(a_text(), logprobs=True, sampling=Sampling())
    answer = engine.submit(asked).result()
    told = answer.logprobs["text"]
    assert 0 < len(told) <= 24
    assert all(each <= 0 for each in told)
