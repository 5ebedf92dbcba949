"""The folder of adapters: records, cards, and what a reference finds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from attune.adapters import kept
from attune.adapters.record import Base, Data, Record, TaskOf, read, write
from attune.adapters.weights import check_base, hashes
from attune.errors import ModelError

RECORD = Record(
    name="ko-bakery",
    base=Base("pocket", "pocket", {"openvino_model.bin": "ab"}),
    kind="causal",
    created="2026-01-02T03:04:05+00:00",
    attune="0.1.0",
    task=TaskOf("reply", "v1"),
    data=Data("cd", 20, 40, ("ko", "en")),
    settings={"rank": 4, "name": "a | b"},
    epochs=({"epoch": 1, "loss": 1.5}, {"epoch": 12, "loss": 0.25, "rougeL": 0.5}),
    chosen=12,
    evaluation={"base": {"rougeL": 0.25}, "adapter": {"rougeL": 0.5}},
    license="Apache-2.0",
)


def adapter(folder: Path, record: Record = RECORD) -> Path:
    """The adapter's folder with its record, the chosen epoch and those in it."""
    for made in (folder, *(kept.epoch_folder(folder, int(figures["epoch"])) for figures in record.epochs)):
        made.mkdir(parents=True)
        (made / "adapter_config.json").write_text("{}", encoding="utf-8")
    write(record, folder)
    return folder


def test_a_record_is_read_as_it_was_written_from_the_folder_and_from_an_epoch(tmp_path: Path) -> None:
    made = adapter(tmp_path / "ko-bakery")
    assert read(made) == RECORD
    assert read(made / "epochs" / "12") == RECORD


@pytest.mark.parametrize(
    "damaged", ["", "[]", "{}", '{"base": 1}', json.dumps(dataclasses.asdict(RECORD) | {"odd": 1})]
)
def test_a_damaged_record_is_told_with_its_path(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "attune.json").write_text(damaged, encoding="utf-8")
    with pytest.raises(ModelError, match=r"attune\.json is not the record"):
        read(tmp_path)


def test_the_card_has_the_hubs_head_and_the_figures_and_no_markup_of_others(tmp_path: Path) -> None:
    odd = dataclasses.replace(RECORD, name="<b>\x1b[1m", license="")
    lines = (adapter(tmp_path / "odd", odd) / "README.md").read_text(encoding="utf-8").splitlines()
    head = lines[1 : lines.index("---", 1)]
    assert {line.partition(": ")[0]: json.loads(line.partition(": ")[2]) for line in head} == {
        "library_name": "peft",
        "base_model": "pocket",
        "license": "other",
        "language": ["ko", "en"],
        "tags": ["lora", "attune"],
    }
    assert r"# \<b\>\\x1b\[1m" in lines
    assert "| 12 | 0.25 | 0.5 |" in lines
    assert r"- settings: rank 4, name a \| b" in lines
    assert "| adapter | 0.5 |" in lines


def test_a_reference_finds_the_chosen_epoch_one_epoch_and_a_path(tmp_path: Path) -> None:
    made = adapter(tmp_path / "all" / "ko-bakery")
    elsewhere = adapter(tmp_path / "elsewhere")
    for reference, found, label in (
        ("ko-bakery", made, "ko-bakery"),
        ("ko-bakery@epoch12", made / "epochs" / "12", "ko-bakery@epoch12"),
        ("ko-bakery@epoch1", made / "epochs" / "01", "ko-bakery@epoch1"),
        (str(elsewhere), elsewhere, "elsewhere"),
    ):
        assert kept.find(reference, tmp_path / "all") == found
        assert kept.label(found) == label


def test_what_is_not_there_is_told_with_what_is(tmp_path: Path) -> None:
    adapter(tmp_path / "ko-bakery")
    for reference, told in (
        ("ko-bakery@epoch7", "there are: 1, 12"),
        ("ko", "there are: ko-bakery"),
        ("../ko\x1b", r"\.\./ko\\x1b in .*there are: ko-bakery"),
        (".", "nor is that the path"),
    ):
        with pytest.raises(ModelError, match=told):
            kept.find(reference, tmp_path)


def test_a_name_that_is_a_path_hidden_or_taken_is_refused(tmp_path: Path) -> None:
    adapter(tmp_path / "ko-bakery")
    assert kept.new_folder("빵집.2", tmp_path) == tmp_path / "빵집.2"
    for name in ("a/b", ".a", "..", "a@epoch1", "", "ko-bakery"):
        with pytest.raises(ModelError):
            kept.new_folder(name, tmp_path)


def test_an_adapter_for_other_weights_is_refused(tmp_path: Path) -> None:
    for name, content in (("one", b"1" * 2**25), ("two", b"1" * 2**24 + b"2" * 2**24)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "openvino_model.bin").write_bytes(content)
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "model.safetensors").write_bytes(b"1")
    base = Base("openvino:one", "one", hashes(tmp_path / "hf", tmp_path / "one"))
    made = adapter(tmp_path / "ko-bakery", dataclasses.replace(RECORD, base=base))
    assert set(base.weights) == {"model.safetensors", "openvino_model.bin"}
    check_base(made, tmp_path / "one")
    check_base(made, tmp_path / "hf")
    with pytest.raises(
        ModelError, match=r"made for one \(openvino:one\), whose openvino_model.bin was another"
    ):
        check_base(made / "epochs" / "12", tmp_path / "two")


def test_an_adapter_without_a_record_fits_any_base_that_its_shapes_fit(tmp_path: Path) -> None:
    (tmp_path / "openvino_model.bin").write_bytes(b"1")
    check_base(tmp_path / "peft", tmp_path)


def test_a_deleted_adapter_is_gone(tmp_path: Path) -> None:
    adapter(tmp_path / "all" / "ko-bakery")
    elsewhere = adapter(tmp_path / "elsewhere")
    for name in ("ko", str(elsewhere), "../elsewhere", "ko-bakery@epoch1"):
        with pytest.raises(ModelError, match="there are: ko-bakery"):
            kept.delete(name, tmp_path / "all")
    kept.delete("ko-bakery", tmp_path / "all")
    assert list((tmp_path / "all").iterdir()) == []
    assert elsewhere.is_dir()
