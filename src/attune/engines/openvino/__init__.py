"""Gemma on the CPU by OpenVINO: our own continuous batching over its paged attention.

A request becomes a `sequence` (`asked`). A step goes: `scheduler` lets in what the cache has room for, less
what `blocks` finds there already, and shares the step out among the running sequences; `model` runs their
rows, and `engine` hands each `sequence` its logits. That shows them to the writer of its slot (`slots`,
`pick`, `free`), which draws tokens and says when its text is whole.
"""

from __future__ import annotations

from attune.engines.openvino.engine import OpenVINOEngine
from attune.engines.openvino.stats import Stats

__all__ = ["OpenVINOEngine", "Stats"]
