"""How fast this machine multiplies, measured by products as the engine openvino runs them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attune.models.catalogue import FORMS

_WIDTH = 2048
_ROWS = 512
_TALL = 32_768
"""Rows of a matrix that no cache holds whole: 64 MB in 8 bits."""
_GROUP = 128
_MEASURED_S = 0.6
_AS_THE_ENGINE = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": 64}


@dataclass(frozen=True, slots=True)
class Rates:
    """For each form of weights: operations a second in a product of many tokens, a multiplication and an
    addition each; and weights a second in a product of one token, which has to read them all."""

    operations: Mapping[str, float]
    weights: Mapping[str, float]


def measure(threads: int = 0) -> Rates:
    """The best of the products that fit into a part of a second each, some five seconds in all.
    `threads` is as for the engine: 0 is all."""
    many = {form: 2 * _WIDTH * _WIDTH * _ROWS / _product_s(form, _WIDTH, _ROWS, threads) for form in FORMS}
    one = {form: _TALL * _WIDTH / _product_s(form, _TALL, 1, threads) for form in FORMS}
    return Rates(many, one)


def _product_s(form: str, height: int, rows: int, threads: int) -> float:
    """Seconds of a product of `rows` tokens with a matrix [height, _WIDTH]."""
    import openvino

    limit = {"INFERENCE_NUM_THREADS": threads} if threads else {}
    fed = openvino.opset13.parameter([-1, _WIDTH], openvino.Type.f32)
    product = openvino.opset13.matmul(fed, _weights(form, height), False, True)
    compiled = openvino.Core().compile_model(
        openvino.Model([product], [fed]), "CPU", {**_AS_THE_ENGINE, **limit}
    )
    request = compiled.create_infer_request()
    tokens = np.ones((rows, _WIDTH), np.float32)
    taken, until = [_timed(request, tokens)], time.perf_counter() + _MEASURED_S
    while time.perf_counter() < until:
        taken.append(_timed(request, tokens))
    return min(taken)


def _timed(request: Any, tokens: npt.NDArray[np.float32]) -> float:
    began = time.perf_counter()
    request.infer([tokens], share_inputs=True, share_outputs=True)
    return time.perf_counter() - began


def _weights(form: str, height: int) -> Any:
    """A matrix of compressed weights as the exporter writes it: in 8 bits a scale for each row, in 4 a scale
    and a zero point for each group."""
    import openvino
    from openvino import opset13

    if form == "int8":
        whole = opset13.convert(opset13.constant(np.ones((height, _WIDTH), np.int8)), "f32")
        return opset13.multiply(whole, opset13.constant(np.full((height, 1), 0.01, np.float32)))
    groups = (height, _WIDTH // _GROUP)
    packed = np.full(height * _WIDTH // 2, 0x97, np.uint8)
    shape = openvino.Shape([*groups, _GROUP])
    data = opset13.constant(openvino.Tensor(packed, shape, openvino.Type.u4))
    zero = opset13.constant(np.full((1, 1, 1), 8.0, np.float32))
    scale = opset13.constant(np.full((*groups, 1), 0.01, np.float32))
    scaled = opset13.multiply(opset13.subtract(opset13.convert(data, "f32"), zero), scale)
    return opset13.reshape(scaled, [height, _WIDTH], False)
