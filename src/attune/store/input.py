"""An input of the store: as it came, in a worker's hands, and what became of a handful of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from attune.chat import Chat


@dataclass(frozen=True, slots=True)
class Input:
    """One input as it came: `key` and `digest` name it, `ref` says where it came from."""

    key: str
    """The chat's id, or attune.chat.raw_key where no id can be read."""
    digest: str
    """A hash of what was said: the same key with another digest is another chat."""
    raw: bytes
    ref: str
    chat: Chat | None = field(default=None, compare=False)
    """The chat in `raw`, where somebody has read it already."""

    @property
    def spare_key(self) -> str:
        """The key of its dead letter when another chat has used its own."""
        return f"{self.key}~{self.digest[:8]}"


@dataclass(frozen=True, slots=True)
class Item(Input):
    """An input in a worker's hands: no other worker has it while the lease lives."""

    id: int = field(kw_only=True)
    """Its row in the inbox."""
    claims: int = field(kw_only=True)
    """How often it was taken and not given back: a high number means that it kills its workers."""
    conflict: bool = field(kw_only=True)
    """Another chat came first under the same key."""


@dataclass(frozen=True, slots=True)
class Enqueued:
    added: int
    repeated: int
    """Inputs that were waiting already."""


@dataclass(frozen=True, slots=True)
class Admitted:
    items: tuple[Item, ...]
    repeated: int
    """Inputs that were settled before, or are in the same owner's hands already."""
    held: tuple[Input, ...]
    """Inputs in another owner's hands, whose lease lives."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who takes inputs, for which versions of which task, and how long they stay its without a renewal."""

    task: str
    versions: Collection[str]
    owner: str
    lease_s: float
