"""A job: what is done with every record of a batch, decided before the first one is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from attune.batch.prompts import PLAIN, TEXT, Template
from attune.batch.record import Kind, Line, kind_of, load, original
from attune.errors import BadConfig, BadRequest
from attune.generation import Generation, lacking
from attune.given import Given, lay, settle
from attune.handle import Act
from attune.limits import Limits
from attune.openai import DEFAULTS
from attune.sources import Source

_POLL_S = 0.1
_MOST = 256
_LOOKED_AT = 10_000
"""So many lines are read to find the kind of the records."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is done with every record. `kind` is that of all records, `given` the job's parameters."""

    act: Act
    kind: Kind = Kind.TEXT
    given: Given = field(default_factory=dict)
    template: Template = PLAIN
    limits: Limits = Limits()
    ordered: bool = False
    created: int = 0
    """When the job began, in seconds of Unix time; a job that is gone on with keeps it."""

    @property
    def generation(self) -> Generation:
        """How the texts of a record that gives no parameters are written."""
        return settle(lay(DEFAULTS if self.kind is Kind.OPENAI else {}, self.given))

    @property
    def facts(self) -> dict[str, Any]:
        """What decides the rows: a job that is gone on with must have the same."""
        task = self.act.task
        asked: dict[Kind, dict[str, Any]] = {
            Kind.CHAT: {"task": task.name, "task_version": task.version},
            Kind.TEXT: {"parameters": _plain(self.generation), "prompt": self.template.text},
            Kind.OPENAI: {"parameters": _plain(self.generation)},
        }
        ours = {
            "model": self.act.engine.model,
            "ordered": self.ordered,
            "max_chat_bytes": self.limits.max_chat_bytes,
        }
        return {"kind": str(self.kind), **asked[self.kind], **ours}


def check(job: Job, first: dict[str, Any] | None) -> None:
    """Raises BadConfig or BadRequest for what the job asks and no record could be given.

    `first` is the first record of the input that can be read.
    """
    if job.kind is not Kind.TEXT and job.template != PLAIN:
        raise BadConfig(
            f"a prompt is for records with {TEXT}, and these are of kind {job.kind}: leave it out"
        )
    if job.kind is Kind.CHAT:
        if job.given:
            named = ", ".join(job.given)
            raise BadConfig(f"{named}: not for chats, whose task says how it is answered: leave it out")
        return
    if why := lacking(job.generation, job.act.engine):
        raise BadRequest(why)
    if job.kind is Kind.TEXT and first is not None and (missing := job.template.keys - first.keys()):
        raise BadConfig(
            f"the prompt has a place for {', '.join(sorted(missing))}, which the first record has not; "
            f"it has {', '.join(first)}"
        )


def look(source: Source, max_bytes: int, template: Template) -> tuple[Kind, dict[str, Any] | None]:
    """The first record whose keys tell a kind, and that kind; else the first that can be read."""
    first: dict[str, Any] | None = None
    for line in islice(lines(source), _LOOKED_AT):
        try:
            record = load(original(line.raw), max_bytes)
        except BadConfig:
            continue
        if kind := kind_of(record, template.keys):
            return kind, record
        first = first or record
    return Kind.TEXT, first


def lines(source: Source) -> Iterator[Line]:
    """All lines of `source`, numbered from 1."""
    number = 0
    while (deliveries := source.receive(_MOST, _POLL_S)) is not None:
        for delivery in deliveries:
            number += 1
            yield Line(number, delivery.raw, delivery.ref)


def _plain(generation: Generation) -> dict[str, Any]:
    return asdict(generation) | {"stop": list(generation.stop)}


def differences(before: dict[str, Any], now: dict[str, Any]) -> Iterable[str]:
    """What is no longer as it was, in words."""
    for name in sorted(before.keys() | now.keys()):
        was, has = before.get(name), now.get(name)
        if isinstance(was, dict) and isinstance(has, dict):
            yield from differences(was, has)
        elif was != has:
            yield f"{name} was {_shown(was)} and is {_shown(has)}"


def _shown(value: Any) -> str:
    return "not given" if value is None else f"{value!r:.60}"
