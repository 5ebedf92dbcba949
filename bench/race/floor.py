"""What this machine could do at best: its measured peaks, and the least time a run's work takes at them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.race.steps import KINDS

_SIDE = 2048


@dataclass(frozen=True, slots=True)
class Peaks:
    """Matrix products in operations a second, and reading memory in bytes a second."""

    operations: float
    bytes: float


def measure() -> Peaks:
    """A product of two square matrices as OpenVINO runs it here, and a copy of more than the caches hold."""
    import openvino
    from openvino import opset13

    rows = opset13.parameter([_SIDE, _SIDE], openvino.Type.f32)
    weights = opset13.constant(np.full((_SIDE, _SIDE), 0.5, np.float32))
    model = openvino.Model([opset13.matmul(rows, weights, False, True)], [rows])
    request = openvino.Core().compile_model(model, "CPU").create_infer_request()
    fed = np.ones((_SIDE, _SIDE), np.float32)
    product_s = _best(lambda: request.infer([fed], share_inputs=True))
    source = np.ones(2**27, np.uint8)
    target = np.empty_like(source)
    copy_s = _best(lambda: np.copyto(target, source))
    return Peaks(2 * _SIDE**3 / product_s, 2 * source.size / copy_s)


def _best(act: Callable[[], Any], times: int = 8) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return min(taken)


@dataclass(frozen=True, slots=True)
class Weights:
    """The int8 weights that a token is multiplied with in the layers, and those of the vocabulary's head."""

    layers: int
    head: int


def weights(folder: Path) -> Weights:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    width, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    attention = config["head_dim"] * width * (2 * heads + 2 * config["num_key_value_heads"])
    layers = config["num_hidden_layers"] * (attention + 3 * width * inner)
    return Weights(layers, config["vocab_size"] * width)


def floor_s(told: Mapping[str, float], has: Weights, peaks: Peaks) -> dict[str, float]:
    """For each kind of step, the least seconds: its products at the peak, or reading the weights once a step,
    whichever takes longer. Attention and all else is left out, so the truth lies above."""
    least = {}
    for kind in KINDS:
        products = 2 * (has.layers * told[f"{kind}.tokens"] + has.head * told[f"{kind}.rows"])
        read = (has.layers + has.head) * told[f"{kind}.steps"]
        least[kind] = max(products / peaks.operations, read / peaks.bytes)
    return least
