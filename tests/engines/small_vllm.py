"""vLLM over small Gemmas 3 with random weights, where it is installed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.engines import small_gemma

from attune.engines.vllm import Options, VLLMEngine

needs_vllm = [
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed: make engine-vllm"),
    pytest.mark.filterwarnings("default"),  # its libraries warn of each other
    pytest.mark.timeout(1800),
]
_WORDS = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "bos_token": "<bos>",
    "eos_token": "<eos>",
    "pad_token": "<pad>",
}


def small_vllm(folder: Path | None = None, adapter: Path | None = None) -> VLLMEngine:
    """In float32, with room for a prompt of 600 tokens, taking little memory."""
    folder = folder or small_gemma.folder("gemma3")
    (folder / "tokenizer_config.json").write_text(json.dumps(_WORDS), encoding="utf-8")
    options = Options(dtype="float32", context_tokens=704, gpu_memory=0.1, eager=True)
    return VLLMEngine(folder, options=options, adapter=adapter)
