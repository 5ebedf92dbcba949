"""Models of other families: the tokens are those of Transformers in float32, however they are run."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
from tests.engines.asking import said

from attune.engines.openvino import OpenVINOEngine

HERE = Path(__file__).parent / "families"
FAMILIES = sorted(path.name for path in HERE.iterdir() if (path / "greedy.json").is_file())
PROMPTS: list[list[int]] = json.loads((HERE / "prompts.json").read_text(encoding="utf-8"))
CONTEXT = 704


class Family:
    """A family's model, unpacked, and what Transformers said."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.greedy: list[list[int]] = json.loads((HERE / name / "greedy.json").read_text(encoding="utf-8"))
        for path in (HERE / name).iterdir():
            packed = path.suffix == ".xz"
            content = lzma.decompress(path.read_bytes()) if packed else path.read_bytes()
            (folder / path.name.removesuffix(".xz")).write_bytes(content)
        (folder / "tokenizer.json").write_bytes((HERE / "tokenizer.json").read_bytes())

    def engine(self, step_tokens: int = 1024, cache_mb: int = 64) -> OpenVINOEngine:
        return OpenVINOEngine(
            self.folder, context_tokens=CONTEXT, step_tokens=step_tokens, cache_mb=cache_mb, exact=True
        )


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Family:
    return Family(request.param, tmp_path_factory.mktemp(request.param))


def test_the_records_are_worth_comparing_with(family: Family) -> None:
    lengths = [len(ids) for ids in PROMPTS]
    assert (len(PROMPTS), min(lengths), max(lengths)) == (50, 1, 600)
    assert len(family.greedy) == len(PROMPTS)
    assert all(len(row) == 64 for row in family.greedy)
    assert len({tuple(row) for row in family.greedy}) == len(PROMPTS)
    assert sum(len(set(row)) for row in family.greedy) > 10 * len(PROMPTS)


def test_alone(family: Family) -> None:
    engine = family.engine()
    assert said(engine, PROMPTS[::3], at_once=False) == family.greedy[::3]
    engine.close()


def test_in_one_batch_in_chunks_and_with_shared_beginnings(family: Family) -> None:
    """Every third prompt begins as the one before it; those longer than a step are fed in chunks."""
    engine = family.engine(step_tokens=96)
    assert said(engine, PROMPTS) == family.greedy
    assert engine.stats().cached_tokens > 0
    engine.close()


def test_again_when_all_is_known(family: Family) -> None:
    engine = family.engine()
    for _ in range(2):
        assert said(engine, PROMPTS[-12:]) == family.greedy[-12:]
    assert engine.stats().hit_rate > 0.4
    engine.close()


def test_with_a_cache_too_small_for_all(family: Family) -> None:
    """Those that came last give their blocks up, and begin anew when there is room."""
    engine = family.engine(step_tokens=160, cache_mb=0)
    assert said(engine, PROMPTS) == family.greedy
    assert engine.stats().preemptions > 0
    engine.close()
