"""A task: what is asked of the model, declared once in TOML; prompt, slots, parser and columns come of it."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from attune import prompt
from attune.chat import Chat, Role
from attune.errors import BadTask
from attune.fields import (
    ChoiceField,
    ChoicesField,
    ExcerptField,
    Field,
    Grounded,
    IntegerField,
    TextField,
    YesNoField,
)
from attune.language import language_of
from attune.request import Ask, Fixed, Request, Sampling, Slot, joined

BUILT_IN = Path(__file__).parent / "tasks"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_KINDS: dict[str, type[Any]] = {
    "choice": ChoiceField,
    "integer": IntegerField,
    "yes_no": YesNoField,
    "choices": ChoicesField,
    "text": TextField,
    "excerpt": ExcerptField,
}
_CONVERT: dict[str, Any] = {"options": tuple, "grounded": Grounded, "role": Role}
# Signs that control tokens of every family of models are made of.
_SIGNS = str.maketrans({"<": "‹", ">": "›", "|": "¦", "[": "(", "]": ")"})
_DEFAULT_INSTRUCTION = "For the task “{cue}” answer with one line of JSON and nothing else: {fields}"


@dataclass(frozen=True)
class Escalation:
    """Which verdicts need a person, and the task that drafts a reply for them."""

    when: Mapping[str, tuple[Any, ...]]
    draft: Task

    def applies(self, values: Mapping[str, Any]) -> bool:
        return all(values[name] in wanted for name, wanted in self.when.items())


@dataclass(frozen=True)
class Task:
    """What is asked of the model about one chat.

    `preamble` stands before the chat and is the same for a task and the draft it escalates to,
    so the two questions share all but their cue. `plain` answers are the text of the one field,
    without JSON around it. `phrases` are templates by language that make the values a draft. `ask` has
    the words of fields for models that are asked one field at a time.
    """

    name: str
    cue: str
    fields: tuple[Field, ...]
    preamble: str = ""
    plain: bool = False
    phrases: Mapping[str, str] = field(default_factory=dict)
    escalation: Escalation | None = None
    ask: Mapping[str, Ask] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """A fingerprint of everything that can change an answer; a row is kept per chat, task and version."""
        shape = [(type(part).__name__, asdict(part)) for part in self.fields]  # type: ignore[call-overload]
        draft = [dict(self.escalation.when), self.escalation.draft.version] if self.escalation else None
        said = [self.name, self.cue, shape, self.preamble, self.plain, dict(self.phrases), draft]
        said += [[name, asdict(ask)] for name, ask in self.ask.items()]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]

    def request(self, chat: Chat, sampling: Sampling = Sampling()) -> Request:
        """The question about `chat`, ready for an engine."""
        asked = prompt.build(self.preamble, chat, self.cue)
        slots = self.slots(chat)
        return Request(asked, slots, sampling, task=self.name, chat_id=chat.id, asks=self.asks)

    @cached_property
    def asks(self) -> Mapping[str, Ask]:
        """A question for each field: the task's own, or else what a model is told of it anyway."""
        told = {part.name: Ask(self.cue if self.plain else part.describe()) for part in self.fields}
        return told | dict(self.ask)

    def slots(self, chat: Chat) -> tuple[Slot, ...]:
        """The answer as slots: compact JSON in the order of the fields, neighbouring known texts joined."""
        if self.plain:
            only = self.fields[0]
            assert isinstance(only, TextField)
            return (only.free(chat, json=False),)
        slots: list[Slot] = []
        for index, part in enumerate(self.fields):
            end = "," if index < len(self.fields) - 1 else "}"
            slots.append(Fixed(f'{" " if index else "{"}"{part.name}":'))
            slots.extend(part.slots(chat, end))
        return joined(slots)

    def draft_text(self, values: Mapping[str, Any], chat: Chat) -> str:
        """The values as a reply: the text field as it is, or the set phrases around the values."""
        if not self.phrases:
            return str(values[self.fields[0].name])
        phrase = self.phrases[language_of(chat, self.phrases.keys())]
        # One pass, so that braces in a customer's words stay what they are.
        return re.sub(r"\{(\w+)\}", lambda match: str(values.get(match[1], match[0])), phrase).strip()


def instructed(task: Task, instruction: str) -> Task:
    """`task` with a person's words at the end of its cue, in one line and without signs of control tokens."""
    said = " ".join(instruction.split()).translate(_SIGNS)
    return replace(task, cue=f"{task.cue} {said}") if said else task


def load(path: Path) -> Task:
    """The task defined in the TOML file `path`. Raises BadTask, saying where and what."""
    definition = _read(path)
    task = _task(definition, path)
    escalate = definition.get("review")
    if escalate is None:
        return task
    _known(escalate, {"when", "draft"}, f"{path.name}: [review]")
    draft = load(_beside(path, str(escalate.get("draft", "reply"))))
    preamble = "\n\n".join(part for part in (task.preamble, draft.preamble) if part)
    when = {name: tuple(wanted) for name, wanted in dict(escalate.get("when", {})).items()}
    if not when or not set(when) <= {part.name for part in task.fields}:
        raise BadTask(f"{path.name}: [review] needs when = {{ FIELD = [VALUES] }} with fields of the task")
    return replace(task, preamble=preamble, escalation=Escalation(when, replace(draft, preamble=preamble)))


