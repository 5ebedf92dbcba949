"""The server that is asked: where it stands, with which key, and what it understands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from attune.address import parse_address
from attune.engines import BEAMS
from attune.errors import BadConfig

KEY_VARIABLE = "ATTUNE_ENGINE_KEY"
FORM = "http://127.0.0.1:8000/v1?model=NAME"
_BEYOND = frozenset({"top_k", "min_p", "repetition_penalty", "no_repeat_ngram_size"})
"""Settings of Sampling that OpenAI's API does not have, and many servers do."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server understands beyond OpenAI's own parameters.

    `names` are its words for our settings. `binds` is how an answer is bound to its slots: by OpenAI's
    `response_format`, or by a regular expression or grammar, which leave no white space to loop in.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    binds: Literal["response_format", "structured_outputs", "regex", "grammar"] = "response_format"
    also: Mapping[str, int] = field(default_factory=dict)
    every_k: int = -1
    """The `top_k` that means all tokens."""
    ours: bool = False
    """attune's own service: it has our slots, tells probabilities, and makes no word a control token."""

    @property
    def lacks(self) -> frozenset[str]:
        return BEAMS | (_BEYOND - self.names.keys())


_SAME = {name: name for name in ("top_k", "min_p", "repetition_penalty")}
DIALECTS: Mapping[str, Dialect] = {
    "vllm": Dialect(_SAME, "structured_outputs"),
    "sglang": Dialect(_SAME, "regex"),
    "llamacpp": Dialect(
        _SAME | {"repetition_penalty": "repeat_penalty"}, "grammar", also={"repeat_last_n": 8192}
    ),
    "attune": Dialect({name: name for name in _BEYOND}, every_k=0, ours=True),
}
"""By the `owned_by` of the server's models. All others are taken to have OpenAI's own parameters."""


@dataclass(frozen=True, slots=True)
class Server:
    """What an address like http://127.0.0.1:8000/v1?model=gemma says.

    `connect_s` is for a connection, `read_s` for the next bytes of an answer, `total_s` for a whole one.
    """

    url: str
    model: str = ""
    key: str = field(default="", repr=False)
    key_variable: str = KEY_VARIABLE
    concurrency: int = 1024
    connect_s: float = 5.0
    read_s: float = 120.0
    total_s: float = 600.0

    @classmethod
    def of(cls, text: str, environment: Mapping[str, str] = os.environ) -> Server:
        """Raises BadConfig. The key is never part of the address, but that of a variable it may name."""
        if urlsplit(text).username or urlsplit(text).password:
            raise BadConfig(
                f"an engine's address holds no key: set {KEY_VARIABLE}, or name a variable: …&key=NAME"
            )
        address = parse_address(text, FORM)
        address.check_options(("model", "key", "concurrency", "connect_s", "read_s", "total_s"))
        variable = address.options.get("key", KEY_VARIABLE)
        key = environment.get(variable, "").strip()
        if "key" in address.options and not key:
            raise BadConfig(f"{address.shown}: the variable that key= names is not set; it must hold the key")
        if not key.isascii():
            raise BadConfig(f"{variable}: a key is of ASCII characters")
        return cls(
            f"{address.scheme}://{address.where}/{address.name}",
            address.options.get("model", ""),
            key,
            variable,
            int(address.number("concurrency", 1024, low=1)),
            address.number("connect_s", 5.0, low=0.01),
            address.number("read_s", 120.0, low=0.01),
            address.number("total_s", 600.0, low=0.01),
        )

    def redacted(self, text: str) -> str:
        """`text` in one line of bearable length, without the key."""
        line = " ".join(text.split())
        line = line.replace(self.key, "…") if self.key else line
        return line if len(line) <= 500 else f"{line[:499]}…"
