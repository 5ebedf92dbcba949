"""A LoRA put into a model's graph: what it adds to a module's output, as a branch beside that module."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from attune.lora import fitting

_HEAD = "lm_head"
_GRAPH = "openvino_model.xml"


def branch(model: Any, adapter: Path) -> None:
    """Adds what the adapter in the PEFT folder `adapter` adds to its modules, in the graph `model` as it was
    read. The weights there, whatever their type, stay as they are.

    Raises EngineError for an adapter that cannot be read, and names the modules that the graph has not, or
    has in another shape.
    """
    from openvino import opset13

    found = _linear_layers(model)
    shapes = {module: _shape(product) for module, product in found.items() if module != _HEAD}
    for module, added in fitting(adapter, shapes).items():
        product = found[module]
        readers = product.output(0).get_target_inputs()
        narrow = opset13.matmul(product.input_value(0), opset13.constant(added.a), False, True)
        wide = opset13.matmul(narrow, opset13.constant(added.b * np.float32(added.scale)), False, True)
        total = opset13.add(product.output(0), wide)
        for reader in readers:
            reader.replace_source_output(total.output(0))
    model.validate_nodes_and_infer_types()


def adapted(folder: Path, adapter: Path) -> Any:
    """The graph in the model's folder with the adapter's branches. Raises EngineError if they do not fit."""
    import openvino

    model = openvino.Core().read_model(folder / _GRAPH)
    branch(model, adapter)
    return model


def save(folder: Path, adapter: Path, target: Path) -> None:
    """Writes what is in the OpenVINO folder `folder` to the new folder `target`, the adapter in its graph.

    Raises EngineError where the adapter does not fit.
    """
    import openvino

    model = adapted(folder, adapter)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("openvino_model.*"))
    openvino.save_model(model, target / _GRAPH, compress_to_fp16=False)  # that would round other constants


def _linear_layers(model: Any) -> dict[str, Any]:
    """The matrix products of the modules, by the module's name, which the exporter left in theirs:
    __module.model.layers.0.self_attn.q_proj/aten::linear/MatMul."""
    products = [node for node in model.get_ops() if node.get_type_name() == "MatMul"]
    linear = [node for node in products if node.input_value(1).get_partial_shape().is_static]
    return {node.get_friendly_name().partition("/")[0].removeprefix("__module."): node for node in linear}


def _shape(product: Any) -> tuple[int, int]:
    """Outputs and inputs of a linear layer; its weights are its second factor, transposed."""
    rows, columns = product.input_value(1).get_partial_shape()
    return rows.get_length(), columns.get_length()
