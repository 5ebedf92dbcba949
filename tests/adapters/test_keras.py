"""KerasHub's LoRA weights: what it saved is the same model here, and what we write the same there."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adapters import small
from tests.adapters.keras import record
from tests.adapters.test_lora import ones

from attune import lora
from attune.adapters import keras
from attune.errors import ModelError
from attune.lora import Factors

HERE = Path(__file__).parent / "keras"
SAVED = HERE / "gemma2.lora.h5"
SAID: Mapping[str, Any] = np.load(HERE / "said.npz")
"""The logits of the last four tokens, by KerasHub: with no LoRA, with its own, with ours."""
CLOSE = 0.01
"""The two libraries differ by some .004 without any LoRA, which changes logits by 2."""
CONFIG = {
    "num_hidden_layers": 2,
    "hidden_size": 12,
    "head_dim": 4,
    "intermediate_size": 20,
    "num_attention_heads": 3,
    "num_key_value_heads": 1,
}


def logits(model: Any) -> Any:
    with small.torch.inference_mode():
        return model(input_ids=small.torch.tensor([record.IDS])).logits[0, -4:].numpy()


def test_what_kerashub_saved_gives_its_logits(tmp_path: Path) -> None:
    model = record.gemma()
    assert np.abs(logits(model) - SAID["before"]).max() < CLOSE
    lora.write(tmp_path, keras.read(SAVED, model.config.to_dict()), "gemma2")
    with small.undisturbed():
        tuned = import_module("peft").PeftModel.from_pretrained(model, tmp_path)
    assert np.abs(SAID["theirs"] - SAID["before"]).max() > 1
    assert np.abs(logits(tuned) - SAID["theirs"]).max() < CLOSE


def test_what_we_wrote_gave_our_logits_in_kerashub(tmp_path: Path) -> None:
    assert np.abs(SAID["ours"] - SAID["before"]).max() > 1
    assert np.abs(logits(record.ours(tmp_path)) - SAID["ours"]).max() < CLOSE


@pytest.mark.parametrize("name", list(keras.MODULES))
@pytest.mark.parametrize("rank", [1, 2, 7])
def test_a_kernel_is_the_sum_of_its_factors_by_either_way(name: str, rank: int, tmp_path: Path) -> None:
    """What KerasHub adds by its einsum is what PEFT adds, x·aᵀ·bᵀ times the scale, for each layer."""
    lead, last = keras.Layout.of(CONFIG | {"model_type": "gemma2"}).shapes[name]
    by_head = name in ("query", "key", "value")
    outs, ins = (lead[0] * last, lead[1]) if by_head else (last, int(np.prod(lead)))
    chance = np.random.default_rng(rank)
    a, b = chance.standard_normal((rank, ins)), chance.standard_normal((outs, rank))
    added = Factors(a.astype(np.float32), b.astype(np.float32), 0.5)
    module = f"model.layers.1.{keras.MODULES[name]}"
    for family in ("gemma", "gemma2", "gemma3_text"):
        path = tmp_path / f"{family}.lora.h5"
        config = CONFIG | {"model_type": family}
        written, names = keras.write({module: added}, config, path)
        assert set(names) == {"query", "value", name}
        with import_module("h5py").File(path) as file:
            (number,) = (
                int(key)
                for key in file["lora"]
                if key != "vars" and np.any(file[f"lora/{key}/vars/lora_kernel_b"][:])
            )
            kernels = [file[f"lora/{number}/vars/lora_kernel_{side}"][:] for side in "ab"]
            assert int(file["lora/vars/rank"][()]) == written == kernels[1].shape[0]
        x = chance.standard_normal((1, 5, ins)).astype(np.float32)
        equation = "btd,ndr->btnr" if by_head else "btnh,nhr->btr" if len(lead) == 2 else "btd,dr->btr"
        inner = np.einsum(equation, x.reshape(1, 5, *(lead if "btnh" in equation else (ins,))), kernels[0])
        told = (inner @ kernels[1]).reshape(1, 5, outs)
        assert np.allclose(told, 0.5 * x @ a.T @ b.T, atol=1e-3)
        found = keras.read(path, config)
        back = found[module]
        assert np.allclose(back.scale * back.b @ back.a, 0.5 * b @ a, atol=1e-3)
        assert not any(other.b.any() for one, other in found.items() if one != module)


def test_the_way_back_has_the_rank_kerashub_had(tmp_path: Path) -> None:
    config = record.gemma().config.to_dict()
    once = keras.read(SAVED, config)
    assert once["model.layers.0.self_attn.q_proj"].a.shape[0] == 4 * record.RANK
    assert keras.write(once, config, tmp_path / "again.lora.h5") == (record.RANK, ["query", "value"])
    again = keras.read(tmp_path / "again.lora.h5", config)
    assert set(once) == set(again)
    for module, added in once.items():
        assert np.allclose(again[module].b @ again[module].a, added.b @ added.a, atol=1e-5)


def test_a_file_for_another_model_is_told(tmp_path: Path) -> None:
    config = record.gemma().config.to_dict()
    (tmp_path / "text.lora.h5").write_text("no", encoding="utf-8")
    for path, other, told in (
        (SAVED, {"head_dim": 16}, "query is|value is"),
        (SAVED, {"num_hidden_layers": 1}, "is it of another"),
        (SAVED, {"model_type": "gemma"}, "is it of another"),
        (SAVED, {"model_type": "qwen3"}, "'qwen3' is not known"),
        (tmp_path / "text.lora.h5", {}, "cannot be read as KerasHub's"),
    ):
        with pytest.raises(ModelError, match=told):
            keras.read(path, config | other)
    with pytest.raises(ModelError, match="no layers like lm_head of this model"):
        keras.write({"lm_head": Factors(ones(1, 2), ones(2, 1), 1.0)}, config, tmp_path / "x")
