"""Models of Transformers in PyTorch, on CUDA or the CPU, under our own continuous batching (`engines.paged`).

`model` runs a decoder on a `step` of many requests: its layers write what they keep into the blocks of a
`cache` and look at them by an `attention` of ours.
"""

from __future__ import annotations

from attune.engines.torch.engine import TorchEngine

__all__ = ["TorchEngine"]
