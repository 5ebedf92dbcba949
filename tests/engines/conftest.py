"""The pocket model, loaded once for all tests of engines, and looked over when they are through."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.engines.asking import VOCABULARY

from attune.engines.openvino import OpenVINOEngine
from attune.engines.openvino.folder import open_folder
from attune.engines.openvino.model import OpenVINOModel
from attune.engines.paged.tokens import Tokens
from attune.models import POCKET


@pytest.fixture(scope="session")
def exact() -> Iterator[OpenVINOEngine]:
    """The pocket model in float32. No block may be missing when all tests have been through it."""
    engine = OpenVINOEngine(POCKET, cache_mb=192, exact=True)
    yield engine
    engine.close()
    assert engine.free_blocks == engine.blocks


@pytest.fixture
def small() -> Iterator[OpenVINOEngine]:
    """An engine whose cache holds two contexts of 256 tokens, so that requests wait."""
    engine = OpenVINOEngine(POCKET, context_tokens=256, step_tokens=64, cache_mb=0)
    yield engine
    engine.close()
    assert engine.free_blocks == engine.blocks


@pytest.fixture(scope="session")
def runner() -> OpenVINOModel:
    """The model alone, in float32, for brute force."""
    model = OpenVINOModel(POCKET / "openvino_model.xml", exact=True)
    model.allocate(64)
    return model


@pytest.fixture(scope="session")
def vocabulary() -> Tokens:
    folder = open_folder(POCKET)
    return Tokens(folder.tokenizer, folder.ends, folder.bos, VOCABULARY)
