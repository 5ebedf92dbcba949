"""What an engine says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stats:
    """What an engine has done since it began, and what it is doing now."""

    running: int
    waiting: int
    blocks: int
    free_blocks: int
    """Blocks that nobody holds, those that can still be found included."""
    prompt_tokens: int
    cached_tokens: int
    """Of the prompts' tokens, those that were in the cache already."""
    fed_tokens: int
    steps: int
    preemptions: int
    infer_s: float
    """Time in the model, and in all steps."""
    step_s: float

    @property
    def hit_rate(self) -> float:
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0
