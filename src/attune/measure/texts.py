"""Texts: ROUGE, BLEU and chrF, length, repetition, numbers and names, and what a person changed in drafts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attune.address import load
from attune.excerpt import sentences
from attune.ground import ungrounded
from attune.measure.figure import Array, Measure, Rows, Sample, ratio
from attune.measure.words import Words, bleu_tokenizer, repeats, tokens, words

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric

_ROUGE = {"ROUGE-1": "rouge1", "ROUGE-2": "rouge2", "ROUGE-L": "rougeL", "ROUGE-Lsum": "rougeLsum"}
_BLEU, _CHRF = 10, 18
_NAMES = (
    *("gold", "said", "words", "gold words", "length", "beside", "repeats"),
    *("checked", "grounded", "edit distance", "touched"),
    *_ROUGE,
)
_AT = {name: index for index, name in enumerate(_NAMES)}
_WIDTH = len(_NAMES) + _BLEU + _CHRF


@dataclass(frozen=True, slots=True)
class Text:
    """One row: the text of gold, the predicted one, and what they are about, as far as it is known."""

    gold: str
    said: str | None
    chat: str | None = None
    language: str | None = None


class Texts:
    """The scores of a field's texts: `put` each row that has gold, then read as `figure.Scored`.

    A text that is missing counts as an empty one for ROUGE, BLEU and chrF; lengths, repetition, names and
    numbers and edits are those of the texts that are there. 344 bytes a row.
    """

    def __init__(self, rows: int, draft: bool, chats: bool) -> None:
        self.kind = "draft" if draft else "text"
        self._values = np.zeros((rows, _WIDTH))
        self._draft = draft
        self.tokenizers: set[str] = set()
        self.measures = tuple(_measures(draft, chats))

    @property
    def has_gold(self) -> NDArray[np.bool_]:
        return self._values[:, _AT["gold"]] > 0

    @property
    def fits(self) -> NDArray[np.bool_]:
        """Which rows have a text."""
        return self._values[:, _AT["said"]] > 0

    def put(self, row: int, text: Text) -> None:
        """Scores one row."""
        tokenizer = bleu_tokenizer(text.gold, text.language)
        self.tokenizers.add(tokenizer)
        said = text.said or ""
        named = _counted(text, said, self._draft) | _rouge(text.gold, said)
        self._values[row, : len(_NAMES)] = [named.get(name, 0.0) for name in _NAMES]
        self._values[row, len(_NAMES) :] = [
            *_segment(_bleu(tokenizer), said, text.gold),
            *_segment(_chrf(), said, text.gold),
        ]

    def sample(self, rows: Rows) -> Sample:
        return Sample(self._values[rows], np.ones(len(rows), dtype=np.int64))

    def pair(self, other: Texts, rows: Rows) -> tuple[Sample, Sample]:
        return self.sample(rows), other.sample(rows)

    def by_row(self) -> Array:
        """ROUGE-L of each row, as that is never undefined."""
        return self._values[:, _AT["ROUGE-L"]]

    def lengths(self, rows: Rows) -> tuple[Array, Array]:
        """Words of the predicted texts that are there, and of gold's."""
        there = self._values[rows]
        said = there[there[:, _AT["said"]] > 0, _AT["words"]]
        return said, there[there[:, _AT["gold"]] > 0, _AT["gold words"]]


def _counted(text: Text, said: str, draft: bool) -> dict[str, float]:
    found, gold = words(said), words(text.gold)
    counted = {"gold": 1.0, "said": float(bool(said.strip())), "gold words": float(len(gold))}
    if not said.strip():
        return counted
    counted |= {
        "words": float(len(found)),
        "length": 100.0 * len(found),
        "beside": float(len(gold)),
        "repeats": 100.0 * repeats(found),
    }
    if text.chat is not None:
        counted |= {"checked": 1.0, "grounded": 100.0 * (not ungrounded(said, text.chat, text.language))}
    if draft:
        apart = distance(said, text.gold)
        counted |= {"edit distance": 100.0 * apart, "touched": 100.0 * (apart > 0)}
    return counted


