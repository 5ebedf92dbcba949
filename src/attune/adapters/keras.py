"""LoRA as KerasHub keeps it, `backbone.save_lora_weights("….lora.h5")`, to PEFT's matrices and back.

KerasHub factors the kernels that its einsums have. A query's is [heads, width, head size]: its A is
[heads, width, rank], its B [rank, head size] and the same for all heads. As matrices that is A of
heads · rank rows and B with a block for each head. The other way, the blocks of all heads below one another
are cut by their singular values to the least rank that holds them. Layers have no names in the file but their
number among the model's layers that have weights (keras_hub/src/models/backbone.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from attune.address import load
from attune.errors import ModelError
from attune.lora import Factors, Matrix, named

SUFFIX = ".lora.h5"
MODULES = {
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "attention_output": "self_attn.o_proj",
    "ffw_gating": "mlp.gate_proj",
    "ffw_gating_2": "mlp.up_proj",
    "ffw_linear": "mlp.down_proj",
}
"""Transformers' names of KerasHub's layers."""
DEFAULT = ("query", "value")
"""What `backbone.enable_lora(rank)` tunes where no layers are named."""
_BY_HEAD = ("query", "key", "value")
_BLOCK = (
    *("block", "ffw_linear", "ffw_gating_2", "ffw_gating", "post_ffw_norm", "pre_ffw_norm"),
    *("attention", "attention_output", "key_norm", "query_norm", "value", "key", "query"),
    *("post_attention_norm", "pre_attention_norm"),
)
"""The layers of a decoder block in KerasHub's order, itself first."""
_LACKS = {
    "gemma": {"post_ffw_norm", "post_attention_norm", "key_norm", "query_norm"},
    "gemma2": {"key_norm", "query_norm"},
    "gemma3_text": set[str](),
}
"""Those of them that a family has not, by Transformers' name of it."""
_NEGLIGIBLE = 1e-6
"""Singular values below this share of the largest are rounding."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a model's layers are in KerasHub's count, and the shapes of their kernels: all sides but the
    last, and the last."""

    layers: int
    block: tuple[str, ...]
    shapes: Mapping[str, tuple[tuple[int, ...], int]]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Layout:
        """By a model's config.json as Transformers has it. Raises ModelError for an unknown family."""
        config = {**config, **(config.get("text_config") or {})}
        family = str(config.get("model_type"))
        if family not in _LACKS:
            raise ModelError(
                f"how KerasHub keeps LoRA weights of the family {family!r} is not known here; of Gemma 1, 2 "
                "and 3 it is"
            )
        width, head, wide = (int(config[key]) for key in ("hidden_size", "head_dim", "intermediate_size"))
        heads, pairs = int(config["num_attention_heads"]), int(config["num_key_value_heads"])
        shapes = {
            "query": ((heads, width), head),
            "key": ((pairs, width), head),
            "value": ((pairs, width), head),
            "attention_output": ((heads, head), width),
            "ffw_gating": ((width,), wide),
            "ffw_gating_2": ((width,), wide),
            "ffw_linear": ((wide,), width),
        }
        block = tuple(name for name in _BLOCK if name not in _LACKS[family])
        return cls(int(config["num_hidden_layers"]), block, shapes)

    def places(self) -> dict[int, tuple[str, str]]:
        """KerasHub's name of a layer and Transformers' name of its module, by its number: behind the
        embedding and the blocks before."""
        return {
            1 + layer * len(self.block) + self.block.index(name): (name, f"model.layers.{layer}.{module}")
            for layer in range(self.layers)
            for name, module in MODULES.items()
        }


def read(path: Path, config: Mapping[str, Any]) -> dict[str, Factors]:
    """The factors in the file, for the model with this config.json, by module as Transformers calls it.

    Raises ModelError, saying what is wrong with the file or does not fit the model.
    """
    layout = Layout.of(config)
    places = layout.places()
    found = {}
    try:
        with load("h5py", "tune").File(path) as file:
            for number in (int(key) for key in file["lora"] if key != "vars"):
                kernels = file[f"lora/{number}/vars"]
                name, module = places[number]
                found[module] = _matrices(
                    name, layout, kernels["lora_kernel_a"][:], kernels["lora_kernel_b"][:]
                )
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(
            f"{path} cannot be read as KerasHub's LoRA weights of this model ({error}): is it of another?"
        ) from error
    if not found:
        raise ModelError(f"{path} holds no LoRA weights")
    return found


def write(factors: Mapping[str, Factors], config: Mapping[str, Any], path: Path) -> tuple[int, list[str]]:
    """Writes `factors` to the new file `path`, as KerasHub loads them into the model with this config.json.

    Gives the rank and the layers' names that `backbone.enable_lora` must be told first. All layers of a name
    are there, those that were not tuned as zeros. Raises ModelError for modules that KerasHub has none like.
    """
    layout = Layout.of(config)
    places = layout.places()
    modules = {module: name for name, module in places.values()}
    if odd := [module for module in factors if module not in modules]:
        raise ModelError(f"KerasHub has no layers like {named(odd)} of this model")
    kernels = {module: _kernels(modules[module], layout, added) for module, added in factors.items()}
    rank = max(b.shape[0] for _, b in kernels.values())
    names = [name for name in MODULES if name in (*DEFAULT, *(modules[module] for module in kernels))]
    with load("h5py", "tune").File(path, "w") as file:
        file["lora/vars/rank"] = rank
        for number, (name, module) in places.items():
            if name in names:
                lead, last = layout.shapes[name]
                nothing = np.zeros((*lead, 0), np.float32), np.zeros((0, last), np.float32)
                a, b = kernels.get(module, nothing)
                missing = rank - b.shape[0]
                file[f"lora/{number}/vars/lora_kernel_a"] = np.pad(a, [(0, 0)] * len(lead) + [(0, missing)])
                file[f"lora/{number}/vars/lora_kernel_b"] = np.pad(b, [(0, missing), (0, 0)])
    return rank, names


def _matrices(name: str, layout: Layout, a: Matrix, b: Matrix) -> Factors:
    lead, last = layout.shapes[name]
    if a.shape != (*lead, b.shape[0]) or b.shape[1:] != (last,):
        raise ValueError(
            f"{name} is {list(a.shape[:-1])} by {list(b.shape[1:])}, not {list(lead)} by {[last]}"
        )
    if name in _BY_HEAD:
        heads, width = lead
        rows = a.transpose(0, 2, 1).reshape(-1, width)
        return Factors(rows, np.kron(np.eye(heads, dtype=np.float32), b.T), 1.0)
    return Factors(a.reshape(-1, a.shape[-1]).T, b.T, 1.0)


def _kernels(name: str, layout: Layout, added: Factors) -> tuple[Matrix, Matrix]:
    lead, last = layout.shapes[name]
    rank = added.a.shape[0]
    b = added.b * np.float32(added.scale)
    if name not in _BY_HEAD:
        return added.a.T.reshape(*lead, rank), b.T
    heads = lead[0]
    below = b.reshape(heads, last, rank).transpose(0, 2, 1).reshape(heads * rank, last)
    left, values, right = np.linalg.svd(below, full_matrices=False)
    least = max(1, int((values > values[0] * _NEGLIGIBLE).sum()))
    mixed = (left * values)[:, :least].reshape(heads, rank, least)
    return np.einsum("rd,nrk->ndk", added.a, mixed), right[:least]
