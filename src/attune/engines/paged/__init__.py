"""Continuous batching over a paged key-value cache, whoever computes the model.

A request becomes a `sequence` (`asked`). A step goes: `scheduler` lets in what the cache has room for, less
what `blocks` finds there already, and shares the step out among the running sequences; the `model` runs their
rows, and `engine` hands each `sequence` its logits. That shows them to the writer of its slot (`slots`,
`pick`, `free`), which draws tokens and says when its text is whole.
"""

from __future__ import annotations

from attune.engines.paged.engine import PagedEngine
from attune.engines.paged.stats import Stats

__all__ = ["CONTEXT_TOKENS", "PagedEngine", "Stats"]

CONTEXT_TOKENS = 2048
"""What a request may take by default, prompt and answer; a model's own limit counts where it is lower."""
