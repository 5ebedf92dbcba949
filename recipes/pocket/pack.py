"""Pack: documents and exercises as rows of tokens, whole rows without padding.

An exercise always stands whole in its row; what is left of the row is filled with plain text, which
is cut wherever the row ends and goes on in the next. Tokens see what stands before them in their row,
be it of another document: that costs little, and needs no mask.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, cycle
from pathlib import Path

import numpy as np

from attune import prompt
from attune.engines.paged.tokens import Tokens
from attune.prompt import Style
from recipes.pocket import document, exercises, rows, tokenizer
from recipes.pocket.controls import BOS, END, EOS
from recipes.pocket.document import Document
from recipes.pocket.rows import Rows
from recipes.pocket.sources import weights
from recipes.pocket.tokenizer import SHARES

PLAIN = 0.45
"""The part of the tokens that is plain text."""
_SHARD_ROWS = 4096
_CHARS = {"ja": 500, "ko": 600}
_OTHER_CHARS = 1300
"""Of a chat in an exercise, so that chat and answer mostly fit a row."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The documents of one language, and among them the chats with the weights to draw them by."""

    documents: list[Document]
    chats: list[Document]
    steps: list[float]


def pack(work: Path, tokens: int, seed: int) -> list[Path]:
    """Writes shards of rows to `work`/rows, some `tokens` tokens in all."""
    (work / "rows").mkdir(exist_ok=True)
    shards = max(1, round(tokens / (_SHARD_ROWS * rows.PRETRAIN)))
    with ProcessPoolExecutor(initializer=_load, initargs=(work,)) as pool:
        return list(pool.map(_write, [work] * shards, range(shards), [shards] * shards, [seed] * shards))


_pools: dict[str, Pool] = {}
_vocabulary: list[Tokens] = []


def _load(work: Path) -> None:
    """What a process needs for all of its shards, read once."""
    _pools.update(pools(work))
    _vocabulary[:] = [tokenizer.load(work)]


def _write(work: Path, shard: int, shards: int, seed: int) -> Path:
    rng = random.Random(f"{seed} {shard}")
    path = rows.shard(work, shard)
    np.save(path, Packer(_pools, _vocabulary[0], rng, (shard, shards)).shard(_SHARD_ROWS, rows.PRETRAIN))
    return path


def pools(work: Path) -> dict[str, Pool]:
    by_language: dict[str, list[Document]] = {language: [] for language in SHARES}
    for each in document.read(work / "documents.jsonl"):
        by_language[each.language].append(each)
    weight = weights()
    made = {}
    for language, found in by_language.items():
        chats = [each for each in found if each.turns]
        made[language] = Pool(found, chats, list(accumulate(weight[each.source] for each in chats)))
    return made


class Packer:
    """Fills the rows of one shard out of several; each shard has its own part of the plain text."""

    def __init__(
        self, pools: dict[str, Pool], tokens: Tokens, rng: random.Random, part: tuple[int, int] = (0, 1)
    ) -> None:
        self._pools = {language: pool for language, pool in pools.items() if pool.documents}
        self._tokens = tokens
        self._rng = rng
        self._streams = {each: self._stream(pool, part) for each, pool in self._pools.items()}
        self._open: list[int] = []
        self._plain, self._all = 0, 0

    def shard(self, count: int, length: int) -> Rows:
        return np.array([self.row(length) for _ in range(count)], np.uint16)

    def row(self, length: int) -> list[int]:
        ids: list[int] = []
        while len(ids) < length:
            room = length - len(ids)
            turn = not self._open and self._plain >= PLAIN * self._all
            exercise = self._exercise() if turn else []
            if 0 < len(exercise) <= room:
                ids += exercise
                self._all += len(exercise)
            else:
                ids += self._take(room)
        return ids

    def _take(self, count: int) -> list[int]:
        """The next `count` tokens of plain text, or fewer where a document ends."""
        if not self._open:
            self._open = [BOS, *self._tokens.encode(next(self._streams[self._language()])), EOS]
        taken, self._open = self._open[:count], self._open[count:]
        self._plain += len(taken)
        self._all += len(taken)
        return taken

    def _stream(self, pool: Pool, part: tuple[int, int]) -> Iterator[str]:
        """The language's texts in an order by chance that is the same for all shards, each its own part."""
        weight = weights()
        rng = random.Random(len(pool.documents))
        often = [int(weight[each.source] + rng.random()) for each in pool.documents]
        order = [index for index, times in enumerate(often) for _ in range(times)]
        rng.shuffle(order)
        mine = order[part[0] :: part[1]] or order
        return (tokenizer.plain(pool.documents[index]) for index in cycle(mine))

    def _exercise(self) -> list[int]:
        """An exercise's tokens; those few that have no answer in them are drawn again."""
        while True:
            language = self._language()
            pool = self._pools[language]
            if not pool.chats:
                continue
            (drawn,) = self._rng.choices(pool.chats, cum_weights=pool.steps)
            chars = self._rng.randint(150, _CHARS.get(language, _OTHER_CHARS))
            made = exercises.make(exercises.cut(drawn, chars, self._rng), self._rng)
            if made:
                return encode(made, self._tokens)

    def _language(self) -> str:
        known = list(self._pools)
        (language,) = self._rng.choices(known, [SHARES[each] for each in known])
        return language


def encode(exercise: exercises.Exercise, tokens: Tokens) -> list[int]:
    """The prompt as the product's engine makes it, then the answer and the end of the turn."""
    parts = prompt.render(prompt.build("", exercise.chat, exercise.cue), Style.GEMMA)
    asked = tokens.encode_prompt(parts.head, "\n".join(parts.lines), parts.tail)
    return [*asked, *tokens.encode(exercise.answer), END]
