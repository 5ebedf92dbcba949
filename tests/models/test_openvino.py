"""A Gemma is converted by a program in its own environment; here that program gives the model inside."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.cli.conftest import Attune, clean_environment

from attune.errors import ModelError
from attune.models import POCKET, text_part

_EXPORTER = """#!/bin/sh
echo "$@" > {log}
for target; do :; done
mkdir "$target" && cp {pocket}/openvino_model.* {pocket}/config.json {pocket}/generation_config.json "$target"
"""
_FAILS = "#!/bin/sh\necho 'loading' >&2\necho 'ValueError: no such layer' >&2\nexit 1\n"


@pytest.fixture
def attune(tmp_path: Path) -> Attune:
    return Attune(tmp_path, clean_environment() | {"ATTUNE_MODELS": str(tmp_path / "models")})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder that says it is a Gemma 3 with the tokenizer of the model inside."""
    folder = tmp_path / "gemma"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "gemma3_text"}', encoding="utf-8")
    (folder / "tokenizer.json").write_bytes((POCKET / "tokenizer.json").read_bytes())
    return folder


def exporter(tmp_path: Path, script: str) -> None:
    program = tmp_path / "models" / ".export-5.0" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(script.format(log=tmp_path / "asked", pocket=POCKET), encoding="utf-8")
    program.chmod(0o755)
    told = tmp_path / "models/.export-5.0/lib/python3.11/site-packages/optimum_intel-2.2.0.dist-info/METADATA"
    told.parent.mkdir(parents=True)
    told.write_text("Metadata-Version: 2.1\nName: optimum-intel\nVersion: 2.2.0\n", encoding="utf-8")


def test_a_gemma_is_converted_asked_and_kept(attune: Attune, source: Path, tmp_path: Path) -> None:
    exporter(tmp_path, _EXPORTER)
    done = attune("models", "add", str(source), "--quantization", "int4", "--json")
    assert done.code == 0, done.err
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    assert f"export openvino --model {source} --weight-format int4 --task text-generation-with-past" in asked
    assert done.json["address"] == f"openvino:{tmp_path}/models/gemma"
    assert done.json["versions"]["optimum-intel"] == "2.2.0"
    assert json.loads(done.json["answer"])["sentiment"] in (-1, 0, 1)
    assert done.json["answer"] in attune("models", "show", "gemma").out
    assert sorted(os.listdir(tmp_path / "models")) == [".export-5.0", "gemma"]
    assert [json.loads(line)["name"] for line in attune("models", "list", "--json").lines] == ["gemma"]


def test_what_the_exporter_says_is_told_and_nothing_is_left(
    attune: Attune, source: Path, tmp_path: Path
) -> None:
    exporter(tmp_path, _FAILS)
    done = attune("models", "add", str(source))
    assert done.code == 3
    assert "cannot be converted: ValueError: no such layer" in done.err
    assert os.listdir(tmp_path / "models") == [".export-5.0"]


def test_a_model_whose_answer_cannot_be_read_is_not_kept(
    attune: Attune, source: Path, tmp_path: Path
) -> None:
    exporter(tmp_path, _EXPORTER + 'rm "$target"/openvino_model.xml && echo x > "$target"/openvino_model.xml')
    done = attune("models", "add", str(source))
    assert done.code == 3
    assert "openvino_model.xml" in done.err
    assert os.listdir(tmp_path / "models") == [".export-5.0"]


@pytest.mark.parametrize("prefix", ["model.language_model.", "language_model.model."])
def test_the_text_part_of_a_model_that_sees_is_taken_alone(tmp_path: Path, prefix: str) -> None:
    source = tmp_path / "sees"
    source.mkdir()
    config = {"model_type": "gemma3", "eos_token_id": [1, 106], "text_config": {"model_type": "gemma3_text"}}
    (source / "config.json").write_text(json.dumps(config), encoding="utf-8")
    words, layer = np.arange(6, dtype=np.float16).reshape(2, 3), np.ones(5, np.float32)
    eye = np.zeros((4, 4), np.float32)
    save_file(
        {"vision_tower.eye": eye, f"{prefix}embed_tokens.weight": words}, source / "model-1.safetensors"
    )
    save_file({f"{prefix}norm.weight": layer}, source / "model-2.safetensors")
    save_file({"vision_tower.lid": eye}, source / "model-3.safetensors")
    assert text_part.has_more(source)
    text_part.write(source, tmp_path / "text")
    made = load_file(tmp_path / "text" / "model-1.safetensors")
    assert list(made) == ["model.embed_tokens.weight"]
    assert (made["model.embed_tokens.weight"] == words).all()
    assert (load_file(tmp_path / "text" / "model-2.safetensors")["model.norm.weight"] == layer).all()
    index = json.loads((tmp_path / "text" / "model.safetensors.index.json").read_text("utf-8"))
    assert set(index["weight_map"].values()) == {"model-1.safetensors", "model-2.safetensors"}
    told = json.loads((tmp_path / "text" / "config.json").read_text("utf-8"))
    assert told == {
        "model_type": "gemma3_text",
        "eos_token_id": [1, 106],
        "architectures": ["Gemma3ForCausalLM"],
    }
    assert not text_part.has_more(tmp_path / "text")


def test_weights_that_end_too_early_are_told(tmp_path: Path) -> None:
    source = tmp_path / "cut"
    source.mkdir()
    (source / "config.json").write_text('{"model_type": "gemma3", "text_config": {}}', encoding="utf-8")
    whole = source / "model.safetensors"
    save_file({"language_model.model.norm.weight": np.ones(100, np.float32)}, whole)
    whole.write_bytes(whole.read_bytes()[:-8])
    with pytest.raises(ModelError, match="end before their header says"):
        text_part.write(source, tmp_path / "text")
