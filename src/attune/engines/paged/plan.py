"""A step's plan: the rows it is made of, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass, field

from attune.engines.paged.model import Row
from attune.engines.paged.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a step and whose it is; `option` when it is the fork of a pick."""

    sequence: Sequence
    row: Row
    option: int | None = None


@dataclass(slots=True)
class Plan:
    """One step. Blocks are copied, target from source, before it; the borrowed are given back after it."""

    entries: list[Entry] = field(default_factory=list)
    copies: dict[int, int] = field(default_factory=dict)
    borrowed: list[int] = field(default_factory=list)

    def copy(self, source: int, target: int) -> None:
        """Has `source` copied to `target` before the step. All copies are made at once: where `source` is
        itself to be filled by one, `target` is filled from where that comes from."""
        self.copies[target] = self.copies.get(source, source)

    @property
    def sequences(self) -> list[Sequence]:
        return list(dict.fromkeys(entry.sequence for entry in self.entries))
