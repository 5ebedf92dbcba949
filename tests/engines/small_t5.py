"""The small random T5 of tests/engines/t5, unpacked, and what Transformers said of it."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from attune.engines.ctranslate2 import CTranslate2Engine
from attune.request import Free, Prompt, Request, Sampling

HERE = Path(__file__).parent / "t5"
SAID: list[dict[str, Any]] = [
    json.loads(line) for line in (HERE / "said.jsonl").read_text(encoding="utf-8").splitlines()
]
NEW = 32
"""Tokens that Transformers was let write."""


@cache
def folder() -> Path:
    """Where it is unpacked, once for all tests."""
    return unpack(Path(mkdtemp(prefix="attune-t5-")) / "small-t5")


def unpack(target: Path) -> Path:
    target.mkdir(parents=True)
    for packed in HERE.glob("*.xz"):
        (target / packed.stem).write_bytes(lzma.decompress(packed.read_bytes()))
    return target


def small_t5() -> CTranslate2Engine:
    return CTranslate2Engine(folder(), compute_type="float32")


def free(text: str, tokens: int = NEW, sequences: int = 1, **sampling: Any) -> Request:
    """A request for one text after `text` and nothing else."""
    slot = Free("text", 10_000, tokens, json=False, whole=False)
    return Request(Prompt("", (text,), ""), (slot,), Sampling(**sampling), sequences=sequences)
