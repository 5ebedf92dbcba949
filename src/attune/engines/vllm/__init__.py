"""Gemma and its like by vLLM, in this process: for GPUs, one or several.

`folder` says whether vLLM can be asked to run a model's folder, `adapter` makes a LoRA such as it takes, and
`model` starts it. A request is answered slot by slot (`answer`): each is a request to vLLM of its own, which
finds in its prefix cache what the ones before it read; known text is fed, never decoded. `engine` brings them
together, all in one thread.
"""

from __future__ import annotations

from attune.engines.vllm.engine import VLLMEngine
from attune.engines.vllm.model import CONTEXT_TOKENS, Options

__all__ = ["CONTEXT_TOKENS", "Options", "VLLMEngine"]
