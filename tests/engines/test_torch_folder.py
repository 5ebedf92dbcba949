"""What cannot be run is told in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.engines import small_gemma
from tests.engines.asking import ask

from attune import connect
from attune.errors import BadConfig, EngineError
from attune.models import POCKET


def link(target: Path, *left_out: str) -> Path:
    target.mkdir()
    for path in small_gemma.folder("gemma3").iterdir():
        if path.name not in left_out:
            (target / path.name).symlink_to(path)
    return target


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("torch:", "needs the model's folder"),
        ("torch:{}?beams=2", "unknown option 'beams'"),
        ("torch:{}/none", "no such folder"),
        (f"torch:{POCKET}", "openvino:"),
        ("torch:{}?device=cuda:77", "device=cuda:77: PyTorch cannot compute there"),
        ("torch:{}?device=abacus", "device=abacus: PyTorch cannot compute there"),
        ("torch:{}?dtype=int4", "dtype=int4: there are bfloat16, float32"),
        ("torch:{}?adapter=none", "adapter_config.json: not readable"),
    ],
)
def test_an_address_that_cannot_be(address: str, told: str) -> None:
    with pytest.raises((BadConfig, EngineError), match=told):
        connect.engine(address.format(small_gemma.folder("gemma3")))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_what_is_missing_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=name.replace("model.", r"\*\.")):
        connect.engine(f"torch:{link(tmp_path / 'model', name)}")


def test_a_family_that_is_not_known_is_refused(tmp_path: Path) -> None:
    folder = link(tmp_path / "model", "config.json")
    (folder / "config.json").write_text(json.dumps({"model_type": "mamba"}), encoding="utf-8")
    with pytest.raises(EngineError, match=r"family mamba.*gemma2"):
        connect.engine(f"torch:{folder}")


def test_weights_that_are_not_all_there_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = link(tmp_path / "model", "model.safetensors")
    weights = load_file(small_gemma.folder("gemma3") / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(EngineError, match=r"model\.layers\.1\.mlp\.up_proj\.weight are missing"):
        connect.engine(f"torch:{folder}")


def test_a_model_answers_in_bfloat16() -> None:
    engine = connect.engine(f"torch:{small_gemma.folder('gemma4')}?dtype=bfloat16&device=cpu")
    assert json.loads(engine.submit(ask()).result().text)["score"] <= 140
    engine.close()
