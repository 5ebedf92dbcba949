"""Tokenizer: a vocabulary of Gemma's kind, spaces as ▁, digits one by one, bytes for what it lacks.

Byte tokens are ordinary tokens: declared special, they would vanish when text is decoded.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from attune import prompt
from attune.engines.paged.tokens import Tokens
from recipes.pocket import document
from recipes.pocket.controls import BOS, CONTROLS, END, VOCABULARY
from recipes.pocket.document import Document

SHARES = {"en": 0.40, "ko": 0.14, "ja": 0.12, "de": 0.10, "fr": 0.08, "es": 0.08, "pt": 0.08}
"""Of each language, in the vocabulary's sample and in what the model reads."""
_WORDS = r"""▁?\p{L}[\p{L}\p{M}'’]*|\d|["{}\\\n]|▁?[^\s\p{L}\p{N}▁"{}\\]{1,4}|▁|\p{N}|\s"""
"""No token goes over the border of one of these. Quotes, braces and backslashes stand alone, so that
where a JSON string ends a token ends."""
_SIGNS = 3000
_SAMPLE_CHARS = 24_000_000


def train(work: Path, seed: int, vocabulary: int = VOCABULARY, chars: int = _SAMPLE_CHARS) -> Path:
    """Trains the vocabulary on a sample of the documents that has each language's share."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    made.normalizer = normalizers.Replace(" ", "▁")
    made.pre_tokenizer = pre_tokenizers.Split(Regex(_WORDS), "isolated")
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = [*CONTROLS, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "\n", *map(chr, range(33, 127))]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=special, limit_alphabet=_SIGNS, max_token_length=20
    )
    made.train_from_iterator(sample(work, chars, seed), trainer)
    path = work / "tokenizer.json"
    path.write_text(json.dumps(_ordinary(json.loads(made.to_str())), ensure_ascii=False), encoding="utf-8")
    return path


def _ordinary(definition: dict[str, list[dict[str, str]]]) -> dict[str, list[dict[str, str]]]:
    """Only the controls stay special: bytes and signs were so for training alone."""
    added = [token for token in definition["added_tokens"] if token["content"] in CONTROLS]
    return {**definition, "added_tokens": added}


def sample(work: Path, chars: int, seed: int) -> Iterator[str]:
    """Texts of the documents by chance, until each language has its share of `chars`."""
    by_language: dict[str, list[str]] = defaultdict(list)
    for each in document.read(work / "documents.jsonl"):
        by_language[each.language].append(plain(each))
    for language, share in SHARES.items():
        texts, left = by_language[language], share * chars
        random.Random(seed).shuffle(texts)
        for text in texts:
            if left <= 0:
                break
            left -= len(text)
            yield text


def plain(each: Document) -> str:
    """A document as text: a chat in the form in which it stands in the product's prompts."""
    return each.text or "\n".join(prompt.build("", each.chat, "").lines)


def load(work: Path) -> Tokens:
    """The vocabulary as the product's own engine sees it."""
    path = work / "tokenizer.json"
    size = len(json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"])
    return Tokens(path, frozenset([END]), BOS, size)
