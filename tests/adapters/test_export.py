"""An adapter handed on: the model with the adapter in it says what the model with it beside says."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.adapters import small
from tests.adapters.test_served import ALL, ASKED, NEW, spoken
from tests.engines.small_t5 import SAID, folder, free
from tests.engines.test_openvino_families import Family
from tokenizers import Tokenizer

from attune import lora
from attune.adapters.export import FORMS, Wanted, export
from attune.engines.ctranslate2 import CTranslate2Engine
from attune.errors import EngineError, ModelError

TOLD = [row for row in SAID if row["greedy"][0]][:8]


@pytest.mark.parametrize("name", ["gemma2", "gemma4", "qwen3"])
def test_an_openvino_folder_with_the_adapter_inside(name: str, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    found = Family(name, tmp_path / "base")
    model = small.tuned(small.family(name), tmp_path / "peft", r=4, target_modules=ALL)
    export("openvino", Wanted(tmp_path / "peft", found.folder), tmp_path / "made")
    assert {path.name for path in (tmp_path / "made").iterdir()} >= {"tokenizer.json", "config.json"}
    assert spoken(tmp_path / "made", None, ASKED[:4]) == [small.greedy(model, ids, NEW) for ids in ASKED[:4]]


def test_hugging_face_files_with_the_adapter_inside(tmp_path: Path) -> None:
    model = small.family("gemma3")
    model.save_pretrained(tmp_path / "base")
    (tmp_path / "base" / "tokenizer.json").write_text("{}", encoding="utf-8")
    tuned = small.tuned(model, tmp_path / "peft", r=4, use_rslora=True, target_modules=ALL)
    export("hf", Wanted(tmp_path / "peft", tmp_path / "base"), tmp_path / "made")
    merged = import_module("transformers").AutoModelForCausalLM.from_pretrained(tmp_path / "made").eval()
    assert (tmp_path / "made" / "tokenizer.json").is_file()
    for ids in ASKED[:3]:
        assert small.greedy(merged, ids, NEW) == small.greedy(tuned, ids, NEW)


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small T5 as a Hugging Face folder."""
    record = import_module("tests.engines.t5.record")
    tokens = Tokenizer.from_file(str(folder() / "tokenizer.json"))
    place: Path = tmp_path_factory.mktemp("hf") / "tiny-t5"
    return Path(record.folder(record.build(tokens.get_vocab_size()), tokens, place))


def written(model: Any, tokens: Tokenizer, ids: list[int]) -> str:
    """What Transformers writes greedily after `ids`."""
    asked = small.torch.tensor([ids])
    made = model.generate(input_ids=asked, max_new_tokens=NEW, do_sample=False, num_beams=1)[0].tolist()
    return str(tokens.decode(made, skip_special_tokens=True))


def test_a_t5_is_merged_and_converted_and_writes_what_transformers_does(t5: Path, tmp_path: Path) -> None:
    transformers = import_module("transformers")
    base = transformers.T5ForConditionalGeneration.from_pretrained(t5).eval()
    tokens = Tokenizer.from_file(str(t5 / "tokenizer.json"))
    plain = [written(base, tokens, row["ids"]) for row in TOLD]
    tuned = small.tuned(
        base,
        tmp_path / "peft",
        strength=0.3,
        task_type="SEQ_2_SEQ_LM",
        r=4,
        target_modules=["q", "v", "o", "wo"],
    )
    export("ctranslate2", Wanted(tmp_path / "peft", t5, "float32"), tmp_path / "made")
    engine = CTranslate2Engine(tmp_path / "made", compute_type="float32")
    told = [engine.submit(free(row["prompt"], NEW)).result().text for row in TOLD]
    engine.close()
    assert told == [written(tuned, tokens, row["ids"]) for row in TOLD]
    assert sum(one != other for one, other in zip(told, plain, strict=True)) > len(TOLD) / 2


def test_the_adapter_alone_is_peft_as_it_was(tmp_path: Path) -> None:
    small.tuned(small.family("qwen3"), tmp_path / "peft", r=4, target_modules=["q_proj"])
    export("peft", Wanted(tmp_path / "peft"), tmp_path / "made")
    assert set(lora.read(tmp_path / "made")) == set(lora.read(tmp_path / "peft"))


def test_what_does_not_fit_leaves_nothing_behind(t5: Path, tmp_path: Path) -> None:
    """Of another model: an error in words, whatever the form, and no folder."""
    small.family("qwen3").save_pretrained(tmp_path / "base")
    (tmp_path / "ov").mkdir()
    found = Family("qwen3", tmp_path / "ov")
    small.tuned(small.family("gemma3"), tmp_path / "peft", r=2, target_modules=["q_proj"])
    bases = {"openvino": found.folder, "ctranslate2": t5, "keras": found.folder, "hf": tmp_path / "base"}
    for form, base in bases.items():
        with pytest.raises((ModelError, EngineError)) as error:
            export(form, Wanted(tmp_path / "peft", base), tmp_path / "made")
        assert len(str(error.value)) < 600
    assert set(bases) | {"peft"} == set(FORMS)
    assert {path.name for path in tmp_path.iterdir()} == {"base", "ov", "peft"}
    with pytest.raises(ModelError, match="is there already"):
        export("peft", Wanted(tmp_path / "peft"), tmp_path / "base")


def test_more_modules_than_the_model_has_are_named(tmp_path: Path) -> None:
    """PEFT by itself would merge those it finds and say nothing of the others."""
    small.family("gemma3").save_pretrained(tmp_path / "base")
    small.tuned(small.family("gemma4"), tmp_path / "peft", r=2, target_modules=["k_proj"])
    config = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    assert config["target_modules"] == ["k_proj"]
    with pytest.raises(ModelError, match="cannot be added"):
        export("hf", Wanted(tmp_path / "peft", tmp_path / "base"), tmp_path / "made")
