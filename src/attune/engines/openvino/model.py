"""One OpenVINO model with its key-value cache: rows of tokens in, logits out.

All that touches the openvino package is here, and it is imported only when a model is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from attune.engines.openvino.blocks import BLOCK_TOKENS
from attune.errors import EngineError

Logits = npt.NDArray[np.float32]

_FED = ("input_ids", "max_context_len", "past_lens", "subsequence_begins")
_FED_BLOCKS = ("block_indices", "block_indices_begins")
_POSITIONS = "position_ids"
_HEAD_ROWS, _SCORED_ROWS, _FOLLOWING = "head_rows", "scored_rows", "following"
_EXACT = {
    "INFERENCE_PRECISION_HINT": "f32",
    "KV_CACHE_PRECISION": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
}
_FAST = {"KV_CACHE_PRECISION": "f16", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 64}
"""The plugin computes in bfloat16 where the processor can, and a 16-bit cache is of the same kind. An 8-bit
cache, its default, is no faster, and rounds a block again for every token that joins. Where it computes in
float32 it quantises the activations, by default in groups of 32; by 64 a prefill takes a fifth less."""


@dataclass(frozen=True, slots=True)
class Row:
    """A run of new tokens of one sequence. `table` lists its blocks, those of its past first; the
    logits of its last `wanted` tokens are asked for. With `following`, as many tokens as are wanted, it
    is the log-probability of each of these after what stands before it."""

    tokens: list[int]
    past: int
    table: list[int]
    wanted: int
    following: list[int] = field(default_factory=list)


class PagedModel:
    """A compiled model with paged attention. It runs once its cache is allocated."""

    def __init__(self, xml: Path, exact: bool = False, threads: int = 0) -> None:
        """With `threads` processors, or as many as OpenVINO sees."""
        openvino = _openvino()
        core = openvino.Core()
        model = _paged(core, xml)
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
        """Copies what the blocks `sources` hold to `targets`, in every layer."""
        for cache in self._cache:
            cache[targets] = cache[sources]

    def infer(self, rows: list[Row]) -> tuple[Logits, Logits]:
        """One step over `rows`: the logits of all wanted tokens, in order, shape [wanted, vocabulary], and
        the log-probabilities of all following, in order.

        The arrays are the model's own and hold until the next step.
        """
        lengths = np.array([len(row.tokens) for row in rows])
        pasts = np.array([row.past for row in rows])
        begins = _begins(lengths)
        offsets = np.repeat(pasts - begins[:-1], lengths)
        used = [row.table[: -(-(row.past + len(row.tokens)) // BLOCK_TOKENS)] for row in rows]
        wanted = [np.arange(end - row.wanted, end) for row, end in zip(rows, begins[1:], strict=True)]
        self._feed("input_ids", np.concatenate([row.tokens for row in rows]), np.int64)
        if _POSITIONS in self._fed:  # a model may count for itself
            self._feed(_POSITIONS, np.arange(begins[-1]) + offsets, np.int64)
        self._feed("past_lens", pasts)
        self._feed("subsequence_begins", begins)
        self._feed("block_indices", np.concatenate(used))
        self._feed("block_indices_begins", _begins(np.array([len(table) for table in used])))
        self._feed("max_context_len", np.array((pasts + lengths).max()))
        self._feed(_HEAD_ROWS, np.concatenate(wanted))
        scored = np.repeat([bool(row.following) for row in rows], [row.wanted for row in rows])
        self._feed(_SCORED_ROWS, np.flatnonzero(scored))
        self._feed(_FOLLOWING, np.array([token for row in rows for token in row.following]).reshape(-1, 1))
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


def _paged(core: Any, xml: Path) -> Any:
    """The model in `xml`, its attention paged, its vocabulary head run only where logits are wanted."""
    from openvino._offline_transformations import paged_attention_transformation

    try:
        model = core.read_model(xml)
        paged_attention_transformation(model)
    except RuntimeError as error:
        raise EngineError(f"{xml}: OpenVINO cannot read this model or page its attention: {error}") from error
    names = {port.get_any_name() for port in model.inputs}
    needed = {*_FED, *_FED_BLOCKS, "key_cache.0"}
    known = {*needed, _POSITIONS}
    odd = sorted(name for name in names - known if not name.startswith(("key_cache.", "value_cache.")))
    if odd or needed - names:
        what = f"takes {', '.join(odd)}" if odd else f"has no {', '.join(sorted(needed - names))}"
        raise EngineError(f"{xml}: not a decoder of text this engine can run: it {what}")
    _gather_before_head(model)
    _score_after_head(model)
    return model


def _gather_before_head(model: Any) -> None:
    """Puts a Gather before the last matrix product and makes the output [wanted, vocabulary]:
    most tokens of a prefill need no logits, and the head is the widest layer."""
    from openvino import Type, opset13

    result = model.get_results()[0]
    head = result.input(0).get_source_output().get_node()
    while head.get_type_name() != "MatMul":
        fed = [head.input_value(index).get_node() for index in range(head.get_input_size())]
        data = [node for node in fed if not _constant(node)]  # a cap on the logits has constants too
        if not data:
            raise EngineError("The model ends in no vocabulary head: this engine cannot run it.")
        head = data[0]
    rows = opset13.parameter([-1], Type.i32, name=_HEAD_ROWS)
    rows.output(0).set_names({_HEAD_ROWS})
    gathered = opset13.gather(head.input_value(0), rows, opset13.constant(0, Type.i32))
    head.input(0).replace_source_output(gathered.output(0))
    logits = result.input_value(0)
    flat = opset13.squeeze(logits, opset13.constant([1], Type.i32))
    result.input(0).replace_source_output(flat.output(0))
    model.add_parameters([rows])
    model.validate_nodes_and_infer_types()


def _score_after_head(model: Any) -> None:
    """Adds the output [scored, 1], the log-probabilities of given tokens: of a large vocabulary, taking them
    from the logits would cost as much as all else."""
    from openvino import Type, opset13

    result = model.get_results()[0]
    rows = opset13.parameter([-1], Type.i32, name=_SCORED_ROWS)
    following = opset13.parameter([-1, 1], Type.i32, name=_FOLLOWING)
    rows.output(0).set_names({_SCORED_ROWS})
    following.output(0).set_names({_FOLLOWING})
    last = opset13.constant([1], Type.i32)
    logits = opset13.gather(result.input_value(0), rows, opset13.constant(0, Type.i32))
    shifted = opset13.subtract(logits, opset13.reduce_max(logits, last, keep_dims=True))
    total = opset13.reduce_sum(opset13.exp(shifted), last, keep_dims=True)
    scores = opset13.subtract(opset13.gather_elements(shifted, following, 1), opset13.log(total))
    model.add_parameters([rows, following])
    model.add_results([opset13.result(scores)])
    model.validate_nodes_and_infer_types()


def _constant(node: Any) -> bool:
    while node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    return bool(node.get_type_name() == "Constant")


def _tail(port: Any) -> list[int]:
    return [dim.get_length() for dim in list(port.get_partial_shape())[1:]]


def _block_bytes(port: Any) -> int:
    count = 1
    for size in _tail(port):
        count *= size
    return count * int(port.get_element_type().size)
