"""Gemma on the CPU by OpenVINO: its paged attention under our own continuous batching (`engines.paged`).

`graph` makes a folder's model ready for that, with an `adapter` where there is one, and `model` runs it.
"""

from __future__ import annotations

from attune.engines.openvino.engine import OpenVINOEngine

__all__ = ["OpenVINOEngine"]
