"""The model's vocabulary: text to tokens, tokens to bytes, and no way from a chat to a control token."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from attune.engines.paged.folder import json_object
from attune.engines.paged.vocabulary import Vocabulary
from attune.errors import EngineError
from attune.prompt import Style

_STYLES = {
    "<start_of_turn>": Style.GEMMA,
    "<|turn>": Style.GEMMA4,
    "<|im_start|>": Style.CHATML,
    "<|start_header_id|>": Style.LLAMA3,
}
"""By a control token that only the vocabularies of this style have."""
_ENDS = (
    *("<end_of_turn>", "<turn|>", "<eos>", "</s>"),
    *("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>"),
)
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class Tokens:
    """A tokenizer, shared by all threads: of SentencePiece's kind with bytes as <0x0A> (Gemma, Llama 2),
    or of GPT-2's, where every piece is bytes (Llama 3, Qwen).

    Text is always encoded as plain text; only `encode_prompt` makes control tokens, and only from
    the parts that are ours.
    """

    def __init__(self, path: Path, ends: frozenset[int], bos: int | None, vocabulary: int) -> None:
        definition = json_object(path)
        self._bytewise = "ByteLevel" in _kinds(definition.get("decoder"))
        self._tokenizer = _load(path, _as_it_stands(definition, self._bytewise))
        self._tokenizer.encode_special_tokens = True
        added = self._tokenizer.get_added_tokens_decoder()
        self._controls = {token.content: number for number, token in added.items() if token.special}
        longest_first = sorted(self._controls, key=len, reverse=True)
        self._control = re.compile("(" + ("|".join(map(re.escape, longest_first)) or "(?!)") + ")")
        styles = [style for sign, style in _STYLES.items() if sign in self._controls]
        self.style = styles[0] if styles else Style.PLAIN
        self._bos = None if self.style is Style.CHATML else bos  # these name one, and were trained without
        self.ends = ends | {self._controls[end] for end in _ENDS if end in self._controls}
        self.pieces = self._pieces(path, vocabulary)
        self.banned = self._banned(vocabulary)
        self.numeric = cache(self._numeric)
        self.grounded = cache(self._grounded)

    def encode(self, text: str) -> list[int]:
        """Tokens of `text` as plain text, whatever it looks like."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def encode_prompt(self, *parts: str) -> list[int]:
        """Tokens of a prompt whose parts are ours and theirs by turns, ours first: head, body, tail.
        Ours become control tokens where they name them, theirs are plain text.

        Text between two control tokens is encoded in one run, so it gets the tokens that the same text
        got in training, over the borders of the parts.
        """
        runs = [""]
        for index, part in enumerate(parts):
            first, *rest = self._control.split(part) if index % 2 == 0 else [part]
            runs[-1] += first
            runs += rest
        ids: list[int] = []
        for index, run in enumerate(runs):
            ids += [self._controls[run]] if index % 2 else self.encode(run)
        if self._bos is not None and ids[:1] != [self._bos]:
            ids.insert(0, self._bos)
        return ids

    def shown(self, ids: Iterable[int]) -> str:
        """What tokens say, control tokens by their names: for people."""
        names = {number: name.encode() for name, number in self._controls.items()}
        return b"".join(names.get(token, self.pieces[token]) for token in ids).decode("utf-8", "replace")

    def _pieces(self, path: Path, vocabulary: int) -> list[bytes]:
        """What each token writes, in UTF-8 bytes; a control token nothing."""
        words = self._tokenizer.get_vocab(with_added_tokens=True)
        added = {token.content for token in self._tokenizer.get_added_tokens_decoder().values()}
        if not self._bytewise and "<0x0A>" not in words:
            raise EngineError(
                f"{path}: no byte tokens in the vocabulary: this engine needs Gemma's kind or GPT-2's."
            )
        pieces = [b""] * max(vocabulary, max(words.values()) + 1)
        for word, number in words.items():
            pieces[number] = _bytes(word) if self._bytewise and word not in added else _piece(word)
        for number in self._controls.values():
            pieces[number] = b""
        return pieces

    def _banned(self, vocabulary: int) -> npt.NDArray[np.float32]:
        """Added to logits: minus infinity for what free text may never hold, an end excepted."""
        empty = [not piece for piece in self.pieces[:vocabulary]]
        empty_but_ends = np.array(empty) & ~np.isin(np.arange(vocabulary), list(self.ends))
        return np.where(empty_but_ends, np.float32(-np.inf), np.float32(0))

    def _grounded(self, names: bool, json: bool) -> Vocabulary:
        """The vocabulary as grounded text sees it: made when first asked for, in a second for a large one."""
        return Vocabulary(self.pieces[: len(self.banned)], self.ends, names, json)

    def _numeric(self, end: str) -> list[tuple[int, str]]:
        """The tokens that can be part of a number that ends with `end`."""
        shape = re.compile(rb" ?-?[0-9]*(" + re.escape(end.encode()) + rb")?")
        numbered = enumerate(self.pieces)
        return [(index, piece.decode()) for index, piece in numbered if piece and shape.fullmatch(piece)]


def _piece(word: str) -> bytes:
    byte = _BYTE.fullmatch(word)
    return bytes([int(byte[1], 16)]) if byte else word.replace("▁", " ").encode()


def _bytes(word: str) -> bytes:
    """The bytes of a piece of GPT-2's kind, which writes each as a visible character."""
    return bytes(_BYTE_OF[sign] for sign in word)


def _visible() -> dict[str, int]:
    """GPT-2's alphabet: printing bytes of Latin-1 as themselves, the others from U+0100 on, in order."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + index): byte for index, byte in enumerate(hidden)}


_BYTE_OF = _visible()


def _as_it_stands(definition: dict[str, Any], bytewise: bool) -> dict[str, Any]:
    """A tokenizer's definition, changed so that no space is put before a text, and that where pieces are
    bytes all tokens beside them are control tokens: those families leave some, like <tool_call>, open."""
    changed: dict[str, Any] = json.loads(json.dumps(definition))
    for part in _parts(changed.get("normalizer")):
        if part.get("type") == "Prepend":
            part["prepend"] = ""
    for part in _parts(changed.get("pre_tokenizer")):
        if "add_prefix_space" in part:
            part["add_prefix_space"] = False
        if "prepend_scheme" in part:
            part["prepend_scheme"] = "never"
    for token in changed.get("added_tokens", ()) if bytewise else ():
        token["special"] = True
    return changed


def _parts(part: Any) -> list[dict[str, Any]]:
    """A step of a tokenizer and the steps in it."""
    if not isinstance(part, dict):
        return []
    inner = [*part.get("normalizers", ()), *part.get("pretokenizers", ()), *part.get("decoders", ())]
    return [part, *(deeper for step in inner for deeper in _parts(step))]


def _kinds(part: Any) -> set[str]:
    return {str(step.get("type")) for step in _parts(part)}


def _load(path: Path, definition: dict[str, Any]) -> Tokenizer:
    try:
        return Tokenizer.from_str(json.dumps(definition))
    except Exception as error:  # the package raises bare Exception
        raise EngineError(f"{path}: not a tokenizer ({error}). Fetch or export the model again.") from error
