"""An adapter in the OpenVINO engine: the tokens are those of PEFT on Transformers, in float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adapters import small
from tests.adapters.test_record import RECORD, adapter
from tests.engines.asking import ask, said
from tests.engines.test_openvino_families import FAMILIES, PROMPTS, Family
from tests.engines.test_openvino_greedy import RECORDED

from attune import connect, lora
from attune.adapters.kept import served
from attune.adapters.record import Base
from attune.engines.openvino import OpenVINOEngine
from attune.errors import AttuneError, EngineError, ModelError
from attune.lora import Factors
from attune.models import POCKET

ASKED = [ids for ids in PROMPTS if len(ids) < 160][::4]
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
ALL = [*ATTENTION, "gate_proj", "up_proj", "down_proj"]
NEW = 24
PATTERNS = {"rank_pattern": {"down_proj": 3, "layers.1.self_attn.q_proj": 9}, "alpha_pattern": {"v_proj": 5}}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Family:
    return Family(request.param, tmp_path_factory.mktemp(request.param))


def engine(folder: Path, adapted: Path | None) -> OpenVINOEngine:
    return OpenVINOEngine(
        folder, context_tokens=704, step_tokens=96, cache_mb=64, exact=True, adapter=adapted
    )


def spoken(folder: Path, adapted: Path | None, prompts: list[list[int]]) -> list[list[int]]:
    asked = engine(folder, adapted)
    try:
        return [row[:NEW] for row in said(asked, prompts)]
    finally:
        asked.close()


def test_every_linear_layer_of_every_family(family: Family, tmp_path: Path) -> None:
    model = small.tuned(small.family(family.name), tmp_path, r=4, lora_alpha=8, target_modules=ALL)
    told = [small.greedy(model, ids, NEW) for ids in ASKED]
    assert spoken(family.folder, tmp_path, ASKED) == told
    untuned = spoken(family.folder, None, ASKED)
    assert untuned == [row[:NEW] for row, ids in zip(family.greedy, PROMPTS, strict=True) if ids in ASKED]
    assert all(one != other for one, other in zip(told, untuned, strict=True))


@pytest.mark.parametrize(
    "options",
    [
        {"r": 1, "lora_alpha": 2, "target_modules": ["q_proj"]},
        {"r": 8, "lora_alpha": 4, "use_rslora": True, "target_modules": ATTENTION},
        {"r": 6, "lora_alpha": 4, **PATTERNS, "target_modules": ALL},
        {"r": 6, "lora_alpha": 4, **PATTERNS, "use_rslora": True, "target_modules": ALL},
        {"r": 4, "lora_alpha": 8, "target_modules": ["up_proj"], "layers_to_transform": [2]},
    ],
)
def test_every_way_of_lora(options: dict[str, Any], tmp_path: Path) -> None:
    found = Family("gemma3", tmp_path)
    model = small.tuned(small.family("gemma3"), tmp_path / "peft", **options)
    assert spoken(found.folder, tmp_path / "peft", ASKED[:3]) == [
        small.greedy(model, ids, NEW) for ids in ASKED[:3]
    ]


def test_weights_of_16_bits_are_read(tmp_path: Path) -> None:
    found = Family("qwen3", tmp_path)
    model = small.tuned(small.family("qwen3"), tmp_path / "peft", r=4, target_modules=ALL)
    for kind in (small.torch.bfloat16, small.torch.float16):
        for name, weight in model.named_parameters():
            if "lora" in name:
                weight.data = weight.data.to(kind)
        model.save_pretrained(tmp_path / "half")
        assert b'"dtype":"F32"' not in (tmp_path / "half" / "adapter_model.safetensors").read_bytes()
        model.float()
        assert spoken(found.folder, tmp_path / "half", ASKED[:2]) == [
            small.greedy(model, ids, NEW) for ids in ASKED[:2]
        ]


def test_the_pocket_model(tmp_path: Path) -> None:
    rows = [row for row in RECORDED if 16 < len(row["ids"]) < 300]
    model = small.tuned(small.pocket(), tmp_path, strength=0.06, r=8, lora_alpha=16, target_modules=ALL)
    told = [small.greedy(model, row["ids"], NEW) for row in rows]
    assert spoken(POCKET, tmp_path, [row["ids"] for row in rows]) == told
    assert sum(one != row["greedy"][:NEW] for one, row in zip(told, rows, strict=True)) > len(rows) / 2


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the pocket model, named ko-bakery."""
    folder = adapter(tmp_path_factory.mktemp("adapters") / "ko-bakery", replace(RECORD, base=Base("", "")))
    chance = np.random.default_rng(5)
    a, b = chance.standard_normal((2, 320), np.float32), chance.standard_normal((256, 2), np.float32)
    for place in (folder, folder / "epochs" / "12"):
        lora.write(place, {"model.layers.3.self_attn.q_proj": Factors(a, b, 0.1)}, "pocket")
    return folder


def test_rows_tell_the_model_and_the_adapter(weak: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a b+c&d%41?é:"
    odd.symlink_to(weak.parent, target_is_directory=True)
    for address, model in (
        (served("pocket", weak), "pocket+ko-bakery"),
        (served(f"openvino:{POCKET}", odd / "ko-bakery" / "epochs" / "12"), "pocket+ko-bakery@epoch12"),
    ):
        asked = connect.engine(address)
        assert asked.submit(ask()).result().model == asked.model == model
        asked.close()
        assert connect.task_folder(address) == POCKET / "tasks"


def test_an_address_with_more_than_an_adapter_is_refused(weak: Path) -> None:
    for address, told in (
        (served("pocket:other", weak), "nothing behind it but"),
        (served("pocket", weak) + "&rank=4", "unknown option 'rank'"),
        ("pocket?adapter=", "adapter_config.json: not readable"),
    ):
        with pytest.raises(AttuneError, match=told):
            connect.engine(address)


def test_an_adapter_of_another_base_is_refused_by_its_record(weak: Path, tmp_path: Path) -> None:
    other = adapter(tmp_path / "other")
    lora.write(other, lora.read(weak), "pocket")
    with pytest.raises(ModelError, match=r"made for pocket .* whose openvino_model\.bin was another"):
        connect.engine(served("pocket", other))


@pytest.mark.parametrize(
    ("module", "shape", "told"),
    [
        (
            "model.layers.6.self_attn.q_proj",
            (256, 320),
            r"changes model\.layers\.6\.self_attn\.q_proj, which",
        ),
        ("model.embed_tokens", (16384, 320), r"changes model\.embed_tokens, which"),
        ("lm_head", (16384, 320), "changes lm_head, which"),
        (
            "model.layers.1.mlp.up_proj",
            (1152, 640),
            "made for another model.* 1152×640, the model's is 1152×320",
        ),
    ],
)
def test_what_the_model_has_not_is_named(
    tmp_path: Path, module: str, shape: tuple[int, int], told: str
) -> None:
    a, b = np.ones((2, shape[1]), np.float32), np.ones((shape[0], 2), np.float32)
    lora.write(tmp_path, {module: Factors(a, b, 1.0)}, "pocket")
    with pytest.raises(EngineError, match=told):
        connect.engine(served("pocket", tmp_path))
