"""The check: every row that cannot be trained on is named, and nothing is dropped in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune.chat import Chat, Role, Turn
from attune.errors import TuneError
from attune.models import POCKET
from attune.task import BUILT_IN, load
from attune.tune.base import Base
from attune.tune.check import Checked, check, marked, ready
from attune.tune.examples import Example, Refused
from attune.tune.numbers import unheard

BASE = Base(POCKET)
REPLY = load(BUILT_IN / "reply.toml")
ORDER = "Bonjour, je voudrais trois gâteaux pour samedi, s'il vous plaît. Merci beaucoup !"


def example(said: str, output: str, ref: str = "a.jsonl:1", language: str | None = "en") -> Example:
    return Example(ref, Chat(ref, "1", (Turn(Role.CUSTOMER, said),), language), REPLY, {"reply": output})


def checked(*found: Example | Refused, max_tokens: int = 400) -> Checked:
    return check(found, BASE.teacher, max_tokens)


def told(found: Checked) -> list[tuple[str, str, bool]]:
    return [(each.ref, each.kind, each.stops) for each in found.findings]


def test_good_examples_are_counted_in_tokens() -> None:
    found = checked(example("Where is it?", "On its way."), example("Hello?", "Hello."))
    assert found.findings == ()
    assert found.trained == sum(len(each.answer) for each in found.lessons)
    assert found.tokens == found.trained + sum(len(each.prompt) for each in found.lessons)
    assert found.longest == max(map(len, found.lessons))
    ready(found, skip_bad=False)


def test_an_overlong_row_is_named_with_its_tokens_and_the_limit() -> None:
    long, short = example("word " * 500, "Sorry.", "a.jsonl:2"), example("Hello?", "Hello.")
    found = checked(short, long, max_tokens=300)
    assert told(found) == [("a.jsonl:2", "too long", True)]
    with pytest.raises(TuneError, match=r"a\.jsonl:2: [\d,]+ tokens, and the limit is 300.*--skip-bad"):
        ready(found, skip_bad=False)
    ready(found, skip_bad=True)
    assert [each.example.ref for each in found.taught] == ["a.jsonl:1"]


def test_of_equal_rows_the_first_counts_and_other_outputs_are_told() -> None:
    first = example("Where is it?", "On its way.")
    found = checked(first, example("Where is it?", "On its way.", "b"), example("Where is it?", "Gone.", "c"))
    assert told(found) == [("b", "duplicate", False), ("c", "contradiction", False)]
    assert len(found.taught) == 2


def test_it_refuses_to_train_on_the_prompt() -> None:
    template = "<start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\nHi<end_of_turn>"
    found = checked(example("Hello", template), example("The same  words", "The same words", "b"))
    assert told(found) == [("a.jsonl:1", "prompt", True), ("b", "prompt", True)]


@pytest.mark.parametrize("found", [(), (Refused("a.jsonl:1", "input: empty"),)])
def test_it_refuses_to_train_on_nothing(found: tuple[Refused, ...]) -> None:
    with pytest.raises(TuneError, match="nothing to learn"):
        ready(checked(*found), skip_bad=True)


def test_a_text_that_the_parser_would_not_take_is_no_example() -> None:
    assert told(checked(example("Hi", "a" * 1001))) == [("a.jsonl:1", "no example", True)]


def test_replies_in_another_language_are_told() -> None:
    english = "Thank you for your order, we have written down three cakes for Saturday morning."
    found = checked(example(ORDER, english, "fr", "fr"), example(english, f"{english} See you!", "en", "en"))
    assert [(each.ref, each.told) for each in found.findings] == [("fr", "fr is answered in en")]
    assert found.languages == {"fr": 1, "en": 1}
    assert checked(example(ORDER, "Merci.", language=None)).languages == {"fr": 1}


@pytest.mark.parametrize(
    ("heard", "said", "numbers"),
    [
        ("3호 케이크 3개 주문합니다.", "3호 케이크 2개를 예약했습니다.", ["2개, not 3개"]),
        ("Three boxes for 1,500 at 09:30", "That is 1500 at 9:30.", []),
        ("3개, 2시에 갈게요", "2시에 2개", ["2개, not 3개"]),
        ("order 48213", "your order 48231 comes within 2 days", ["48231 comes", "2 days"]),
        ("６月７日に２個", "6月7日に3個お渡しします", ["3個, not 2個"]),
    ],
)
def test_numbers_that_nobody_said_are_told(heard: str, said: str, numbers: list[str]) -> None:
    assert unheard(said, heard) == numbers


@given(st.text(max_size=40))
def test_an_echo_has_no_new_number(text: str) -> None:
    assert unheard(text, text) == []


def test_the_marked_example_is_the_whole_lesson() -> None:
    chat = Chat("1", "1", (Turn(Role.CUSTOMER, "It leaks."),), "en")
    task = load(BUILT_IN / "triage.toml")
    found = checked(Example("a", chat, task, {"sentiment": -1, "summary": "It leaks."}), max_tokens=800)
    pieces = marked(found.lessons[0], BASE.teacher)
    assert pieces[0][0].endswith("<start_of_turn>model\n")
    assert pieces[0][1] is False
    assert "".join(text for text, _ in pieces[1:]) == '{"sentiment": -1, "summary": "It leaks."}<end_of_turn>'
    assert [text for text, trained in pieces if trained][-2:] == ['It leaks."', "<end_of_turn>"]
