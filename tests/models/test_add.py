"""`attune models`: a model is there whole or not at all. Conversion needs the extra [models]."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.cli.conftest import Attune, clean_environment
from tests.engines.small_t5 import folder, unpack
from tokenizers import Tokenizer

from attune.connect import SAMPLES
from attune.errors import ModelError
from attune.models.kept import Kept, files_of, find, kept_in, write_record

needs_models = pytest.mark.skipif(
    not all(map(find_spec, ("torch", "transformers"))), reason="the extra [models] is not installed"
)


@pytest.fixture
def attune(tmp_path: Path) -> Attune:
    return Attune(tmp_path, _alone() | {"ATTUNE_MODELS": str(tmp_path / "models")})


def _alone() -> dict[str, str]:
    """An environment in which torch keeps to one core."""
    return clean_environment() | {"OMP_NUM_THREADS": "1"}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """A model that was added before."""
    place = unpack(tmp_path / "models" / "small")
    made = Kept(place, "owner/small", "abc", "ctranslate2", "float32", "2026-01-01", {}, files_of(place))
    write_record(made, place)
    return made


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small T5 as a Hugging Face folder."""
    record = import_module("tests.engines.t5.record")
    tokens = Tokenizer.from_file(str(folder() / "tokenizer.json"))
    place: Path = tmp_path_factory.mktemp("hf") / "tiny-t5"
    return Path(record.folder(record.build(tokens.get_vocab_size()), tokens, place))


def test_a_model_is_listed_shown_run_and_removed(attune: Attune, kept: Kept) -> None:
    (row,) = [json.loads(line) for line in attune("models", "list", "--json").lines]
    assert (row["name"], row["address"]) == ("small", f"ctranslate2:{kept.folder}")
    assert attune("models", "show", "small", "--json").json["damaged"] == []
    (attune.folder / "some.jsonl").write_bytes(b"".join(SAMPLES.read_bytes().splitlines(keepends=True)[:24]))
    done = attune("run", "some.jsonl", "--engine", row["address"], "--quiet", "--json")
    assert done.code == 0, done.err
    assert done.json["in"] == 24
    assert done.json["table"] + done.json["review"] > 16  # a random model writes an empty text now and then
    assert attune("models", "remove", "small").code == 0
    assert attune("models", "list", "--json").lines == []
    assert not kept.folder.exists()


def test_a_file_that_changed_is_found(attune: Attune, kept: Kept) -> None:
    weights = kept.folder / "model.bin"
    changed = bytearray(weights.read_bytes())
    changed[len(changed) // 2] ^= 1
    weights.write_bytes(changed)
    (kept.folder / "tokenizer.json").unlink()
    done = attune("models", "show", "small")
    assert done.code == 3
    assert "DAMAGED: model.bin, tokenizer.json" in done.out


def test_a_name_that_is_not_there_is_told_with_those_that_are(attune: Attune, kept: Kept) -> None:
    for verb in ("show", "remove"):
        done = attune("models", verb, "../models/small")
        assert done.code == 3
        assert "there are: small" in done.err
    with pytest.raises(ModelError):
        find("large", kept.folder.parent)


def test_what_is_half_made_is_no_model(tmp_path: Path, kept: Kept) -> None:
    shutil.copytree(kept.folder, kept.folder.with_name(".making-large-1"))
    unpack(kept.folder.with_name("by-hand"))
    assert [model.name for model in kept_in(tmp_path / "models")] == ["small"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nowhere",), "neither a folder nor a model of the hub"),
        ((".",), "is . a Hugging Face folder?"),
        (("bert",), "family 'bert'"),
        (("gemma",), "bin/pip install 'optimum-intel==2.2.*' 'transformers==5.0.*'"),
        (("gemma", "--quantization", "bfloat16"), "openvino has no weights of the type bfloat16"),
        (("gemma", "--name", "a/b"), "cannot be a model's name"),
        (("gemma", "--name", "small"), "is there already"),
    ],
)
def test_what_cannot_be_added_is_told_in_words(
    attune: Attune, kept: Kept, args: tuple[str, ...], words: str
) -> None:
    for name, family in (("gemma", "gemma3_text"), ("bert", "bert")):
        (attune.folder / name).mkdir()
        (attune.folder / name / "config.json").write_text(f'{{"model_type": "{family}"}}', encoding="utf-8")
    done = attune("models", "add", *args)
    assert done.code == 3
    assert words in done.err
    assert {path.name for path in kept.folder.parent.iterdir()} == {"small"}


@needs_models
def test_a_folder_is_converted_tried_and_kept(attune: Attune, source: Path) -> None:
    done = attune("models", "add", str(source), "--quantization", "float32", "--json")
    assert done.code == 0, done.err
    assert done.json["source"] == str(source)
    assert {"model.bin", "tokenizer.json", "config.json"} <= set(done.json["files"])
    assert attune("models", "show", "tiny-t5").code == 0
    assert [path.name for path in (attune.folder / "models").iterdir()] == ["tiny-t5"]


@needs_models
def test_weights_that_cannot_be_read_leave_nothing(attune: Attune, source: Path) -> None:
    broken = attune.folder / "broken"
    shutil.copytree(source, broken)
    (broken / "model.safetensors").write_bytes(b"\x10" * 64)
    done = attune("models", "add", str(broken))
    assert done.code == 3
    assert "cannot be converted" in done.err
    assert list((attune.folder / "models").iterdir()) == []


@needs_models
@pytest.mark.parametrize("after", ["making", "record"])
def test_a_kill_leaves_no_model_and_the_next_try_succeeds(attune: Attune, source: Path, after: str) -> None:
    running = attune.start("models", "add", str(source))
    models = attune.folder / "models"
    pattern = {"making": ".making-*", "record": ".making-*/model.bin"}[after]
    until = time.monotonic() + 60
    while not list(models.glob(pattern)) and time.monotonic() < until:
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert attune("models", "list", "--json").lines == []
    assert attune("models", "add", str(source)).code == 0
    assert [path.name for path in models.iterdir()] == ["tiny-t5"]


def test_without_the_extra_the_command_that_installs_it_is_named(attune: Attune, tmp_path: Path) -> None:
    """In a Python that finds no torch, whatever is installed here."""
    (tmp_path / "t5").mkdir()
    (tmp_path / "t5" / "config.json").write_text('{"model_type": "t5"}', encoding="utf-8")
    code = "import sys; sys.modules['torch'] = None; from attune.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "models", "add", "t5"],
        cwd=tmp_path,
        env=os.environ | attune.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "pip install 'attune[models]'" in done.stderr
    assert not list((tmp_path / "models").glob(".making-*"))
