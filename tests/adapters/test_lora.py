"""PEFT folders: what is read of them, and what is refused in words."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adapters import small

from attune import lora
from attune.errors import EngineError
from attune.lora import Factors, Matrix


def ones(*shape: int) -> Matrix:
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"bias": "lora_only"}, "bias"),
        ({"lora_bias": True}, "lora_bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"target_modules": ["embed_tokens"]}, "lora_embedding_A"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:peft")
def test_more_than_lora_matrices_is_refused(options: dict[str, Any], told: str, tmp_path: Path) -> None:
    small.tuned(small.family("qwen3"), tmp_path, **{"target_modules": ["q_proj"]} | options)
    with pytest.raises(EngineError, match=f"an adapter with .*{told}.*only plain LoRA"):
        lora.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("adapter_config.json", b"{", "not readable as JSON"),
        ("adapter_config.json", b"[]", "a JSON object is needed"),
        ("adapter_config.json", b'{"peft_type": "IA3"}', "an adapter with a IA3"),
        ("adapter_config.json", b'{"peft_type": "LORA"}', "do not belong together"),
        ("adapter_model.safetensors", b"\x00" * 20, "not readable"),
        ("adapter_model.safetensors", None, "not readable"),
    ],
)
def test_a_damaged_folder_is_told_by_its_file(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    lora.write(tmp_path, {"m.q_proj": Factors(ones(2, 3), ones(4, 2), 1.0)}, "m")
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(EngineError, match=told):
        lora.read(tmp_path)


def test_matrices_that_do_not_fit_each_other_are_told(tmp_path: Path) -> None:
    lora.write(tmp_path, {"m.q_proj": Factors(ones(2, 3), ones(4, 5), 1.0)}, "m")
    with pytest.raises(EngineError, match=r"do not belong together \(\[2, 3\] and \[4, 5\]\)"):
        lora.read(tmp_path)


def test_what_is_written_is_what_peft_and_we_read(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    factors = {}
    for layer, rank in ((0, 2), (1, 5)):
        a = chance.standard_normal((rank, 64), np.float32)
        b = chance.standard_normal((128, rank), np.float32)
        factors[f"model.layers.{layer}.self_attn.q_proj"] = Factors(a, b, 0.5)
    lora.write(tmp_path, factors, "m")
    found = lora.read(tmp_path)
    with small.undisturbed():
        model = import_module("peft").PeftModel.from_pretrained(small.family("qwen3"), tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text())["r"] == 5
    for module, added in factors.items():
        delta = 0.5 * added.b @ added.a
        assert np.allclose(found[module].scale * found[module].b @ found[module].a, delta, atol=1e-5)
        theirs = model.get_submodule(f"base_model.model.{module}").get_delta_weight("default")
        assert np.allclose(theirs.numpy(), delta, atol=1e-5)
