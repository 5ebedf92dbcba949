"""One declaration makes the prompt, the slots, the parser and the columns."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune.answer import parse
from attune.chat import Chat, Role, Turn
from attune.errors import BadTask, Misfit
from attune.request import Choice, Fixed, Free, Grounds, Number, Pick
from attune.task import BUILT_IN, Task, find, load
from attune.testing import fill

TOPIC = """
name = "topic"
cue = "What is this chat about?"

[fields.topic]
kind = "choice"
options = ["delivery", "refund", "quality", "staff", "price", "app", "allergy", "hours", "loyalty", "other"]

[fields.urgency]
kind = "integer"
low = 1
high = 5

[fields.wants_call]
kind = "yes_no"

[fields.about]
kind = "choices"
options = ["money", "time", "health"]

[fields.quote]
kind = "excerpt"
max_chars = 80

[fields.note]
kind = "text"
max_chars = 60
grounded = "flag"
"""
CHAT = Chat(
    "7",
    "8",
    (Turn(Role.CUSTOMER, "My soup was cold. Order 4821 for Noor."), Turn(Role.AGENT, "Oh no!")),
    "en",
)


def task_of(tmp_path: Path, text: str = TOPIC) -> Task:
    path = tmp_path / "topic.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def answer(**changed: object) -> str:
    good = {
        "topic": "quality",
        "urgency": 3,
        "wants_call": False,
        "about": {"money": True, "time": False, "health": True},
        "quote": "My soup was cold.",
        "note": "Cold soup, order 4821.",
    }
    return json.dumps({**good, **changed})


def test_the_slots_are_compact_json_and_any_filling_of_them_parses(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    slots = task.slots(CHAT)
    assert slots[0] == Fixed('{"topic":')
    assert slots[1] == Choice("topic", tuple(f' "{o}",' for o in task.fields[0].options))  # type: ignore[attr-defined]
    assert Number("urgency", 1, 5, ",") in slots
    assert Choice("about.health", (" true},", " false},")) in slots
    assert (
        Pick(
            "quote",
            ("My soup was cold.", "Order 4821 for Noor."),
        )
        in slots
    )
    assert Free("note", 60, 90, grounds=Grounds(CHAT.text)) in slots
    assert slots[-1] == Fixed('"}')
    filled = fill(task.request(CHAT))
    assert set(parse(task, filled, CHAT).values) == {
        "topic",
        "urgency",
        "wants_call",
        "about",
        "quote",
        "note",
    }


def test_no_two_known_texts_stand_side_by_side(tmp_path: Path) -> None:
    slots = task_of(tmp_path).slots(CHAT)
    assert not any(isinstance(a, Fixed) and isinstance(b, Fixed) for a, b in pairwise(slots))


def test_an_answer_that_fits_becomes_typed_values(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    verdict = parse(task, "Sure, here it is:\n" + answer(), CHAT)
    assert verdict.values["about"] == ["money", "health"]
    assert verdict.values["urgency"] == 3
    assert verdict.flags == ()
    assert [part.column for part in task.fields] == ["text", "integer", "boolean", "list", "text", "text"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"topic": "weather"}, 'topic: "weather" is none of'),
        ({"topic": 0}, "topic: 0 is none of"),
        ({"urgency": "3"}, 'urgency: "3" is no whole number'),
        ({"urgency": 6}, "urgency: 6 is no whole number from 1 to 5"),
        ({"urgency": 3.0}, "urgency: 3.0"),
        ({"urgency": True}, "urgency: true"),
        ({"wants_call": 0}, "wants_call: 0 is neither"),
        ({"about": ["weather"]}, "about:"),
        ({"about": {"money": True}}, "about:"),
        ({"quote": "My soup was hot."}, "quote: .* does not stand in the chat"),
        ({"quote": ""}, "quote: empty"),
        ({"note": "x" * 61}, "note: 61 characters"),
        ({"note": None}, "note: null is not text"),
        ({"extra": 1}, "'extra': no field"),
    ],
)
def test_an_answer_that_does_not_fit_says_which_field(
    tmp_path: Path, changed: dict[str, object], says: str
) -> None:
    with pytest.raises(Misfit, match=says):
        parse(task_of(tmp_path), answer(**changed), CHAT)


@pytest.mark.parametrize(
    "text", ["", "no json", "{", '{"topic": }', "[1]", "{" * 50_000, '{"topic": "delivery"}']
)
def test_text_that_is_no_answer_is_a_misfit(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misfit):
        parse(task_of(tmp_path), text, CHAT)


@given(st.text())
def test_no_text_is_a_traceback(text: str) -> None:
    task = load(find("triage"))
    for candidate in (text, '{"sentiment": ' + text, '{"sentiment": 1, "summary": "' + text + '"}'):
        try:
            parse(task, candidate, CHAT)
        except Misfit as error:
            assert str(error)


def test_the_string_minus_one_is_not_the_number_minus_one() -> None:
    task = load(find("triage"))
    with pytest.raises(Misfit, match='sentiment: "-1" is none of -1, 0, 1'):
        parse(task, '{"sentiment": "-1", "summary": "Cold soup."}', CHAT)
    with pytest.raises(Misfit, match="sentiment: 5 is none of"):
        parse(task, '{"sentiment": 5, "summary": "Cold soup."}', CHAT)
    with pytest.raises(Misfit, match="sentiment: true is none of"):
        parse(task, '{"sentiment": true, "summary": "Cold soup."}', CHAT)


def test_invented_numbers_are_flagged_and_refused_where_the_task_says_so(tmp_path: Path) -> None:
    invented = answer(note="Order 9999 for Peter.")
    assert parse(task_of(tmp_path), invented, CHAT).flags == (
        "ungrounded: note: 9999",
        "ungrounded: note: Peter",
    )
    strict = task_of(tmp_path, TOPIC.replace('"flag"', '"require"'))
    with pytest.raises(Misfit, match="note: not in the chat: 9999, Peter"):
        parse(strict, invented, CHAT)


def test_the_draft_shares_all_but_its_cue_with_the_task_that_asks_for_it() -> None:
    triage = load(find("triage"))
    assert triage.escalation is not None
    draft = triage.escalation.draft
    first, second = triage.request(CHAT).prompt, draft.request(CHAT).prompt
    assert (first.preamble, first.lines) == (second.preamble, second.lines)
    assert first.cue != second.cue
    assert '"sentiment" (how the customer feels at the end' in first.preamble


def test_a_task_sends_to_review_what_it_says(tmp_path: Path) -> None:
    triage = load(find("triage"))
    assert triage.escalation is not None
    assert triage.escalation.applies({"sentiment": -1, "summary": ""})
    assert not triage.escalation.applies({"sentiment": 0, "summary": ""})
    assert task_of(tmp_path).escalation is None


def test_the_version_changes_with_anything_that_can_change_an_answer(tmp_path: Path) -> None:
    version = task_of(tmp_path).version
    assert task_of(tmp_path, "# a comment\n" + TOPIC).version == version
    for old, new in (
        ("high = 5", "high = 6"),
        ("about?", "about"),
        ('"flag"', '"no"'),
        ("max_chars = 80", "max_chars = 81"),
    ):
        assert task_of(tmp_path, TOPIC.replace(old, new)).version != version


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "is not TOML"),
        ('name = "t"', "cue is missing"),
        ('cue = "?"', "at least one"),
        ('cue = "?"\n[fields.a]\nkind = "mood"', r"\[fields.a\]: kind must be one of choice, integer"),
        ('cue = "?"\n[fields.a]\nkind = "choice"', r"\[fields.a\]: it missing 1 required"),
        ('cue = "?"\n[fields.a]\nkind = "choice"\noptions = ["x"]', "two or more different"),
        ('cue = "?"\n[fields.a]\nkind = "choice"\noptions = [1.5, 2]', "strings or whole numbers"),
        ('cue = "?"\n[fields.a]\nkind = "integer"\nlow = 3\nhigh = 1', "low below high"),
        ('cue = "?"\n[fields.a]\nkind = "yes_no"\nmax = 3', "unknown key 'max'"),
        ('cue = "?"\n[fields.a]\nkind = "text"\ngrounded = "maybe"', "maybe"),
        ('cue = "?"\n[fields.A]\nkind = "yes_no"', "lower-case"),
        ('cue = "?"\ncolour = "red"\n[fields.a]\nkind = "yes_no"', "unknown key 'colour'"),
        ('cue = "?"\n[fields.a]\nkind = "yes_no"\n[review]\nwhen = { b = [1] }', r"\[review\] needs when"),
        ('cue = "?"\nplain = true\n[fields.a]\nkind = "yes_no"', "exactly one text field"),
    ],
)
def test_a_task_that_cannot_be_used_says_where_and_what(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadTask, match=says):
        task_of(tmp_path, text)


def test_an_unknown_task_lists_the_built_in_ones() -> None:
    with pytest.raises(BadTask, match="Built in: reply, translate, triage"):
        find("topic")
    assert find("triage") == BUILT_IN / "triage.toml"


def test_set_phrases_stand_around_the_customers_words_in_their_language(tmp_path: Path) -> None:
    text = 'cue = "?"\n[fields.quote]\nkind = "excerpt"\n'
    text += '[phrases]\nen = "Sorry: {quote}"\nde = "Pardon: {quote}"'
    task = task_of(tmp_path, text)
    german = Chat("1", "2", (Turn(Role.CUSTOMER, "Das Paket ist schon wieder nicht angekommen."),))
    assert task.draft_text({"quote": "{quote} {0}"}, CHAT) == "Sorry: {quote} {0}"
    assert task.draft_text({"quote": "x"}, german) == "Pardon: x"
