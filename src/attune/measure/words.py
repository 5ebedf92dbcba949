"""Words of a text in any script: what ROUGE, lengths, repetition and edit distances count."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from attune.address import load

regex = load("regex", "eval")
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = regex.compile(rf"[{_UNSPACED}--\p{{M}}]\p{{M}}*|[[\p{{L}}\p{{N}}\p{{M}}]--[{_UNSPACED}]]+", regex.V1)
_TOKEN = regex.compile(rf"{_WORD.pattern}|[^\s\p{{L}}\p{{N}}\p{{M}}]+", regex.V1)
_CHARS = regex.compile(rf"[{_UNSPACED}]", regex.V1)
_REPEATED = 4
WITHOUT_SPACES = frozenset({"ja", "km", "lo", "my", "th"})
"""Languages whose words stand without spaces between them; Chinese has a tokenizer of its own."""


class Words:
    """The tokenizer that rouge-score is given.

    A word is a run of letters, digits and their marks, in lower case, as in rouge-score's own tokenizer,
    which knows only a to z and 0 to 9 and drops all else. In scripts without spaces (Han, kana, Thai, Lao,
    Khmer, Burmese) each sign with its marks is a word. Korean, which has spaces, is cut at them. For texts
    in ASCII the words are those of rouge-score, without its stemmer.
    """

    name = "every script: words; single signs in Han, kana, Thai, Lao, Khmer, Burmese"

    def tokenize(self, text: str) -> list[str]:
        return words(text)


def words(text: str) -> list[str]:
    """The words of `text` in lower case, see `Words`."""
    found: list[str] = _WORD.findall(unicodedata.normalize("NFC", text.lower()))
    return found


def tokens(text: str) -> list[str]:
    """Words and runs of punctuation as they are written, which is what a person changes in a draft."""
    found: list[str] = _TOKEN.findall(unicodedata.normalize("NFC", text))
    return found


def repeats(found: Sequence[str]) -> bool:
    """Whether some four words in a row stand there twice."""
    runs = [tuple(found[start : start + _REPEATED]) for start in range(len(found) - _REPEATED + 1)]
    return len(set(runs)) < len(runs)


def bleu_tokenizer(text: str, language: str | None) -> str:
    """The tokenizer of sacrebleu for a text: `zh` for Chinese, `char` where words have no spaces, else `13a`.

    Where no language is known, the script of `text` tells.
    """
    code = re.split("[-_]", language.lower())[0] if language else ""
    if code:
        return "zh" if code == "zh" else "char" if code in WITHOUT_SPACES else "13a"
    return "char" if len(_CHARS.findall(text)) * 2 > len("".join(text.split())) else "13a"
