"""Lessons: the prompt is that of serving, and only what the model decides is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.engines import small_t5
from tests.tune.bases import gemma, t5

from attune.answer import parse
from attune.chat import Chat, Role, Turn
from attune.engines.openvino import OpenVINOEngine
from attune.engines.paged.asked import sequence_for
from attune.engines.paged.folder import described
from attune.engines.paged.tokens import Tokens
from attune.engines.seq2seq.answer import Answer
from attune.engines.seq2seq.tokens import Tokens as T5Tokens
from attune.errors import Misfit
from attune.models import POCKET
from attune.task import BUILT_IN, Task, load
from attune.tune.base import Base
from attune.tune.lesson import Lesson, texts

CHAT = Chat(
    "7",
    "1",
    (
        Turn(Role.CUSTOMER, "My kettle of order 48213 leaks <end_of_turn> <turn|> </s>"),
        Turn(Role.AGENT, "Sorry, I can send another one."),
        Turn(Role.CUSTOMER, 'the second "new" one leaks too. 안녕'),
    ),
    "en",
)
EVERY_KIND = """
name = "every"
cue = "Look at this chat."
instruction = "Answer with JSON."
[fields.sentiment]
kind = "choice"
options = [-1, 0, 1]
[fields.urgency]
kind = "integer"
low = 0
high = 100
[fields.topics]
kind = "choices"
options = ["parcel", "money"]
[fields.said]
kind = "excerpt"
[fields.summary]
kind = "text"
"""
VALUES = {
    "sentiment": -1,
    "urgency": 70,
    "topics": ["money"],
    "said": "new one leaks",
    "summary": 'A "new"\none.',
}


def every(folder: Path) -> Task:
    path = folder / "every.toml"
    path.write_text(EVERY_KIND, encoding="utf-8")
    return load(path)


def lessons(base: Base, task: Task, values: dict[str, Any]) -> list[Lesson]:
    return base.teacher.lessons(task.request(CHAT), texts(task, CHAT, values), "one")


def reply() -> Task:
    return load(BUILT_IN / "reply.toml")


@pytest.mark.parametrize("family", ["gemma2", "gemma3", "gemma4"])
def test_a_causal_prompt_is_the_engines_own(family: str, tmp_path: Path) -> None:
    folder = gemma(family, tmp_path)
    found = described(folder)
    tokens = Tokens(found.tokenizer, found.ends, found.bos, found.vocabulary)
    for task, values in ((every(tmp_path), VALUES), (reply(), {"reply": "Sorry."})):
        (made,) = lessons(Base(folder), task, values)
        served = sequence_for(task.request(CHAT), tokens, 2048, "")
        assert list(made.prompt) == served.tokens(0, served.prompt_tokens)
        turns = "<|turn>" if family == "gemma4" else "<start_of_turn>"
        assert Base(folder).teacher.text(made.prompt).startswith(f"<bos>{turns}user\n")


def test_a_lesson_of_the_pocket_model_has_the_tokens_that_its_engine_wrote() -> None:
    engine = OpenVINOEngine(POCKET, cache_mb=64)
    task = load(POCKET / "tasks" / "triage.toml")
    try:
        answer = engine.submit(task.request(CHAT)).result()
    finally:
        engine.close()
    made = Base(POCKET).teacher.lessons(
        task.request(CHAT), texts(task, CHAT, parse(task, answer.text, CHAT).values), "one"
    )[0]
    assert len(made.prompt) == answer.prompt_tokens
    assert Base(POCKET).teacher.text(made.answer) == answer.text + "<end_of_turn>"
    assert len(made.answer) == answer.output_tokens + 1


def test_each_prompt_of_a_t5_is_the_engines_own(tmp_path: Path) -> None:
    base, served, task = Base(t5(tmp_path)), T5Tokens(small_t5.folder()), every(tmp_path)
    made = lessons(base, task, VALUES)
    works = Answer(task.request(CHAT), served, 512, "").works()
    assert list(made[0].prompt) == next(works)[0].source
    assert [len(each.prompt) > 20 for each in made] == [True] * 6
    answers = [base.teacher.text(each.answer) for each in made]
    assert answers[:4] == ["-1</s>", "70</s>", "no</s>", "yes</s>"]
    assert answers[5].endswith('A "new" one.</s>')
    assert all(all(each.trained) for each in made)


def test_only_what_the_model_decides_is_trained(tmp_path: Path) -> None:
    base, task = Base(POCKET), every(tmp_path)
    (made,) = lessons(base, task, VALUES)
    whole = base.teacher.text(made.answer)
    assert whole == (
        '{"sentiment": -1, "urgency": 70, "topics": {"parcel": false, "money": true}, '
        '"said": "the second \\"new\\" one leaks too.", "summary": "A \\"new\\" one."}<end_of_turn>'
    )
    pairs = list(zip(made.answer, made.trained, strict=True))
    known = base.teacher.text([token for token, trained in pairs if not trained])
    assert known.startswith('{"sentiment":')
    assert '"urgency":' in known
    assert "the second" not in known
    decided = base.teacher.text([token for token, trained in pairs if trained])
    assert decided.replace(" ", "").endswith('A\\"new\\"one."<end_of_turn>')
    assert "70," in decided
    assert "sentiment" not in decided
    assert "summary" not in decided


def test_a_plain_answer_is_trained_whole_with_its_end() -> None:
    (made,) = lessons(Base(POCKET), reply(), {"reply": "Sorry, 죄송합니다."})
    assert Base(POCKET).teacher.text(made.answer) == "Sorry, 죄송합니다.<end_of_turn>"
    assert all(made.trained)


@pytest.mark.parametrize(
    ("values", "told"),
    [({}, "reply: missing"), ({"reply": " "}, "reply: empty"), ({"reply": "a" * 1001}, "at most 1000 fit")],
)
def test_a_value_that_the_parser_would_not_take_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(Misfit, match=told):
        texts(reply(), CHAT, values)
