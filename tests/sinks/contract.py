"""What every sink keeps, whatever is behind it. A test class of a sink inherits SinkContract."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from attune import connect, sinks
from attune.export import Row
from attune.outcome import Place
from attune.sinks import KEY, Batch, Sink
from attune.store import Settled, StoredOutcome

TASK = connect.task("triage", "scripted:")
COLUMNS = sinks.columns(TASK)
HOSTILE = '\'); DROP TABLE outcomes; -- "quoted" \\ \n\t한국어 🙂 ${x} %s'


def a_row(number: int, place: Place = Place.TABLE, summary: str = "all well", at: float = 0.0) -> Row:
    """The row of a settled outcome, as a delivery makes it."""
    review, dead = place is Place.REVIEW, place is Place.DEAD
    outcome = StoredOutcome(
        place=place,
        key=f"chat-{number}",
        digest="0",
        task=TASK.name,
        task_version=TASK.version,
        user_id="u1",
        language=None,
        channel="mail",
        values={} if dead else {"sentiment": -1 if review else 1, "summary": summary},
        confidence={"sentiment": 0.75},
        flags=("shortened: 2 lines left out",),
        model="scripted",
        arm="base",
        prompt_tokens=10,
        output_tokens=5,
        first_slot_s=0.25,
        total_s=0.5,
        attempts=1,
        created_at=1_790_000_000.0 + number + at,
    )
    chat = {"id": outcome.key, "user_id": "u1", "turns": []} if review else None
    settled = Settled(outcome, HOSTILE if review else None, chat, "bad_input" if dead else None, None)
    return sinks.row(settled, TASK)


def rows(count: int, first: int = 0) -> list[Row]:
    places = list(Place)
    return [a_row(number, places[number % 3]) for number in range(first, first + count)]


def batch(rows: Sequence[Row], first: int = 0, again: bool = False) -> Batch:
    return Batch(first, first + len(rows), first, again, rows)


def plain(row: Row) -> Row:
    """The row as JSON would have it, so that what kinds of sinks give back can be compared."""
    read: Row = json.loads(json.dumps(row, default=_as_text))
    return read


def _as_text(value: Any) -> str:
    assert isinstance(value, datetime)
    return value.astimezone(UTC).isoformat(timespec="milliseconds")


class SinkContract:
    """Implement `make`, a sink for the same place each time, and `read`, all rows in it as they came."""

    def make(self) -> Sink:
        raise NotImplementedError

    def read(self) -> list[Row]:
        raise NotImplementedError

    def written(self) -> list[Row]:
        return sorted((plain(row) for row in self.read()), key=lambda row: int(row["id"].split("-")[1]))

    def write(self, *batches: Batch) -> None:
        sink = self.make()
        try:
            for each in batches:
                sink.write(each)
        finally:
            sink.close()

    def test_every_row_is_there_with_every_value(self) -> None:
        given = rows(7)
        self.write(batch(given[:4]), batch(given[4:], first=4))
        assert self.written() == [plain(row) for row in given]

    def test_text_stays_text(self) -> None:
        self.write(batch([a_row(0, summary=HOSTILE), a_row(1, Place.REVIEW)]))
        first, second = self.written()
        assert (first["summary"], second["review_draft"]) == (HOSTILE, HOSTILE)

    def test_a_batch_that_comes_again_is_there_once(self) -> None:
        given = rows(5)
        self.write(batch(given))
        self.write(batch(given, again=True), batch(rows(2, 5), first=5))
        assert self.written() == [plain(row) for row in rows(7)]

    def test_a_batch_that_comes_again_to_the_same_process_is_there_once(self) -> None:
        given = rows(5)
        self.write(batch(given), batch(given, again=True), batch(rows(2, 5), first=5))
        assert self.written() == [plain(row) for row in rows(7)]

    def test_a_batch_that_did_not_arrive_is_taken_when_it_comes_again(self) -> None:
        self.write(batch(rows(3, 0)))
        self.write(batch(rows(3, 3), first=3, again=True))
        assert self.written() == [plain(row) for row in rows(6)]

    def test_of_two_rows_under_one_key_the_later_counts(self) -> None:
        self.write(batch([a_row(0, Place.DEAD)]))
        self.write(batch([a_row(0, Place.TABLE, at=60.0)], first=1))
        newest: dict[tuple[str, ...], Row] = {}
        for row in sorted(map(plain, self.read()), key=lambda row: str(row["created_at"])):
            newest[tuple(row[name] for name in KEY)] = row
        (row,) = newest.values()
        assert row["place"] == "table"

    def test_nothing_is_connected_before_the_first_batch_and_closing_twice_is_closing_once(self) -> None:
        sink = self.make()
        assert sink.terms.places == frozenset(Place)
        sink.close()
        sink.close()
