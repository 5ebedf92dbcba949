"""The measures say what those say that everybody uses."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
from recipes.pocket import messy
from recipes.pocket.evaluate import CHECKS, names_problem
from recipes.pocket.measures import accuracy, interval, macro_f1, mean, repeats, rouge, words

SAID = "The lamp of order 48213 came broken and the refund is late"
GOLD = "Order 48213: a lamp came broken, and its refund still is not there"


def test_japanese_and_korean_are_told_apart_by_signs() -> None:
    assert words("It's 38,500원, 초밥!") == ["it", "s", "38", "500", "원", "초", "밥"]
    assert words("いくらの軍艦") == list("いくらの軍艦")


@pytest.mark.parametrize("kind", ["1", "2", "L"])
def test_rouge_is_that_of_the_package(kind: str) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer([f"rouge{kind}"])
    assert rouge(SAID, GOLD, kind) == pytest.approx(scorer.score(GOLD, SAID)[f"rouge{kind}"].fmeasure)
    assert rouge(GOLD, GOLD, kind) == 1.0
    assert rouge("", GOLD, kind) == 0.0


def test_macro_f1_counts_every_class_the_same() -> None:
    assert macro_f1([(1, 1), (1, 1), (1, 1), (-1, 1)]) == pytest.approx((6 / 7 + 0) / 2)
    assert accuracy([(1, 1), (1, 1), (1, 1), (-1, 1)]) == 0.75


def test_an_interval_holds_its_figure_and_is_always_the_same() -> None:
    values = [float(value % 3) for value in range(50)]
    low, high = interval(values, mean)
    assert low < mean(values) < high
    assert (low, high) == interval(values, mean)


def test_four_words_said_twice_are_a_repetition() -> None:
    assert repeats("We are very sorry. And again: we are very sorry.")
    assert not repeats("We are sorry. We are very sorry.")


def test_a_reply_names_the_problem_with_two_of_its_words() -> None:
    assert names_problem("Sorry that the ramen had a hair in it.", ["hair", "ramen", "egg"])
    assert not names_problem("Sorry about the ramen.", ["hair", "ramen", "egg"])


def test_every_check_has_words_enough() -> None:
    records = [json.loads(line) for line in CHECKS.read_text(encoding="utf-8").splitlines()]
    assert all(len(record["words"]) >= 4 for record in records)
    assert len({record["id"] for record in records}) == len(records)


def test_a_rivals_thresholds_are_those_that_suit_it_best() -> None:
    scored = [(-1, -0.8), (-1, 0.1), (0, 0.3), (0, 0.2), (1, 0.6), (1, 0.9)]
    assert messy.tuned(scored) == [(gold, gold) for gold, _ in scored]


def test_messy_texts_are_labelled_by_id_alone_and_none_is_both_learned_and_checked() -> None:
    learned, checked = (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (messy.LEARNED, messy.CHECKED)
    )
    assert {key for record in (*learned, *checked) for key in record} == {"source", "id", "end", "sentiment"}
    assert len({record["id"] for record in (*learned, *checked)}) == len(learned) + len(checked)
    assert len(checked) == 60


def test_a_messy_text_is_found_by_its_id_and_ends_where_its_label_says(tmp_path: Path) -> None:
    (tmp_path / "ewt_en").mkdir()
    with lzma.open(tmp_path / "ewt_en" / "answers.jsonl.xz", "wt") as file:
        file.write(json.dumps({"id": "7.xml", "text": "who? me"}))
    (tmp_path / "labels").write_text(json.dumps({"source": "ewt_en", "id": "7", "end": 4, "sentiment": 0}))
    (example,) = messy.read(tmp_path, tmp_path / "labels")
    assert (example.chat.text, example.sentiment) == ("who?", 0)
