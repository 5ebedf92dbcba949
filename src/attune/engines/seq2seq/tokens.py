"""The tokenizer of a T5: text in and out, and control tokens that no text can make."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from attune.decode.draw import Row
from attune.errors import EngineError

_NUMERIC = re.compile(r" ?-?[0-9]*")


class Tokens:
    """Tokens as numbers here, as pieces for CTranslate2; shared by all threads. `folder` is in CTranslate2's
    form, or in Hugging Face's, whose vocabulary the converter keeps.

    Text is always encoded as plain text: `</s>` in a chat is four characters of it.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "tokenizer.json"
        definition = _read_json(path)
        settings = _read_json(folder / "config.json")
        if "decoder_start_token_id" in settings:
            self._pieces = _pieces(definition, int(settings["vocab_size"]))
        else:
            self._pieces = _read_json(folder / "shared_vocabulary.json")
        self._numbers = {piece: number for number, piece in reversed(list(enumerate(self._pieces)))}
        added = {token["id"] for token in definition.get("added_tokens", ())}
        words = len(definition.get("model", {}).get("vocab", ()))
        self._controls = frozenset(added | set(range(words, len(self._pieces))))
        self._tokenizer = _load(path, _plain(definition, added))
        self.start: int = self._special(settings, "decoder_start_token")
        self.end: int = self._special(settings, "eos_token")
        self.banned: Row = np.zeros(len(self._pieces), np.float32)
        """Added to logits: minus infinity for what free text may never hold, the end excepted."""
        self.banned[sorted(self._controls - {self.end})] = -np.inf
        self.numeric = cache(self._numeric)

    def __len__(self) -> int:
        return len(self._pieces)

    def encode(self, text: str) -> list[int]:
        """Tokens of `text` as plain text, whatever it looks like."""
        ids: list[int] = self._tokenizer.encode(text.replace("\0", " "), add_special_tokens=False).ids
        return ids

    def decode(self, ids: list[int]) -> str:
        """The text of `ids`; control tokens write nothing."""
        text: str = self._tokenizer.decode([token for token in ids if token not in self._controls])
        return text.strip()

    def pieces(self, ids: list[int]) -> list[str]:
        return [self._pieces[token] for token in ids]

    def numbers(self, pieces: list[str]) -> list[int]:
        return [self._numbers[piece] for piece in pieces]

    def _special(self, settings: dict[str, Any], name: str) -> int:
        return int(settings[f"{name}_id"]) if f"{name}_id" in settings else self._numbers[settings[name]]

    def _numeric(self) -> list[tuple[int, str]]:
        """The tokens that can be part of a number, and what they write."""
        written = ((number, piece.replace("▁", " ")) for number, piece in enumerate(self._pieces))
        return [(number, text) for number, text in written if text and _NUMERIC.fullmatch(text)]


def _read_json(path: Path) -> Any:
    """What the file `path` holds. Raises EngineError that names the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(
            f"{path}: not readable as JSON ({error}). Fetch or convert the model again."
        ) from error


def _pieces(definition: dict[str, Any], size: int) -> list[str]:
    """The pieces of Hugging Face's tokenizer, and names that no text has up to the model's own size."""
    words = [str(piece) for piece, _ in definition.get("model", {}).get("vocab", [])]
    return [*words, *(f"\0{number}" for number in range(len(words), size))]


def _plain(definition: dict[str, Any], controls: set[int]) -> dict[str, Any]:
    """A tokenizer's definition, changed so that no text is encoded as a control token. Those stand among
    the pieces too, so they get a name there that no text has."""
    vocabulary = definition.get("model", {}).get("vocab", [])
    if definition.get("model", {}).get("type") != "Unigram":
        return {}
    pieces = [
        [f"\0{number}" if number in controls else piece, score]
        for number, (piece, score) in enumerate(vocabulary)
    ]
    model = definition["model"] | {"vocab": pieces}
    return definition | {
        "model": model,
        "added_tokens": [],
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }


def _load(path: Path, definition: dict[str, Any]) -> Tokenizer:
    if not definition:
        raise EngineError(f"{path}: not a tokenizer of T5's kind (Unigram), which is what this engine reads.")
    try:
        return Tokenizer.from_str(json.dumps(definition))
    except Exception as error:  # the package raises bare Exception
        raise EngineError(f"{path}: not a tokenizer ({error}). Fetch or convert the model again.") from error
