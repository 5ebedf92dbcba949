"""The keras engine keeps what every engine must, and no answer is beyond its slots."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from tests.engines.small_keras import needs_keras, small_keras

from attune.engines.keras import KerasEngine
from attune.request import Sampling
from attune.testing import EngineContract, a_request

pytestmark = needs_keras
ANSWERS = int(os.environ.get("ANSWERS", "60"))


class TestKerasEngine(EngineContract):
    def make(self) -> KerasEngine:
        return small_keras()


@pytest.mark.timeout(3600)
def test_random_weights_give_valid_answers_none_over_its_limit() -> None:
    """Drawn hot: the worst that a model can do. In full: make engine-keras ANSWERS=1000."""
    engine = small_keras()
    plain = a_request()
    asked = [
        engine.submit(replace(plain, sampling=Sampling(temperature=2.0, seed=seed)))
        for seed in range(ANSWERS)
    ]
    said = [future.result() for future in asked]
    engine.close()
    assert len({completion.text for completion in said}) > ANSWERS * 0.9
    for completion in said:
        answer = json.loads(completion.text)
        assert answer["feels"] in ("good", "bad")
        assert 1 <= answer["stars"] <= 12
        assert answer["quote"] in ("The soup was cold.", 'He said "no".')
        assert len(answer["note"]) <= 40
    assert engine.free_blocks == engine.blocks
