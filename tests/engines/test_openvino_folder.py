"""A folder that cannot be used: the message says what is missing and which command makes it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from attune.engines.openvino import OpenVINOEngine
from attune.engines.openvino.folder import open_folder
from attune.errors import EngineError
from attune.models import POCKET


def message(folder: Path) -> str:
    with pytest.raises(EngineError) as caught:
        OpenVINOEngine(folder)
    return str(caught.value)


def copy(folder: Path, *names: str) -> Path:
    for name in names:
        shutil.copy(POCKET / name, folder / name)
    return folder


def test_no_folder_at_all(tmp_path: Path) -> None:
    said = message(tmp_path / "gone")
    assert "no such folder" in said
    assert "optimum-cli export openvino --model MODEL --weight-format int8" in said


def test_missing_files_are_named(tmp_path: Path) -> None:
    said = message(copy(tmp_path, "openvino_model.xml", "config.json"))
    assert "openvino_model.bin, tokenizer.json missing" in said
    assert "optimum-cli export openvino --model MODEL" in said


def test_a_hugging_face_folder_gets_its_own_command(tmp_path: Path) -> None:
    folder = tmp_path / "my gemma"
    folder.mkdir()
    (folder / "model.safetensors").touch()
    said = message(copy(folder, "config.json", "tokenizer.json"))
    assert f"--model '{folder}' --weight-format int8 '{folder}-openvino'" in said


@pytest.mark.parametrize("name", ["openvino_encoder_model.xml", "openvino_language_model.xml"])
def test_models_of_another_kind_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert "cannot run" in message(tmp_path)


def test_a_model_that_is_no_decoder_is_refused(tmp_path: Path) -> None:
    import openvino
    from openvino import opset13

    words = opset13.parameter([-1, -1], openvino.Type.i64, name="input_ids")
    openvino.save_model(openvino.Model([opset13.abs(words)], [words]), tmp_path / "openvino_model.xml")
    said = message(copy(tmp_path, "config.json", "tokenizer.json"))
    assert "openvino_model.xml" in said


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "openvino_model.xml"])
def test_broken_files_are_named(tmp_path: Path, name: str) -> None:
    copy(tmp_path, "config.json", "tokenizer.json", "openvino_model.xml", "openvino_model.bin")
    (tmp_path / name).write_text("{", encoding="utf-8")
    assert name in message(tmp_path)


def test_a_cap_that_the_export_leaves_out_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    copy(tmp_path, "config.json", "tokenizer.json", "openvino_model.xml", "openvino_model.bin")
    open_folder(tmp_path)
    assert not caplog.records
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"attn_logit_softcapping": 50.0}))
    open_folder(tmp_path)
    assert "caps its attention" in caplog.text


def test_a_vocabulary_of_another_kind_is_refused(tmp_path: Path) -> None:
    copy(tmp_path, "config.json", "openvino_model.xml", "openvino_model.bin")
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": model}), encoding="utf-8")
    assert "no byte tokens" in message(tmp_path)


def test_without_the_package_the_command_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert "pip install" in message(POCKET)
