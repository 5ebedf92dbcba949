"""Works: what a runner does for one request, a few of one kind in a batch. Each is given its result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from attune.engines.seq2seq.walk import Walk
from attune.request import Sampling


@dataclass(frozen=True, slots=True)
class Settings:
    """How texts of one batch are generated: all of it at once, by the runner."""

    tokens: int
    sampling: Sampling
    sequences: int = 1


def settings(tokens: int, sampling: Sampling, sequences: int) -> Settings:
    """Settings that are equal where texts can be generated together: without what a runner is not told."""
    return Settings(tokens, replace(sampling, seed=None, stop=()), sequences)


@dataclass(eq=False, slots=True)
class Generate:
    """Text by greedy or beam search, or drawn without a seed: the tokens of each, the best first, without
    the end."""

    source: list[int]
    settings: Settings
    texts: list[list[int]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Score:
    """The log-probability of each token of `target`, and of the end after it."""

    source: list[int]
    target: list[int]
    logprobs: list[float] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Draw:
    """Tokens that `walk` takes by itself from the logits; run again until it is done."""

    source: list[int]
    walk: Walk
    error: Exception | None = None
    """Why the walk could not go on."""


Work = Generate | Score | Draw


def kind(work: Work) -> object:
    """Works of one kind can be in one batch."""
    return work.settings if isinstance(work, Generate) else type(work)


def length(work: Work) -> int:
    """Tokens in source and target, about."""
    match work:
        case Generate():
            return len(work.source)
        case Score():
            return len(work.source) + len(work.target)
        case Draw():
            return len(work.source) + len(work.walk.ids)


def width(work: Work) -> int:
    """How many sequences the work is for the decoder."""
    return work.settings.sampling.num_beams if isinstance(work, Generate) else 1
