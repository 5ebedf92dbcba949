"""Gemma on the CPU by OpenVINO: our own continuous batching over its paged attention.

A step goes: `engine` admits what the cache has room for, `scheduler` picks this step's rows from the
running sequences, `model` runs them, and each `sequence` shows its logits to the writer of its slot
(`slots`, `free`), which draws tokens and says when its text is whole.
"""

from __future__ import annotations

from attune.engines.openvino.engine import OpenVINOEngine

__all__ = ["OpenVINOEngine"]
