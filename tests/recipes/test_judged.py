"""Judgements count for just the replies that were judged, and each verdict follows from its answers."""

from __future__ import annotations

import json
from pathlib import Path

from recipes.pocket import evaluate, judged
from recipes.pocket.asked import Asked
from recipes.pocket.gold import Example

from attune.chat import Chat, Role, Turn

YES = dict.fromkeys(judged.CRITERIA, True)


def asked(number: int, reply: str) -> Asked:
    chat = Chat(str(number), "1", (Turn(Role.CUSTOMER, "The lamp is broken."),), "en")
    return Asked(Example(chat, -1, "A broken lamp.", "Sorry."), -1, "The lamp is broken.", reply)


def test_fifty_are_drawn_always_the_same_and_only_where_there_is_a_gold_reply() -> None:
    said = [asked(number, f"Reply {number}") for number in range(70)]
    happy = Asked(Example(said[0].example.chat, 1, "Happy."), 1, "", "")
    assert judged.drawn([*said, happy]) == judged.drawn(said[::-1])
    assert len({each.example.chat.id for each in judged.drawn(said)}) == 50


def test_only_replies_that_read_as_they_did_are_counted(tmp_path: Path) -> None:
    given = [{"digest": judged.digest(text), "answers": YES} for text in ("Reply 0", "Reply 1, otherwise")]
    (tmp_path / "judgements.jsonl").write_text("".join(json.dumps(each) + "\n" for each in given))
    said = [asked(number, f"Reply {number}") for number in range(2)]
    assert judged.answers(said, tmp_path / "judgements.jsonl") == [YES]


def test_a_model_whose_replies_nobody_judged_has_no_such_figure() -> None:
    assert not list(evaluate.judgements([asked(0, "No one has read this.")]))


def test_one_no_is_more_than_touching_up() -> None:
    assert judged.touched_up(YES)
    assert not any(judged.touched_up({**YES, criterion: False}) for criterion in judged.CRITERIA)


def test_every_judgement_is_whole_and_its_verdict_follows() -> None:
    lines = judged.JUDGEMENTS.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert len({record["id"] for record in records}) == len(records) == 50
    for record in records:
        assert tuple(record["answers"]) == judged.CRITERIA
        assert record["verdict"] == judged.touched_up(record["answers"])
        assert record["why"].strip()
