"""The parser: a model's answer is untrusted text until it fits the fields of its task."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from attune.chat import Chat
from attune.errors import Misfit
from attune.task import Task


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer that fits: a value for each field of the task, and flags for the row."""

    values: dict[str, Any]
    flags: tuple[str, ...]


def parse(task: Task, text: str, chat: Chat) -> Verdict:
    """The verdict in `text`. Raises Misfit, naming the field, for anything that does not fit.

    The answer may stand among other words, as models without a grammar like it: the first JSON
    object counts. It must have each of the task's fields, and no other.
    """
    answer = {task.fields[0].name: text} if task.plain else _object(text)
    names = [part.name for part in task.fields]
    for name in names:
        if name not in answer:
            raise Misfit(f"{name}: missing")
    for name in answer:
        if name not in names:
            raise Misfit(f"{name!r:.60}: no field of the task {task.name}")
    checked = {part.name: part.check(answer[part.name], chat) for part in task.fields}
    return Verdict(
        values={name: value for name, (value, _) in checked.items()},
        flags=tuple(flag for _, flags in checked.values() for flag in flags),
    )


def _object(text: str) -> dict[str, Any]:
    start = text.find("{")
    if start < 0:
        raise Misfit("no JSON object in the answer")
    try:
        answer, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise Misfit(f"not JSON: {error}") from error
    assert isinstance(answer, dict)
    return answer
