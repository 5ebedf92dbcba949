"""Examples: a chat each, and what a task should say of it; read from files, or from the Hugging Face hub."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attune.address import load
from attune.chat import Chat, parse_chat
from attune.errors import BadChat, Misfit, TuneError, told
from attune.measure.rows import Row, Unreadable, located
from attune.task import Task, instructed
from attune.visible import visible

HUB = "hf:"
_CHAT = ("turns", "chat_message", "text")


@dataclass(frozen=True, slots=True)
class Example:
    """A chat, and the values that the fields of `task` should get. `ref` says where it stands."""

    ref: str
    chat: Chat
    task: Task
    values: Mapping[str, Any]

    @property
    def said(self) -> str:
        """What is to be said, as a text; the same for the same values."""
        if self.task.plain:
            return str(self.values[self.task.fields[0].name])
        return json.dumps(dict(self.values), ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is no example, and why."""

    ref: str
    why: str


@dataclass(frozen=True, slots=True)
class Tasks:
    """What examples are for: `read` is trained by chats that have its fields, `draft` by those with a reply
    and by rows of input and output."""

    read: Task
    draft: Task

    @classmethod
    def of(cls, task: Task) -> Tasks:
        """Of a task: what it escalates to drafts, or else the task itself."""
        return cls(task, task.escalation.draft if task.escalation else task)

    @property
    def all(self) -> tuple[Task, ...]:
        return (self.read,) if self.draft is self.read else (self.read, self.draft)


def examples(names: Sequence[str], tasks: Tasks) -> Iterator[Example | Refused]:
    """The examples in files, folders, globs and data sets of the hub ("hf:OWNER/NAME"), in their order.

    A row is {"input", "output"}, an example for the task that drafts, or a chat with fields of gold, an
    example for each task whose fields it has. Raises AttuneError for what cannot be read at all.
    """
    for name in names:
        bad = Unreadable()
        rows = hub(name.removeprefix(HUB)) if name.startswith(HUB) else located(name, bad)
        for ref, row in rows:
            yield from of_row(ref, row, tasks)
        for each in bad.first:
            ref, _, why = each.partition(": ")
            yield Refused(ref, why)
        if bad.count > len(bad.first):
            yield Refused(visible(name), f"{bad.count - len(bad.first):,} more lines that cannot be read")


def of_row(ref: str, row: Row, tasks: Tasks) -> Iterator[Example | Refused]:
    """The examples in one row."""
    try:
        yield from list(_pair(ref, row, tasks.draft) if "output" in row else _gold(ref, row, tasks))
    except (BadChat, Misfit) as error:
        yield Refused(ref, str(error))


def digest(found: Iterable[Example]) -> str:
    """A hash of examples in their order: the same whatever file they came from."""
    sums = hashlib.sha256()
    for each in found:
        sums.update(json.dumps([each.chat.digest, each.task.version, each.said]).encode())
    return sums.hexdigest()


def hub(name: str) -> Iterator[tuple[str, Row]]:
    """The rows of a data set of the Hugging Face hub, OWNER/NAME, its split "train"; or of such a folder."""
    datasets = load("datasets", "tune")
    try:
        found = datasets.load_dataset(name, split="train")
    except Exception as error:  # its own errors and those of its network libraries share no class
        raise TuneError(
            f"the data set {visible(name)} cannot be read from the Hugging Face hub: {told(error)}. Is there "
            "a network? Without one, download it elsewhere and give its file (CSV, JSON lines or Parquet)."
        ) from error
    for number, row in enumerate(found, start=1):
        yield f"{name}:{number}", dict(row)


def _pair(ref: str, row: Row, task: Task) -> Iterator[Example]:
    """A row of input and output; where the task has several fields, the output is their JSON."""
    given, wanted = _filled(row, "input"), _filled(row, "output")
    chat = _chat(ref, {**row, **(given if isinstance(given, dict) else {"text": given})})
    yield Example(ref, chat, instructed(task, str(row.get("instruction") or "")), _values(task, wanted))


def _filled(row: Row, name: str) -> str | dict[str, Any]:
    value = row.get(name)
    if not value or not str(value).strip():
        raise Misfit(f"{name}: empty")
    if not isinstance(value, str | dict):
        raise Misfit(f"{name}: neither a text nor an object")
    return value


def _values(task: Task, wanted: str | dict[str, Any]) -> Mapping[str, Any]:
    if isinstance(wanted, dict):
        return wanted
    if task.plain or len(task.fields) == 1:
        return {task.fields[0].name: wanted}
    try:
        values = json.loads(str(wanted))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise Misfit(f"output: the task {task.name} wants a JSON object of {', '.join(_fields(task))}")
    return values


def _gold(ref: str, row: Row, tasks: Tasks) -> Iterator[Example]:
    """A chat with fields of gold."""
    if not any(name in row for name in _CHAT):
        raise Misfit(f"neither input and output, nor a chat ({', '.join(_CHAT)}) with fields of gold")
    wanted = [task for task in tasks.all if _has(row, task)]
    if not wanted:
        names = " or ".join(", ".join(_fields(task)) for task in tasks.all)
        raise Misfit(f"no field of gold: the tasks want {names}")
    chat = _chat(ref, row)
    for task in wanted:
        yield Example(ref, chat, task, {name: row[name] for name in _fields(task)})


def _has(row: Row, task: Task) -> bool:
    return all(row.get(name) is not None for name in _fields(task))


def _fields(task: Task) -> list[str]:
    return [part.name for part in task.fields]


def _chat(ref: str, row: Mapping[str, Any]) -> Chat:
    """The chat in a row, whose ids may be missing."""
    known = {"id": ref, "user_id": "-", **{name: value for name, value in row.items() if value is not None}}
    return parse_chat(json.dumps(known, default=str).encode())
