"""A small T5 writes what Transformers has it write, in float32, alone and among others."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.small_t5 import NEW, SAID, folder

from attune.engines.ctranslate2.runner import CTranslate2Runner
from attune.engines.seq2seq.work import Generate, Settings, Work
from attune.request import Sampling

SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "repetition_penalty": {"repetition_penalty": 1.3},
    "no_repeat_ngram_size": {"no_repeat_ngram_size": 2},
    "beams_early": {"num_beams": 4, "early_stopping": True},
    "beams": {"num_beams": 4, "early_stopping": False},
    "beams_long": {"num_beams": 3, "length_penalty": 2.0, "early_stopping": True},
    "beams_short": {"num_beams": 3, "length_penalty": 0.0, "early_stopping": True},
}
"""By the name of the record."""


@pytest.fixture(scope="module")
def runner() -> CTranslate2Runner:
    return CTranslate2Runner(folder(), "cpu", "float32", 1, 1)


def written(runner: CTranslate2Runner, name: str, at_once: bool) -> list[list[list[int]]]:
    """The texts for each recorded prompt, all in one batch or one after the other."""
    works: list[Work] = []
    for row in SAID:
        settings = Settings(NEW, Sampling(**SETTINGS[name]), sequences=len(row[name]))
        works.append(Generate(row["ids"], settings))
    for batch in [works] if at_once else [[work] for work in works]:
        runner.run(batch, lambda _: False)
    return [work.texts for work in works if isinstance(work, Generate)]


def test_the_records_are_worth_comparing_with() -> None:
    lengths = [len(row["ids"]) for row in SAID]
    assert len(SAID) >= 24
    assert min(lengths) < 10
    assert max(lengths) > 300
    assert len({tuple(row["greedy"][0]) for row in SAID}) > 20
    assert sum(len(row["greedy"][0]) < NEW for row in SAID) > 10, "hardly one has an end"
    for name in SETTINGS:
        if name != "greedy":
            assert any(row[name][0] != row["greedy"][0] for row in SAID), name


def test_a_prompt_has_the_tokens_that_transformers_gives_it(runner: CTranslate2Runner) -> None:
    for row in SAID:
        assert [*runner.tokens.encode(row["prompt"]), runner.tokens.end] == row["ids"]


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "beams"])
def test_texts_are_those_of_transformers(runner: CTranslate2Runner, name: str, at_once: bool) -> None:
    assert written(runner, name, at_once) == [row[name] for row in SAID]


@pytest.mark.parametrize("at_once", [False, True])
def test_without_early_stopping_the_best_text_is_nearly_always_that_of_transformers(
    runner: CTranslate2Runner, at_once: bool
) -> None:
    """CTranslate2 ends by a count of texts, Transformers by their scores: on random weights, the worst case,
    the best may differ now and then, and those after it do."""
    best = [texts[0] for texts in written(runner, "beams", at_once)]
    same = sum(text == row["beams"][0] for text, row in zip(best, SAID, strict=True))
    assert same >= len(SAID) - 2
