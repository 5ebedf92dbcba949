"""Corrections: a person's value for a field of the task, by the rules that hold for the model's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.chat import Chat
from attune.errors import Misfit
from attune.task import Task


def checked(task: Task, changes: Mapping[str, Any], chat: Chat) -> dict[str, Any]:
    """`changes` as they are stored. Raises Misfit, naming the field, for a value that does not fit it.

    What would be a flag on the model's answer, like a name that is not in the chat, is none on a person's.
    """
    fields = {part.name: part for part in task.fields}
    for name in changes:
        if name not in fields:
            raise Misfit(f"{name!r:.60}: no field of the task {task.name}; it has {', '.join(fields)}")
    return {name: fields[name].check(value, chat)[0] for name, value in changes.items()}
