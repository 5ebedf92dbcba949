"""Gemma 2, 3 and 4 by KerasHub: the tokens are those of Transformers in float32, however they are run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.engines.asking import said
from tests.engines.small_keras import HERE, Family, compilations, needs_keras

pytestmark = [needs_keras, pytest.mark.timeout(600)]
PROMPTS: list[list[int]] = json.loads((HERE / "families" / "prompts.json").read_text(encoding="utf-8"))
SHAPES = 3 * (3 + 3 + 2 + 2)
"""Contexts of 256, 512 and 1024 tokens; batches of 1, 8 and 64 rows of 1 token and of 16, and of 1 and 8 rows
of 64 and of 256."""


@pytest.fixture(scope="module", params=["gemma2", "gemma3", "gemma4"])
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Family:
    return Family(request.param, tmp_path_factory.mktemp(request.param))


def test_in_company_and_alone_with_few_shapes_compiled(family: Family) -> None:
    """Every third prompt begins as the one before it, and alone all of them are in the cache."""
    engine = family.engine()
    greedy = family.said("greedy.json")
    with compilations() as compiled:
        assert said(engine, PROMPTS) == greedy
        assert said(engine, PROMPTS[:25:8], at_once=False) == greedy[:25:8]
        assert 0 < len(compiled) <= SHAPES
    with compilations() as compiled:  # other lengths, and nothing new to compile
        assert said(engine, PROMPTS[1:25:8], at_once=False) == greedy[1:25:8]
        assert not compiled
    assert engine.stats().cached_tokens > 0
    engine.close()


@pytest.mark.parametrize("name", ["gemma2", "gemma3"])
def test_with_an_adapter(name: str, tmp_path: Path) -> None:
    family = Family(name, tmp_path)
    engine = family.engine(family.adapter)
    tuned = family.said("tuned.json")
    assert tuned != family.said("greedy.json")
    assert said(engine, PROMPTS) == tuned
    engine.close()
