"""What computes a T5, to the threads that give it batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attune.engines.seq2seq.tokens import Tokens
from attune.engines.seq2seq.work import Work

Stop = Callable[[int], bool]


class Runner(Protocol):
    """A loaded model."""

    @property
    def tokens(self) -> Tokens: ...

    def run(self, works: list[Work], stop: Stop) -> None:
        """Runs works of one kind, from any thread. `stop` is asked between tokens whether the work of that
        number is given up."""

    def close(self) -> None:
        """Lets the model go."""
