"""The page of the audit: who did what and when; its check and its export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from attune.pages.asked import Asked
from attune.store.desk.audit import Checked, Record

SIZE = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A record as it is read."""

    record: Record
    root: str

    @property
    def seq(self) -> int:
        return self.record.seq

    @property
    def at(self) -> float:
        return self.record.at

    @property
    def person(self) -> str:
        return self.record.person

    @property
    def act(self) -> str:
        return self.record.act

    @property
    def subject(self) -> str:
        return self.record.subject.replace(":", " ", 1)

    @property
    def to(self) -> str:
        """Where its subject is looked at."""
        kind, _, name = self.record.subject.partition(":")
        return f"{self.root}/items/{name}" if kind == "chat" else ""

    @property
    def details(self) -> list[tuple[str, str]]:
        told: dict[str, Any] = json.loads(self.record.detail)
        return [(name, str(value)[:500]) for name, value in told.items() if value not in ("", None, [])]


@dataclass(frozen=True, slots=True)
class View:
    asked: Asked
    records: list[Line]
    later: bool
    """Whether this is not the first page."""
    checked: Checked | None = None

    @property
    def of(self) -> str:
        return self.asked.query("of")

    @property
    def first(self) -> str:
        return self._page()

    @property
    def next(self) -> str:
        return self._page(str(self.records[-1].seq)) if len(self.records) == SIZE else ""

    @property
    def export(self) -> str:
        return f"{self.asked.root}/audit/export{_query(of=self.of)}"

    def _page(self, before: str = "") -> str:
        return f"{self.asked.root}/audit{_query(of=self.of, before=before)}"


def show(asked: Asked) -> Response:
    return asked.page("audit.html", "Audit", audit=_view(asked))


def check(asked: Asked) -> Response:
    """Whether every record is as it was written."""
    view = _view(asked, asked.desk.store.audit.verify())
    return asked.page("audit.html", "Audit", audit=view)


def export(asked: Asked) -> Response:
    """The records as JSON lines, oldest first, so that the chain can be followed; none waits in memory."""
    records = asked.desk.store.audit.records(_subject(asked.query("of")))
    name = {"Content-Disposition": 'attachment; filename="audit.jsonl"'}
    return StreamingResponse(_lines(records), headers=name, media_type="application/x-ndjson")


def _view(asked: Asked, checked: Checked | None = None) -> View:
    before = asked.query("before")
    until = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    records = asked.desk.store.audit.newest(_subject(asked.query("of")), until, SIZE)
    return View(asked, [Line(each, asked.root) for each in records], until is not None, checked)


def _subject(of: str) -> str | None:
    """What a person typed, as the audit names it: a chat's number, or somebody."""
    if not of:
        return None
    return f"chat:{of}" if of.isdecimal() else f"user:{of}"


def _lines(records: Iterator[Record]) -> Iterator[str]:
    for record in records:
        yield json.dumps(asdict(record), ensure_ascii=False) + "\n"


def _query(**parameters: str) -> str:
    given = {name: value for name, value in parameters.items() if value}
    return f"?{urlencode(given)}" if given else ""
