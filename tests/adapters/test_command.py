"""`attune adapters` as a user runs it."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from tests.adapters.test_record import adapter
from tests.cli.conftest import Attune, clean_environment

from attune import lora
from attune.connect import SAMPLES
from attune.lora import Factors
from attune.models import POCKET


@pytest.fixture
def attune(tmp_path: Path) -> Attune:
    return Attune(
        tmp_path,
        clean_environment() | {"ATTUNE_ENGINE": "pocket"} | {"ATTUNE_ADAPTERS": str(tmp_path / "adapters")},
    )


@pytest.fixture
def peft(tmp_path: Path) -> Path:
    """A PEFT folder of another tool, for the pocket model."""
    chance = np.random.default_rng(5)
    a, b = chance.standard_normal((2, 320), np.float32), chance.standard_normal((256, 2), np.float32)
    lora.write(tmp_path / "peft", {"model.layers.3.self_attn.q_proj": Factors(a, b, 0.01)}, "pocket")
    return tmp_path / "peft"


def test_a_folder_of_another_tool_is_imported_exported_run_and_deleted(attune: Attune, peft: Path) -> None:
    told = attune("adapters", "import", str(peft), "--name", "빵집", "--json").json
    assert (told["name"], told["base"]["model"], told["kind"]) == ("빵집", "pocket", "causal")
    assert set(told["base"]["weights"]) == {"openvino_model.bin"}
    assert [json.loads(line) for line in attune("adapters", "list", "--json").lines] == [told]
    done = attune("adapters", "export", "빵집", "--to", "openvino", "made", "--json")
    assert done.err == "writing 빵집 as openvino\n"
    (attune.folder / "one.jsonl").write_bytes(SAMPLES.read_bytes().splitlines(keepends=True)[0])
    for engine, model in (
        (f"pocket?adapter={attune.folder}/adapters/%EB%B9%B5%EC%A7%91", "pocket+빵집"),
        (f"openvino:{done.json['folder']}", "made"),
    ):
        assert attune("run", "one.jsonl", "--engine", engine, "--store", f"{model}.db", "--quiet").code == 0
        (row,) = attune("results", "--format", "jsonl", "--store", f"{model}.db").lines
        assert json.loads(row)["model"] == model
    assert attune("adapters", "delete", "빵집").code == 0
    assert attune("adapters", "list", "--json").lines == []
    assert attune("adapters", "delete", str(peft)).code == 3
    assert peft.is_dir()


def test_the_list_and_the_card_tell_what_it_was_tuned_on_and_how_it_does(attune: Attune) -> None:
    adapter(attune.folder / "adapters" / "ko-bakery")
    header, row = attune("adapters", "list").lines
    assert header.split("\t") == ["adapter", "for", "languages", "examples", "epoch", "held out"]
    assert row.split("\t") == ["ko-bakery", "pocket", "ko en", "20", "12", "rougeL 0.5 (0.25)"]
    shown = attune("adapters", "show", "ko-bakery").lines
    assert "trained on    20 examples, 40 held out" in shown
    assert "12\t0.25\t0.5" in shown
    assert attune("adapters", "show", "ko-bakery", "--json").json["kept_epochs"] == [1, 12]


def test_kerashubs_weights_go_out_and_come_in(attune: Attune, peft: Path) -> None:
    assert attune("adapters", "export", str(peft), "--to", "keras", "k", "--base", str(POCKET)).code == 0
    done = attune("adapters", "import", "k/adapter.lora.h5", "--name", "back")
    assert done.code == 0, done.err
    (module, added), *_ = lora.read(peft).items()
    back = lora.read(attune.folder / "adapters" / "back")[module]
    assert np.allclose(back.scale * back.b @ back.a, added.scale * added.b @ added.a, atol=1e-5)


def test_what_fits_not_is_refused_and_not_there(attune: Attune, tmp_path: Path) -> None:
    ones = np.ones((1, 64), np.float32)
    lora.write(tmp_path / "odd", {"model.layers.0.self_attn.q_proj": Factors(ones, ones.T, 1.0)}, "m")
    (tmp_path / "empty").mkdir()
    for source, code, told in (
        ("odd", 3, "64×64, the model's is 256×320"),
        ("empty", 3, "neither a PEFT folder"),
        ("none", 2, "does not exist"),
    ):
        done = attune("adapters", "import", source, "--name", "a")
        assert (done.code, told in done.err) == (code, True), done.err
    assert list((tmp_path / "adapters").glob("*")) == []
    done = attune("adapters", "import", "odd", "--name", "../a")
    assert (done.code, "cannot be an adapter's name" in done.err) == (3, True), done.err


def test_a_kill_leaves_no_adapter_that_looks_whole(attune: Attune, peft: Path) -> None:
    """At any moment of an import; the next one succeeds and takes the dead one's leavings away."""
    for pause in (0.3, 0.6, 0.9):
        with attune.start("adapters", "import", str(peft), "--name", "killed") as process:
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        listed = attune("adapters", "list", "--json").lines
        for line in listed:
            assert lora.read(Path(json.loads(line)["folder"]))
            attune("adapters", "delete", "killed")
    assert attune("adapters", "import", str(peft), "--name", "killed").code == 0
    assert [path.name for path in (attune.folder / "adapters").iterdir()] == ["killed"]
