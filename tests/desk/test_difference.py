"""The difference of two texts, for people to see and as a number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from attune.desk.difference import Change, edit_distance, units, word_diff

texts = st.text(alphabet="ab c\n.환불返金เง", max_size=40)


def levenshtein(before: list[str], after: list[str]) -> int:
    row = list(range(len(after) + 1))
    for i, left in enumerate(before, 1):
        last, row[0] = row[0], i
        for j, right in enumerate(after, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (left != right))
    return row[-1]


@given(texts, texts)
def test_the_changes_make_the_draft_and_the_final_text(draft: str, final: str) -> None:
    changes = word_diff(draft, final)
    assert "".join(change.text for change in changes if change.kind != "added") == draft
    assert "".join(change.text for change in changes if change.kind != "removed") == final


@given(st.lists(st.sampled_from("abc"), max_size=70), st.lists(st.sampled_from("abc"), max_size=70))
def test_the_distance_is_that_of_the_textbook(before: list[str], after: list[str]) -> None:
    assert edit_distance(before, after) == levenshtein(before, after)


def test_words_are_compared_whole_and_signs_where_there_are_no_spaces() -> None:
    assert word_diff("We are sorry.", "We are very sorry.") == [
        Change("same", "We are "),
        Change("added", "very "),
        Change("same", "sorry."),
    ]
    assert word_diff("Kind regards", "Kind regards\nAnn") == [
        Change("same", "Kind regards"),
        Change("added", "\nAnn"),
    ]
    assert units("返金します。") == ["返", "金", "し", "ま", "す", "。"]
    assert units("ไม่ดี") == ["ไ", "ม่", "ดี"]
    assert units("환불이 안 돼요") == ["환불이", "안", "돼요"]
    assert units("l'été, well-known हिन्दी") == ["l'été", ",", "well-known", "हिन्दी"]


def test_a_long_text_is_compared_at_once() -> None:
    long = [str(n % 977) for n in range(20_000)]
    assert edit_distance(long, [*long[:9000], "new", *long[9001:]]) == 1