def distance(draft: str, approved: str) -> float:
    """Levenshtein's distance in words and punctuation, over the length of the longer text: 0 to 1."""
    from rapidfuzz.distance import Levenshtein

    return float(Levenshtein.normalized_distance(tokens(draft), tokens(approved)))


def rouge_l(gold: str, said: str) -> float:
    """ROUGE-L: the words of the longest run in order that both share, F1 times 100 (Lin, 2004)."""
    return _rouge(gold, said)["ROUGE-L"]


def _rouge(gold: str, said: str) -> dict[str, float]:
    # Lsum goes by sentences, a line each; the other kinds see words alone, and so no line.
    one, other = ("\n".join(sentences(text)) for text in (gold, said))
    found = _scorer().score(one, other)
    return {name: 100.0 * found[kind].fmeasure for name, kind in _ROUGE.items()}


def _segment(metric: Metric, said: str, gold: str) -> list[float]:
    """What sacrebleu sums over a corpus, of one row. Its public calls hand out whole scores only."""
    found: list[float] = metric._extract_corpus_statistics([said], [[gold]])[0]  # noqa: SLF001
    return found


def _corpus(metric: Metric, sums: Array) -> Array:
    """The library's own score of each row of sums."""
    flat = sums.reshape(-1, sums.shape[-1])
    found = [metric._compute_score_from_stats(each.tolist()).score for each in flat]  # noqa: SLF001
    return np.array(found).reshape(sums.shape[:-1])


@cache
def _scorer() -> Any:
    return load("rouge_score.rouge_scorer", "eval").RougeScorer(list(_ROUGE.values()), tokenizer=Words())


@cache
def _bleu(tokenizer: str) -> Metric:
    metric: Metric = load("sacrebleu.metrics", "eval").BLEU(tokenize=tokenizer)
    return metric


@cache
def _chrf() -> Metric:
    metric: Metric = load("sacrebleu.metrics", "eval").CHRF()
    return metric


def _measures(draft: bool, chats: bool) -> Iterator[Measure]:
    for name in _ROUGE:
        main = name == "ROUGE-L" and not draft
        yield _mean(name, "gold", "points", "shared with gold, F1 times 100", main=main)
    begin, end = len(_NAMES), len(_NAMES) + _BLEU
    yield Measure("BLEU", "points", lambda sums: _corpus(_bleu("13a"), sums[..., begin:end]), "of the corpus")
    yield Measure(
        "chrF", "points", lambda sums: _corpus(_chrf(), sums[..., end:]), "of the corpus", group="main"
    )
    if draft:
        told = "words and signs that a person changed, of the longer text"
        yield _mean("edit distance", "said", "%", told, better=-1, main=True)
        yield _mean("touched", "said", "%", "drafts in which a word or a sign was changed", -1, binary=True)
    yield _mean("length", "beside", "% of gold", "words of the texts beside those of gold", 0)
    yield _mean("repeats", "said", "%", "texts in which four words in a row stand twice", -1, binary=True)
    if chats:
        told = "texts whose numbers, codes and names all stand in the chat"
        yield _mean("grounded", "checked", "%", told, binary=True)


def _mean(  # one keyword for each part of a Measure
    name: str,
    of: str,
    unit: str,
    about: str,
    better: int = 1,
    *,
    binary: bool = False,
    main: bool = False,
) -> Measure:
    """The mean of a column over the rows that the column `of` counts."""
    count = None if of == "beside" else _column(of)
    return Measure(
        name, unit, _share(name, of), about, better, binary, group="main" if main else "", count=count
    )


def _column(name: str) -> Callable[[Array], Array]:
    return lambda sums: sums[..., _AT[name]]


def _share(name: str, of: str) -> Callable[[Array], Array]:
    return lambda sums: ratio(sums[..., _AT[name]], sums[..., _AT[of]])
