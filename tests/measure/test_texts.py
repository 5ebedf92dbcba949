"""Texts: the figures are those of the libraries, and of small cases counted by hand."""

from __future__ import annotations

import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from tests.measure.conftest import evaluated, figure, value

from attune.measure.texts import distance

GOLD = [
    "The parcel came two weeks late, and nobody answered the phone.",
    "She wants her money back for the cold soup. It was order 4821.",
    "The customer is happy with the new bike.",
]
SAID = [
    "The parcel was late and nobody answered.",
    "It was order 4821. She wants money back.",
    "A happy customer bought a bike, and is happy.",
]
JAPANESE = ("注文したラーメンが冷めていました。", "ラーメンが冷めていた。")


def rows(texts: list[str], **more: str) -> list[dict[str, str]]:
    return [{"id": str(number), "summary": text, **more} for number, text in enumerate(texts)]


def test_rouge_is_that_of_the_library() -> None:
    found = evaluated(rows(GOLD), rows(SAID))
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for name, kind in (("ROUGE-1", "rouge1"), ("ROUGE-2", "rouge2"), ("ROUGE-L", "rougeL")):
        each = [scorer.score(one, two)[kind].fmeasure for one, two in zip(GOLD, SAID, strict=True)]
        assert value(found, name) == pytest.approx(100 * sum(each) / 3)


def test_rouge_lsum_sees_sentences_in_another_order() -> None:
    found = evaluated(rows(GOLD[1:2]), rows(SAID[1:2]))
    lines = ("\n".join(text.replace(". ", ".\n").split("\n")) for text in (GOLD[1], SAID[1]))
    expected = RougeScorer(["rougeLsum"]).score(*lines)["rougeLsum"].fmeasure
    assert value(found, "ROUGE-Lsum") == pytest.approx(100 * expected)
    assert value(found, "ROUGE-Lsum") > value(found, "ROUGE-L")


def test_rouge_by_hand() -> None:
    found = evaluated(rows(["a b c d"]), rows(["a c d x"]))
    assert value(found, "ROUGE-1") == pytest.approx(75.0)  # 3 of 4, 3 of 4
    assert value(found, "ROUGE-2") == pytest.approx(100 / 3)  # "c d", of 3 and 3
    assert value(found, "ROUGE-L") == pytest.approx(75.0)  # a c d


def test_bleu_and_chrf_are_the_librarys_corpus_scores() -> None:
    found = evaluated(rows(GOLD), rows(SAID))
    assert value(found, "BLEU") == pytest.approx(BLEU().corpus_score(SAID, [GOLD]).score)
    assert value(found, "chrF") == pytest.approx(CHRF().corpus_score(SAID, [GOLD]).score)


def test_japanese_is_scored_and_not_dropped() -> None:
    found = evaluated(rows([JAPANESE[0]], language="ja"), rows([JAPANESE[1]]))
    expected = BLEU(tokenize="char").corpus_score([JAPANESE[1]], [[JAPANESE[0]]]).score
    assert value(found, "BLEU") == pytest.approx(expected)
    assert value(found, "ROUGE-L") > 60
    assert found.scores[0].tokenizers == ("char",)


def test_a_missing_text_counts_as_an_empty_one_and_has_no_length() -> None:
    found = evaluated(rows(GOLD), rows(SAID[:2]))
    expected = BLEU().corpus_score([*SAID[:2], ""], [GOLD]).score
    assert value(found, "BLEU") == pytest.approx(expected)
    both = evaluated(rows(GOLD[:2]), rows(SAID[:2]))
    assert value(found, "ROUGE-1") == pytest.approx(value(both, "ROUGE-1") * 2 / 3)
    assert value(found, "length") == value(both, "length")
    assert figure(found, "repeats").count == 2


def test_rows_without_a_prediction_can_be_left_out() -> None:
    left = evaluated(rows(GOLD), rows(SAID[:2]), only_answered=True)
    assert value(left, "ROUGE-1") == value(evaluated(rows(GOLD[:2]), rows(SAID[:2])), "ROUGE-1")


def test_edit_distance_counts_words_and_signs() -> None:
    assert distance("We are sorry .", "We are very sorry!") == pytest.approx(2 / 5)  # one more, one changed
    assert distance("Hello,\n\nyou", "Hello, you") == 0.0
    assert distance("", "") == 0.0


def test_a_draft_is_touched_where_a_word_or_a_sign_differs() -> None:
    gold = [{"id": n, "reply": text} for n, text in enumerate(["Dear Kim, sorry.", "Thank you very much"])]
    said = [{"id": n, "draft": text} for n, text in enumerate(["Dear  Kim,\nsorry.", "Thank you so much"])]
    found = evaluated(gold, said)
    assert value(found, "touched") == 50.0
    assert value(found, "edit distance") == pytest.approx(12.5)


def test_names_and_numbers_must_stand_in_the_chat() -> None:
    gold = [
        {"id": n, "user_id": 7, "text": "Order 4821 came late, says Kim.", "summary": "It was late today."}
        for n in range(4)
    ]
    texts = ["Order 4821 was late.", "Order 9999 was late.", "It was late for Bob.", "it was late for Kim"]
    found = evaluated(
        gold, [{"id": n, "summary": text} for n, text in enumerate(texts)], asked=["summary:text"]
    )
    assert value(found, "grounded") == 50.0


def test_without_chats_nothing_is_said_of_names_and_numbers() -> None:
    found = evaluated(rows(GOLD), rows(SAID))
    assert "grounded" not in {each.name for each in found.scores[0].part.figures[0]}
