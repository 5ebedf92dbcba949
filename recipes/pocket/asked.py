"""Asked: every dev conversation put to a model through the product's own act, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice, pairwise

from attune.chat import Chat
from attune.engines import Engine
from attune.handle import Act, ask, handle
from attune.outcome import Outcome
from attune.task import Task
from recipes.pocket.gold import Example

_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """What the model said of one example. `reply` is there wherever the gold has one."""

    example: Example
    sentiment: int | None
    summary: str
    reply: str


def answers(task: Task, engine: Engine, examples: list[Example]) -> tuple[list[Asked], float]:
    """What the model says of each example, and how many chats a second it handled."""
    act = Act(task, engine)
    began = time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = list(pool.map(lambda each: handle(each.chat, act), examples))
        speed = len(examples) / (time.monotonic() - began)
        replies = list(pool.map(lambda each: _reply(each, act), examples))
    return [_asked(*each) for each in zip(examples, outcomes, replies, strict=True)], speed


def fitting(task: Task, engine: Engine, examples: list[Example], count: int) -> list[float]:
    """Of each answer to `count` different chats: 1 if it fits its task, or 0."""
    act = Act(task, engine)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = list(pool.map(lambda chat: handle(chat, act), islice(different(examples), count)))
    return [float(not attempt.error) for outcome in outcomes for attempt in outcome.attempts]


def different(examples: list[Example]) -> Iterator[Chat]:
    """The chats, each also broken off after every one of its turns, then two run together."""
    chats = [each.chat for each in examples]
    broken = (replace(c, turns=c.turns[:end]) for c in chats for end in range(1, len(c.turns)))
    joined = (replace(a, turns=a.turns + b.turns) for a, b in pairwise(chats))
    twice = (replace(b, turns=b.turns + a.turns) for a, b in pairwise(chats))
    numbered = enumerate(chain(chats, broken, joined, twice))
    return (replace(chat, id=str(number)) for number, chat in numbered)


def _reply(example: Example, act: Act) -> str:
    """The draft for an unhappy customer, whatever the model made of the sentiment."""
    assert act.task.escalation is not None
    if example.reply is None:
        return ""
    draft = act.task.escalation.draft
    verdict = ask(draft, example.chat, act).verdict
    return draft.draft_text(verdict.values, example.chat) if verdict else ""


def _asked(example: Example, outcome: Outcome, reply: str) -> Asked:
    values = outcome.values
    return Asked(example, values.get("sentiment"), str(values.get("summary", "")), reply)
