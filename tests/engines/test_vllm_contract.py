"""The vllm engine keeps what every engine must, and says what became of vLLM's own process."""

from __future__ import annotations

import multiprocessing

import pytest
from tests.engines.small_vllm import needs_vllm, small_vllm

from attune.engines.vllm import VLLMEngine
from attune.errors import EngineError
from attune.testing import EngineContract, a_request

pytestmark = needs_vllm


class TestVLLMEngine(EngineContract):
    def make(self) -> VLLMEngine:
        return small_vllm()


def test_what_is_in_flight_ends_with_vllm_s_process_and_in_words() -> None:
    engine = small_vllm()
    asked = [engine.submit(a_request(f"Order {number}")) for number in range(8)]
    for process in multiprocessing.active_children():
        process.kill()
    late = engine.submit(a_request())
    for future in (*asked, late):
        with pytest.raises(EngineError, match="vLLM's own process has ended"):
            future.result(60)
    engine.close()
