"""What vLLM is not even asked to run, and the form in which it gets an adapter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from attune.connect import engine
from attune.engines.vllm.adapter import written
from attune.engines.vllm.folder import open_folder
from attune.errors import AttuneError, EngineError
from attune.lora import Factors, read, write


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("vllm:", "vllm: needs the model's folder"),
        ("vllm:m?cache=1", "unknown option 'cache'; there are: adapter, context_tokens, dtype, gpu_memory"),
        ("vllm:m?tensor_parallel=0", "tensor_parallel='0' is no number of at least 1"),
        ("vllm:no/such", "there is no such folder. Fetch a model with: hf download"),
    ],
)
def test_an_address_that_cannot_be_is_refused_in_words(address: str, told: str) -> None:
    with pytest.raises(AttuneError, match=told.replace("?", r"\?")):
        engine(address)


def test_a_t5_is_sent_to_the_engine_that_runs_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5", "is_encoder_decoder": True}))
    with pytest.raises(EngineError, match=r"tokenizer.json, \*.safetensors missing"):
        open_folder(tmp_path)
    for name in ("tokenizer.json", "model.safetensors"):
        (tmp_path / name).touch()
    with pytest.raises(EngineError, match=r"which vLLM does not run.*ctranslate2:"):
        open_folder(tmp_path)


def test_an_adapter_is_written_with_one_rank_and_no_scale(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)

    def factors(rank: int, scale: float) -> Factors:
        a, b = chance.normal(size=(rank, 6)), chance.normal(size=(4, rank))
        return Factors(a.astype(np.float32), b.astype(np.float32), scale)

    modules = {
        "model.layers.0.self_attn.q_proj": factors(3, 0.5),
        "model.layers.0.mlp.up_proj": factors(9, 2.0),
    }
    write(tmp_path / "given", modules, "gemma")
    assert written(tmp_path / "given", tmp_path / "made") == 16
    made = read(tmp_path / "made")
    for name, given in modules.items():
        assert made[name].a.shape == (16, 6)
        assert made[name].scale == 1
        assert np.allclose(made[name].b @ made[name].a, given.scale * given.b @ given.a, atol=1e-5)
    config = json.loads((tmp_path / "made" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["rank_pattern"]) == (16, 16, {})


def test_an_adapter_wider_than_vllm_s_kernels_is_refused(tmp_path: Path) -> None:
    wide = Factors(np.ones((513, 2), np.float32), np.ones((2, 513), np.float32), 1.0)
    write(tmp_path / "given", {"model.layers.0.self_attn.q_proj": wide}, "gemma")
    with pytest.raises(EngineError, match="rank 513; vLLM serves them up to rank 512"):
        written(tmp_path / "given", tmp_path / "made")
