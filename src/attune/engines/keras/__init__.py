"""Gemma by KerasHub on JAX: CPU, GPU, TPU.

One model of the `paged` room. `preset` finds and loads a KerasHub model (`library` is the package, `spm` its
vocabulary, `lora` its adapters); `model` sorts the rows of a step into batches of a few fixed shapes, each
run by a function of `step` that JAX compiles once for its shape.
"""

from __future__ import annotations

from attune.engines.keras.engine import KerasEngine

__all__ = ["KerasEngine"]
