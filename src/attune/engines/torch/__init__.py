"""Models of Transformers in PyTorch, on CUDA or the CPU.

`model` runs a decoder under our own continuous batching (`engines.paged`): its layers write what they keep
of a `step` of many requests into the blocks of a `cache` and look at them by an `attention` of ours. `runner`
runs a T5 (`engines.seq2seq`).
"""

from __future__ import annotations

from attune.engines.torch.engine import TorchEngine, TorchT5Engine

__all__ = ["TorchEngine", "TorchT5Engine"]
