"""Labels: figures of the confusion matrix, beside small cases counted by hand."""

from __future__ import annotations

import pytest
from tests.measure.conftest import evaluated, figure, value

GOLD = [{"id": n, "topic": topic} for n, topic in enumerate(["a", "a", "b", "b", "c", "c"])]
SAID = [{"id": n, "topic": topic} for n, topic in enumerate(["a", "b", "b", None, "z", "c"])]


def test_accuracy_and_macro_f1_are_as_by_hand() -> None:
    found = evaluated(GOLD, SAID)
    assert value(found, "accuracy") == pytest.approx(50.0)
    # a: 1 of 1 said, of 2 there. b: 1 of 2, of 2. c: 1 of 1, of 2. What scikit-learn gives for these labels.
    assert value(found, "macro-F1") == pytest.approx(100 * (2 / 3 + 1 / 2 + 2 / 3) / 3)


def test_precision_and_recall_of_each_class() -> None:
    found = evaluated(GOLD, SAID)
    told = {name: value(found, name) for name in ("precision, a", "recall, a", "precision, b", "F1, c")}
    assert told == pytest.approx({"precision, a": 100, "recall, a": 50, "precision, b": 50, "F1, c": 200 / 3})
    assert figure(found, "precision, b").count == 2


def test_the_confusion_matrix_has_columns_for_other_labels_and_for_none() -> None:
    assert evaluated(GOLD, SAID).scores[0].confusions[0] == [
        [1, 1, 0, 0, 0],
        [0, 1, 0, 0, 1],
        [0, 0, 1, 1, 0],
    ]


def test_a_precision_of_nothing_is_no_number() -> None:
    found = evaluated(GOLD, [{"id": n, "topic": "a"} for n in range(6)])
    nothing = figure(found, "precision, b")
    assert (nothing.value, nothing.low, nothing.high, nothing.count) == (None, None, None, 0)
    assert value(found, "F1, b") == 0.0


def test_numbers_of_a_table_and_of_json_are_the_same_label() -> None:
    gold = [{"id": n, "sentiment": n % 3 - 1} for n in range(6)]
    said = [{"id": n, "sentiment": str(n % 3 - 1)} for n in range(6)]
    assert value(evaluated(gold, said), "accuracy") == 100.0


def test_lists_are_compared_as_sets() -> None:
    gold = [{"id": n, "topics": ["food", "money"]} for n in range(2)]
    said = [{"id": 0, "topics": ["money", "food"]}, {"id": 1, "topics": ["food"]}]
    assert value(evaluated(gold, said), "accuracy") == 50.0


def test_groups_have_the_figures_of_their_rows() -> None:
    gold = [{**row, "channel": "mail" if row["id"] in (0, 1) else "chat"} for row in GOLD]
    groups = evaluated(gold, SAID, by=("channel",)).groups
    rows = {each.value: each.part for each in groups}
    found = {name: [f.value for f in part.figures[0] if f.name == "accuracy"] for name, part in rows.items()}
    assert found == {"chat": [50.0], "mail": [50.0]}
    assert {name: part.rows for name, part in rows.items()} == {"chat": 4, "mail": 2}
    only_mail = [f.value for f in rows["mail"].figures[0] if f.name == "macro-F1"]
    assert only_mail == pytest.approx([100 * (2 / 3 + 0) / 2])  # c is neither gold nor said there


def test_valid_answers_have_a_known_label() -> None:
    found = evaluated(GOLD, [*SAID[:5], {"id": 5, "topic": "c", "error": "engine_failed"}])
    assert value(found, "answered") == 100.0
    assert value(found, "valid answers") == pytest.approx(50.0)
    assert found.runs[0].failed == ("5",)
