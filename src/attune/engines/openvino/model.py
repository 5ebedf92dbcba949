"""One OpenVINO model with its key-value cache: rows of tokens in, logits out.

All that touches the openvino package is here, and it is imported only when a model is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from attune.engines.openvino.graph import FOLLOWING, HEAD_ROWS, POSITIONS, SCORED_ROWS, paged
from attune.engines.paged.blocks import BLOCK_TOKENS
from attune.engines.paged.model import Logits, Row
from attune.errors import EngineError

_EXACT = {
    "INFERENCE_PRECISION_HINT": "f32",
    "KV_CACHE_PRECISION": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
}
_FAST = {"KV_CACHE_PRECISION": "f16", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 64}
"""The plugin computes in bfloat16 where the processor can, and a 16-bit cache is of the same kind. An 8-bit
cache, its default, is no faster, and rounds a block again for every token that joins. Where it computes in
float32 it quantises the activations, by default in groups of 32; by 64 a prefill takes a fifth less."""


class OpenVINOModel:
    """A compiled PagedModel."""

    def __init__(self, xml: Path, adapter: Path | None = None, exact: bool = False, threads: int = 0) -> None:
        """With `threads` processors, or as many as OpenVINO sees."""
        openvino = _openvino()
        core = openvino.Core()
        model = paged(core, xml, adapter)
        limit = {"INFERENCE_NUM_THREADS": threads} if threads else {}
        compiled = core.compile_model(model, "CPU", {**(_EXACT if exact else _FAST), **limit})
        self._request = compiled.create_infer_request()
        self._caches = {
            port.get_any_name(): port for port in compiled.inputs if "cache" in port.get_any_name()
        }
        self.block_bytes = sum(_block_bytes(port) for port in self._caches.values())
        self.vocabulary = int(compiled.outputs[0].get_partial_shape()[1].get_length())
        self._fed = {port.get_any_name() for port in compiled.inputs}
        self._tensor = openvino.Tensor
        self._cache: list[npt.NDArray[Any]] = []

    def allocate(self, blocks: int) -> None:
        """Makes the cache. Its zeros are the system's: a block takes no memory before it is first written."""
        for name, port in self._caches.items():
            array = np.zeros([blocks, *_tail(port)], port.get_element_type().to_dtype())
            self._cache.append(array)
            self._request.set_tensor(name, self._tensor(array, array.shape, port.get_element_type()))

    def copy_blocks(self, sources: list[int], targets: list[int]) -> None:
        for cache in self._cache:
            cache[targets] = cache[sources]

    def infer(self, rows: list[Row]) -> tuple[Logits, Logits]:
        lengths = np.array([len(row.tokens) for row in rows])
        pasts = np.array([row.past for row in rows])
        begins = _begins(lengths)
        offsets = np.repeat(pasts - begins[:-1], lengths)
        used = [row.table[: -(-(row.past + len(row.tokens)) // BLOCK_TOKENS)] for row in rows]
        wanted = [np.arange(end - row.wanted, end) for row, end in zip(rows, begins[1:], strict=True)]
        self._feed("input_ids", np.concatenate([row.tokens for row in rows]), np.int64)
        if POSITIONS in self._fed:  # a model may count for itself
            self._feed(POSITIONS, np.arange(begins[-1]) + offsets, np.int64)
        self._feed("past_lens", pasts)
        self._feed("subsequence_begins", begins)
        self._feed("block_indices", np.concatenate(used))
        self._feed("block_indices_begins", _begins(np.array([len(table) for table in used])))
        self._feed("max_context_len", np.array((pasts + lengths).max()))
        self._feed(HEAD_ROWS, np.concatenate(wanted))
        scored = np.repeat([bool(row.following) for row in rows], [row.wanted for row in rows])
        self._feed(SCORED_ROWS, np.flatnonzero(scored))
        self._feed(FOLLOWING, np.array([token for row in rows for token in row.following]).reshape(-1, 1))
        self._request.infer()
        return self._request.get_output_tensor(0).data, self._request.get_output_tensor(1).data[:, 0]

    def _feed(self, name: str, values: npt.NDArray[Any], dtype: npt.DTypeLike = np.int32) -> None:
        self._request.set_tensor(name, self._tensor(np.asarray(values, dtype)))


def _begins(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)])


def _openvino() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise EngineError(
            "The openvino package is not installed, and this model needs it. "
            "Install it with: pip install openvino"
        ) from error
    return openvino


def _tail(port: Any) -> list[int]:
    return [dim.get_length() for dim in list(port.get_partial_shape())[1:]]


def _block_bytes(port: Any) -> int:
    count = 1
    for size in _tail(port):
        count *= size
    return count * int(port.get_element_type().size)
