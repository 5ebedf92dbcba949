"""The model's graph made ready: attention paged, the head run only where it is wanted, scores added."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attune.engines.openvino.adapter import branch
from attune.errors import EngineError

FED = ("input_ids", "max_context_len", "past_lens", "subsequence_begins")
FED_BLOCKS = ("block_indices", "block_indices_begins")
POSITIONS = "position_ids"
HEAD_ROWS, SCORED_ROWS, FOLLOWING = "head_rows", "scored_rows", "following"


def paged(core: Any, xml: Path, adapter: Path | None) -> Any:
    """The model in `xml`, with `adapter` if there is one, its attention paged, its vocabulary head run only
    where logits are wanted."""
    from openvino._offline_transformations import paged_attention_transformation

    try:
        model = core.read_model(xml)
        if adapter:
            branch(model, adapter)
        paged_attention_transformation(model)
    except RuntimeError as error:
        raise EngineError(f"{xml}: OpenVINO cannot read this model or page its attention: {error}") from error
    names = {port.get_any_name() for port in model.inputs}
    needed = {*FED, *FED_BLOCKS, "key_cache.0"}
    known = {*needed, POSITIONS}
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
    rows = opset13.parameter([-1], Type.i32, name=HEAD_ROWS)
    rows.output(0).set_names({HEAD_ROWS})
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
    rows = opset13.parameter([-1], Type.i32, name=SCORED_ROWS)
    following = opset13.parameter([-1, 1], Type.i32, name=FOLLOWING)
    rows.output(0).set_names({SCORED_ROWS})
    following.output(0).set_names({FOLLOWING})
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
