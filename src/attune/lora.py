"""A LoRA in PEFT's folder: which matrices are added to which modules of a model."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from attune.errors import EngineError
from attune.visible import visible

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PLAIN = frozenset(
    (
        *("alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "corda_config"),
        *("ensure_weight_tying", "eva_config", "exclude_modules", "inference_mode", "init_lora_weights"),
        *("layers_pattern", "layers_to_transform", "loftq_config", "lora_alpha", "lora_dropout"),
        *("lora_ga_config", "megatron_core", "peft_type", "peft_version", "qalora_group_size", "r"),
        *("rank_pattern", "revision", "runtime_config", "target_modules", "task_type", "use_rslora"),
    )
)
"""Settings that leave the sum W + scale·B·A as it is, or are read here; any other that is set changes it."""
_STARTS = (True, False, "gaussian", "eva", "orthogonal")
"""Ways to begin a training; the others change the model's own weights too."""
_KEY = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16}

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Factors:
    """What a module's output gets in addition: scale · x·aᵀ·bᵀ, with `a` [rank, in] and `b` [out, rank]
    (Hu et al. 2021, LoRA)."""

    a: Matrix
    b: Matrix
    scale: float


def read(folder: Path) -> dict[str, Factors]:
    """The factors in the PEFT folder, by module as Transformers calls it: model.layers.0.self_attn.q_proj.

    Raises EngineError for a folder that cannot be read, and for an adapter that is more than such factors:
    DoRA, biases, whole modules, embeddings.
    """
    config = _config(folder / CONFIG)
    refused = [name for name, value in config.items() if value and name not in _PLAIN]
    refused += [
        name
        for name, plain in (("bias", ("none",)), ("init_lora_weights", _STARTS))
        if config.get(name, plain[0]) not in plain
    ]
    tensors = _tensors(folder / WEIGHTS)
    keys = {name: _KEY.fullmatch(name) for name in tensors}
    refused += [name for name, key in keys.items() if key is None]
    if config.get("peft_type") != "LORA" or refused:
        what = ", ".join(refused[:4]) or f"a {config.get('peft_type')}"
        raise EngineError(
            f"{folder}: an adapter with {visible(what)}: only plain LoRA matrices of linear layers can be "
            "served. Merge it into its model, or train one without."
        )
    sides = {(key["module"], key["side"]): tensors[name] for name, key in keys.items() if key}
    try:
        return {
            module: _factors(
                sides[module, "A"], sides[module, "B"], _scale(config, module, sides[module, "A"])
            )
            for module in dict.fromkeys(module for module, _ in sides)
        }
    except (KeyError, ValueError, TypeError, re.error) as error:
        raise EngineError(
            f"{folder}: the two matrices of a module do not belong together ({error})"
        ) from error


def fitting(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Factors]:
    """The factors in the PEFT folder `folder` for a model whose linear layers have `shapes`, [out, in], by
    their names.

    Raises EngineError for an adapter that cannot be read, and names the modules that the model has not, or
    has in another shape.
    """
    # An untrained one adds nothing, and may be of a layer that takes another's keys and was left out.
    trained = {module: added for module, added in read(folder).items() if added.b.any()}
    wanted = {module.replace("language_model.", ""): added for module, added in trained.items()}
    if missing := [module for module in wanted if module not in shapes]:
        raise EngineError(
            f"{folder} changes {named(missing)}, which this engine cannot find in the model, or cannot "
            "change: it serves adapters of the linear layers before the vocabulary head. Is it this model's?"
        )
    needs = {module: (added.b.shape[0], added.a.shape[1]) for module, added in wanted.items()}
    if odd := [module for module, shape in needs.items() if shapes[module] != shape]:
        there, here = shapes[odd[0]], needs[odd[0]]
        raise EngineError(
            f"{folder} was made for another model: its {named(odd)} is {here[0]}×{here[1]}, "
            f"the model's is {there[0]}×{there[1]}"
        )
    return wanted


def write(folder: Path, factors: Mapping[str, Factors], base: str, task_type: str = "CAUSAL_LM") -> None:
    """Writes `factors`, their scales multiplied into b, as a PEFT folder for the model called `base`."""
    ranks = {module: added.a.shape[0] for module, added in factors.items()}
    most = max(ranks.values())
    others = {module: rank for module, rank in ranks.items() if rank != most}
    config = {
        "peft_type": "LORA",
        "task_type": task_type,
        "base_model_name_or_path": base,
        "inference_mode": True,
        "r": most,
        "lora_alpha": most,
        "rank_pattern": others,
        "alpha_pattern": others,
        "target_modules": list(factors),
        "bias": "none",
    }
    tensors = {}
    for module, added in factors.items():
        tensors[f"base_model.model.{module}.lora_A.weight"] = np.ascontiguousarray(added.a)
        tensors[f"base_model.model.{module}.lora_B.weight"] = np.ascontiguousarray(
            added.b * np.float32(added.scale)
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    (folder / WEIGHTS).write_bytes(save(tensors, {"format": "pt"}))


def _factors(a: Matrix, b: Matrix, scale: float) -> Factors:
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
        raise ValueError(f"{list(a.shape)} and {list(b.shape)}")
    return Factors(a, b, scale)


def _scale(config: Mapping[str, Any], module: str, a: Matrix) -> float:
    """alpha/rank, or alpha/√rank for rank-stabilised LoRA (Kalajdzievski 2023)."""
    alpha = _by_pattern(config.get("alpha_pattern") or {}, module, config["lora_alpha"])
    rank = a.shape[0]
    return float(alpha / (math.sqrt(rank) if config.get("use_rslora") else rank))


def _by_pattern(patterns: Mapping[str, float], module: str, default: float) -> float:
    """What PEFT gives a module: the value of the first pattern that its name ends with."""
    found = (value for pattern, value in patterns.items() if re.match(rf"(.*\.)?({pattern})$", module))
    return next(found, default)


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{path}: not readable as JSON ({error}). Is {path.parent} a PEFT folder?"
        ) from error
    if not isinstance(config, dict):
        raise EngineError(f"{path}: a JSON object is needed. Is {path.parent} a PEFT folder?")
    return config


def _tensors(path: Path) -> dict[str, Matrix]:
    try:
        found: Any = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
        return {name: _array(view).reshape(view["shape"]) for name, view in found}
    except (OSError, SafetensorError, KeyError) as error:
        raise EngineError(
            f"{path}: not readable ({error}). A PEFT folder with weights in safetensors' form is needed."
        ) from error


def _array(view: Mapping[str, Any]) -> Matrix:
    if view["dtype"] == "BF16":  # the upper half of a float32
        return (np.frombuffer(view["data"], np.uint16).astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(view["data"], _TYPES[view["dtype"]]).astype(np.float32)


def named(modules: Iterable[str], most: int = 4) -> str:
    """A few of `modules`, in words."""
    names = sorted(modules)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return visible(", ".join(names[:most])) + more
