"""Files as they are found: every ending, every compression, torn, growing, turned over, and far too long."""

from __future__ import annotations

import gzip
import logging
import os
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.contract import INPUTS, SourceContract, drained

from attune.connect import source as connect_source
from attune.errors import AttuneError, BadConfig
from attune.sources import Source
from attune.sources.files import Files, expand
from attune.sources.files.lines import Lines

MAX = 1_000


def zst(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def joined(inputs: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in inputs)


def read(path: Path, data: bytes, **options: bool) -> list[bytes]:
    path.write_bytes(data)
    return [each.raw for each in drained(Files([str(path)], MAX, **options))]


class OfFolder(SourceContract):
    folder: Path

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path


class TestPlainFile(OfFolder):
    def make(self, inputs: Sequence[bytes]) -> Source:
        (self.folder / "chats.jsonl").write_bytes(joined(inputs))
        return Files([str(self.folder / "chats.jsonl")], MAX)


class TestGzipFile(OfFolder):
    def make(self, inputs: Sequence[bytes]) -> Source:
        (self.folder / "chats.jsonl.gz").write_bytes(gzip.compress(joined(inputs)))
        return Files([str(self.folder / "chats.jsonl.gz")], MAX)


class TestZstandardFile(OfFolder):
    def make(self, inputs: Sequence[bytes]) -> Source:
        (self.folder / "chats.jsonl.zst").write_bytes(zst(joined(inputs)))
        return Files([str(self.folder / "chats.jsonl.zst")], MAX)


class TestFolder(OfFolder):
    def make(self, inputs: Sequence[bytes]) -> Source:
        (self.folder / "a.jsonl").write_bytes(joined(inputs[:100]))
        (self.folder / "b.ndjson").write_bytes(joined(inputs[100:200]))
        (self.folder / "c.jsonl.gz").write_bytes(gzip.compress(joined(inputs[200:])))
        (self.folder / "notes.json").write_bytes(b"[1, 2]")
        found = connect_source([str(self.folder)], MAX)
        assert found is not None
        return found


class TestGrowingFiles(OfFolder):
    ends = False

    def make(self, inputs: Sequence[bytes]) -> Source:
        (self.folder / "a.jsonl").write_bytes(joined(inputs[:100]))
        (self.folder / "b.jsonl").write_bytes(joined(inputs[100:]))
        return Files(expand([str(self.folder / "*.jsonl")]), MAX, follow=True)


def test_line_ends_of_every_kind_and_a_byte_order_mark_are_no_part_of_a_line(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf{"id": 1}\r\n\r\n   \n\n{"id": 2}\n{"id": 3}'
    assert read(tmp_path / "x.jsonl", data) == [b'{"id": 1}', b'{"id": 2}', b'{"id": 3}']


def test_blank_lines_count_in_the_line_numbers(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b"\n{}\n\n{}\n")
    refs = [each.ref for each in drained(Files([str(tmp_path / "x.jsonl")], MAX))]
    assert [ref.rsplit(":", 1)[1] for ref in refs] == ["2", "4"]


def test_half_a_line_at_the_end_is_taken_as_it_is(tmp_path: Path) -> None:
    assert read(tmp_path / "x.jsonl", b'{"id": 1}\n{"id": 2, "te') == [b'{"id": 1}', b'{"id": 2, "te']


def test_half_a_line_of_a_growing_file_waits_for_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id": 1}\n{"id"')
    source = Files([str(path)], MAX, follow=True)
    assert [each.raw for each in drained(source)] == [b'{"id": 1}']
    with path.open("ab") as file:
        file.write(b': 2}\n{"id": 3}\n{')
    assert [each.raw for each in drained(source)] == [b'{"id": 2}', b'{"id": 3}']


def test_a_growing_file_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id": 1}\n{"id": 2}\n{"hal')
    source = Files([str(path)], MAX, follow=True)
    drained(source)
    path.write_bytes(b'{"id": 3}\n')
    again = drained(source)
    assert [(each.raw, each.ref) for each in again] == [(b'{"id": 3}', f"{path}:1")]


def test_a_growing_file_that_was_put_aside_is_read_to_its_end_before_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"id": 1}\n')
    source = Files([str(path)], MAX, follow=True)
    drained(source)
    with path.open("ab") as file:
        file.write(b'{"id": 2}\n{"id": 3')
    os.rename(path, tmp_path / "x.jsonl.1")
    assert [each.raw for each in drained(source)] == [b'{"id": 2}']
    path.write_bytes(b'{"id": 4}\n')
    assert [each.raw for each in drained(source)] == [b'{"id": 3', b'{"id": 4}']


@given(
    st.lists(st.sampled_from([b"a", b"b{}", b"\n", b"\r\n", b"\r", b" ", b"\xff"]), max_size=60), st.data()
)
def test_lines_are_the_same_however_the_chunks_fall(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    expected = [
        (number, line.removesuffix(b"\r"))
        for number, line in enumerate(whole.split(b"\n"), 1)
        if line.removesuffix(b"\r").strip()
    ]
    lines, found, rest = Lines(MAX), [], whole
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += list(lines.feed(rest[:size]))
        rest = rest[size:]
    assert found + list(lines.end()) == expected


def test_a_line_beyond_the_bound_comes_cut_one_byte_past_it(tmp_path: Path) -> None:
    lines = [b"a" * MAX, b"b" * (MAX + 1), b"c" * (MAX + 2), b"d" * 300_000, b"{}"]
    found = read(tmp_path / "x.jsonl", joined(lines))
    assert found == [line[: MAX + 1] for line in lines]


def test_an_endless_line_is_never_held(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with path.open("wb") as file:
        for _ in range(20):
            file.write(b"x" * 1_000_000)
    source = Files([str(path)], MAX)
    tracemalloc.start()
    try:
        assert [len(each.raw) for each in drained(source)] == [MAX + 1]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_memory_stays_flat_however_many_lines_come(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    line = b'{"id": 1, "user_id": 2, "text": "' + b"x" * 200 + b'"}\n'
    with path.open("wb") as file:
        for _ in range(60):
            file.write(line * 1_000)
    source = Files([str(path)], MAX)
    seen = 0
    tracemalloc.start()
    try:
        while (found := source.receive(96, 0.0)) is not None:
            seen += len(found)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == 60_000
    assert peak < 2_000_000


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_torn_archive_gives_what_stands_before_the_tear_and_says_so(
    ending: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [b'{"id": "%s"}' % os.urandom(40).hex().encode() for _ in range(20_000)]
    whole = gzip.compress(joined(lines)) if ending == ".gz" else zst(joined(lines))
    caplog.set_level(logging.WARNING, "attune")
    found = read(tmp_path / f"x.jsonl{ending}", whole[: len(whole) // 2])
    assert found[:-1] == lines[: len(found) - 1]
    assert len(found) > 5_000
    assert [record.action for record in caplog.records] == ["archive_damaged"]  # type: ignore[attr-defined]
    assert "x.jsonl" in caplog.text


def test_bytes_after_an_archive_cost_none_of_its_lines(tmp_path: Path) -> None:
    assert read(tmp_path / "x.gz", gzip.compress(joined(INPUTS)) + b"garbage") == INPUTS


def test_archives_put_one_after_the_other_are_all_read(tmp_path: Path) -> None:
    two = gzip.compress(joined(INPUTS[:100])) + gzip.compress(joined(INPUTS[100:]))
    assert read(tmp_path / "x.gz", two) == INPUTS


def test_a_plain_file_that_only_has_the_name_of_an_archive_gives_a_warning_and_no_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert read(tmp_path / "x.zst", b'{"id": 1}\n') == []
    assert "x.zst is damaged" in caplog.text


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nowhere.jsonl", "there is no file nowhere.jsonl"),
        ("*.nothing", r"no file matches \*\.nothing"),
        ("empty", "the folder empty holds no file that ends in .jsonl"),
        ("a\x1b\u202eb", r"there is no file a\\x1b\\u202eb"),
    ],
)
def test_what_is_not_there_is_said_in_words(
    address: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AttuneError, match=message):
        connect_source([address], MAX)


def test_an_unknown_kind_of_source_names_those_there_are() -> None:
    with pytest.raises(BadConfig, match="no source is called kafka:; there are: a path, a folder"):
        connect_source(["kafka:topic"], MAX)


def test_a_name_with_control_characters_is_harmless_in_a_reference(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\nb.jsonl"
    path.write_bytes(b"{}\n")
    [found] = drained(Files([str(path)], MAX))
    assert found.ref == f"{tmp_path}/a\\x1b[2J\\nb.jsonl:1"


def test_files_named_twice_are_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{}\n")
    assert expand([str(path), str(tmp_path / "*.jsonl"), str(tmp_path)]) == [str(path)]
