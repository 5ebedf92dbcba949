"""The models that can be recommended: what their publishers say of them, and what follows from that."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "catalogue.toml"
FORMS = ("int8", "int4")
"""What weights are converted to, the better first."""
_BYTES = {"int8": 1.0, "int4": 0.53, "bf16": 2.0}
"""Of a weight; 4-bit weights have a scale and a zero point of 20 bits for each group of 128 or 64."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a chat costs in tokens: those that are read together, and those that are written one by one."""

    read: float
    written: float


@dataclass(frozen=True, slots=True)
class Model:
    """An open model, see catalogue.toml. `hub` is its name on the Hugging Face hub."""

    name: str
    hub: str
    engine: str
    licence: str
    source: str
    parameters: int
    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    active: int = 0
    cached_layers: int = 0
    gated: bool = False
    note: str = ""

    @property
    def encodes(self) -> bool:
        """Whether an encoder reads and a decoder writes, as in a T5."""
        return self.engine == "ctranslate2"

    @property
    def head(self) -> int:
        """Weights of the vocabulary's head: only tokens that are written meet it."""
        return self.vocabulary * self.width

    @property
    def reading(self) -> int:
        """Weights that a token of the prompt is multiplied with."""
        return self.active - self.head if self.active else self.layers * self._block

    @property
    def writing(self) -> int:
        """Weights that a token of the answer is multiplied with."""
        across = self.attention // 2 if self.encodes else 0  # keys and values of the prompt are made once
        return self.reading + self.layers * across + self.head

    @property
    def attention(self) -> int:
        """Weights of one layer's attention."""
        return self.head_size * self.width * (2 * self.heads + 2 * self.kv_heads)

    @property
    def _block(self) -> int:
        return self.attention + 3 * self.width * self.inner

    def weight_bytes(self, form: str) -> float:
        """Bytes of all weights. In int4 what is only looked up, and the head, stay in 8 bits."""
        in_layers = self.parameters - self.head if not self.active else self.active - self.head
        rest = _BYTES["bf16" if form == "bf16" else "int8"]
        return in_layers * _BYTES[form] + (self.parameters - in_layers) * rest

    @property
    def cache_bytes(self) -> int:
        """Keys and values of one token, 16 bits each."""
        return 4 * (self.cached_layers or self.layers) * self.kv_heads * self.head_size


@cache
def models() -> tuple[Model, ...]:
    """All of the catalogue, in its order."""
    return tuple(Model(**row) for row in tomllib.loads(_FILE.read_text(encoding="utf-8"))["model"])


@cache
def chat() -> Work:
    """What one chat costs."""
    return Work(**tomllib.loads(_FILE.read_text(encoding="utf-8"))["chat"])