def find(name: str, first: Path | None = None) -> Path:
    """The file of the task `name`: a path to a TOML file, else one in the folder `first`, else a built-in."""
    if name.endswith(".toml"):
        return Path(name)
    for folder in (first, BUILT_IN):
        if folder and (folder / f"{name}.toml").is_file():
            return folder / f"{name}.toml"
    known = ", ".join(sorted(path.stem for path in BUILT_IN.glob("*.toml")))
    raise BadTask(f"no task is called {name!r}. Built in: {known}; your own is a path that ends in .toml")


def _task(definition: dict[str, Any], path: Path) -> Task:
    where = path.name
    _known(definition, {"name", "cue", "instruction", "plain", "fields", "phrases", "review", "ask"}, where)
    name, cue = definition.get("name", path.stem), definition.get("cue")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadTask(f"{where}: name must be lower-case letters, digits and _, not {name!r}")
    if not isinstance(cue, str) or not cue.strip():
        raise BadTask(
            f'{where}: cue is missing: the question put after the chat, like cue = "Triage this chat."'
        )
    fields = tuple(_field(key, value, where) for key, value in dict(definition.get("fields", {})).items())
    plain = bool(definition.get("plain", False))
    if not fields or (plain and (len(fields) > 1 or not isinstance(fields[0], TextField))):
        raise BadTask(
            f"{where}: needs " + ("exactly one text field" if plain else "at least one [fields.NAME]")
        )
    phrases = dict(definition.get("phrases", {}))
    told = ", ".join(f'"{part.name}" ({part.describe()})' for part in fields)
    instruction = str(definition.get("instruction", _DEFAULT_INSTRUCTION))
    preamble = instruction.replace("{fields}", told).replace("{cue}", cue).strip()
    return Task(name, cue.strip(), fields, preamble, plain, phrases, ask=_asks(definition, fields, where))


def _asks(definition: dict[str, Any], fields: tuple[Field, ...], where: str) -> dict[str, Ask]:
    found: dict[str, Ask] = {}
    by_name = {part.name: part for part in fields}
    for name, table in dict(definition.get("ask", {})).items():
        spot = f"{where}: [ask.{name}]"
        if name not in by_name or not isinstance(table, dict):
            raise BadTask(f"{spot}: there must be a field of that name; there are {', '.join(by_name)}")
        _known(table, {"question", "labels"}, spot)
        question, labels = table.get("question"), tuple(table.get("labels", ()))
        if not isinstance(question, str) or not question.strip():
            raise BadTask(f"{spot}: question is missing: the field's own, put after the chat")
        _check_labels(labels, by_name[name], spot)
        found[name] = Ask(question.strip(), labels)
    return found


def _check_labels(labels: tuple[Any, ...], part: Field, spot: str) -> None:
    if not labels:
        return
    count = len(part.options) if isinstance(part, ChoiceField) else 2 if isinstance(part, YesNoField) else 0
    if len(labels) != count or not all(isinstance(label, str) for label in labels):
        raise BadTask(f"{spot}: labels are a word for each option of a choice, here {count}")


def _field(name: str, definition: Any, where: str) -> Field:
    spot = f"{where}: [fields.{name}]"
    if not isinstance(definition, dict) or definition.get("kind") not in _KINDS:
        raise BadTask(f"{spot}: kind must be one of {', '.join(_KINDS)}")
    if not _NAME.fullmatch(name):
        raise BadTask(f"{spot}: a field's name is lower-case letters, digits and _")
    kind = _KINDS[definition["kind"]]
    _known(definition, {"kind", *kind.__dataclass_fields__} - {"name"}, spot)
    try:
        made: Field = kind(
            name=name, **{k: _CONVERT.get(k, _same)(v) for k, v in definition.items() if k != "kind"}
        )
    except (TypeError, ValueError) as error:
        raise BadTask(f"{spot}: {str(error).replace(f'{kind.__name__}.__init__()', 'it')}") from error
    _check_field(made, spot)
    return made


def _check_field(part: Field, spot: str) -> None:
    if isinstance(part, ChoiceField | ChoicesField):
        kinds = {type(option) for option in part.options}
        if (
            len(set(part.options)) < 2
            or len(set(part.options)) < len(part.options)
            or not kinds <= {str, int}
        ):
            raise BadTask(f"{spot}: options must be two or more different strings or whole numbers")
    if isinstance(part, ChoicesField) and not all(isinstance(option, str) for option in part.options):
        raise BadTask(f"{spot}: options must be strings")
    if isinstance(part, IntegerField) and not (
        type(part.low) is int and type(part.high) is int and part.low < part.high
    ):
        raise BadTask(f"{spot}: low and high must be whole numbers, low below high")
    if isinstance(part, TextField | ExcerptField) and not (
        type(part.max_chars) is int and part.max_chars >= 10
    ):
        raise BadTask(f"{spot}: max_chars must be a whole number, at least 10")
    if isinstance(part, ExcerptField) and (
        part.sentences not in (1, 2) or part.turns not in range(4) or part.candidates not in range(1, 65)
    ):
        raise BadTask(f"{spot}: sentences must be 1 or 2, turns 1 to 3 in place of them, candidates 1 to 64")


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadTask(f"the task file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadTask(f"the task file {path} is not TOML: {error}") from error


def _beside(path: Path, name: str) -> Path:
    return path.parent / name if name.endswith(".toml") else find(name, path.parent)


def _known(table: Mapping[str, Any], allowed: set[str], where: str) -> None:
    unknown = sorted(set(table) - allowed)
    if unknown:
        raise BadTask(f"{where}: unknown key {unknown[0]!r}; it can be {', '.join(sorted(allowed))}")


def _same(value: Any) -> Any:
    return value
