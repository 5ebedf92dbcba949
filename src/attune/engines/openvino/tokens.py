"""The model's vocabulary: text to tokens, tokens to bytes, and no way from a chat to a control token."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from attune.engines.openvino.grounded import Vocabulary
from attune.errors import EngineError
from attune.prompt import Style

_ENDS = ("<end_of_turn>", "<eos>")
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class Tokens:
    """A tokenizer of Gemma's kind (spaces as ▁, bytes as <0x0A>), shared by all threads.

    Text is always encoded as plain text; only `encode_prompt` makes control tokens, and only from
    `head` and `tail`.
    """

    def __init__(self, path: Path, ends: frozenset[int], bos: int | None, vocabulary: int) -> None:
        self._tokenizer = _load(path)
        self._tokenizer.encode_special_tokens = True
        added = self._tokenizer.get_added_tokens_decoder()
        self._controls = {token.content: number for number, token in added.items() if token.special}
        self._control = re.compile("(" + "|".join(map(re.escape, self._controls)) + ")")
        self._bos = bos
        self.style = Style.GEMMA if "<start_of_turn>" in self._controls else Style.PLAIN
        self.ends = ends | {self._controls[end] for end in _ENDS if end in self._controls}
        self.pieces = self._pieces(path, vocabulary)
        self.banned = self._banned(vocabulary)
        self.numeric = cache(self._numeric)
        self.grounded = cache(self._grounded)

    def encode(self, text: str) -> list[int]:
        """Tokens of `text` as plain text, whatever it looks like."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def encode_prompt(self, head: str, body: str, tail: str) -> list[int]:
        """Tokens of a prompt: control tokens where `head` and `tail` name them, `body` as plain text.

        Text between two control tokens is encoded in one run, so it gets the tokens that the same text
        got in training, over the borders of head, body and tail.
        """
        before, after = self._control.split(head), self._control.split(tail)
        runs = [*before[:-1], before[-1] + body + after[0], *after[1:]]
        ids: list[int] = []
        for index, run in enumerate(runs):
            ids += [self._controls[run]] if index % 2 else self.encode(run)
        if self._bos is not None and ids[:1] != [self._bos]:
            ids.insert(0, self._bos)
        return ids

    def _pieces(self, path: Path, vocabulary: int) -> list[bytes]:
        """What each token writes, in UTF-8 bytes; a control token nothing."""
        words = self._tokenizer.get_vocab(with_added_tokens=True)
        if "<0x0A>" not in words:
            raise EngineError(f"{path}: no byte tokens in the vocabulary: this engine needs Gemma's kind.")
        pieces = [b""] * max(vocabulary, len(words))
        for word, number in words.items():
            byte = _BYTE.fullmatch(word)
            pieces[number] = bytes([int(byte[1], 16)]) if byte else word.replace("▁", " ").encode()
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


def _load(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises bare Exception
        raise EngineError(f"{path}: not a tokenizer ({error}). Export the model again.") from error
