"""Lessons are the product's own requests, and what is learned is what the model will be asked to decide."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from recipes.pocket import document, tokenizer
from recipes.pocket.answers import CHOICE, lesson
from recipes.pocket.augment import augment, invented
from recipes.pocket.controls import END
from recipes.pocket.document import Document
from recipes.pocket.gold import Example
from recipes.pocket.lessons import balanced, packed
from recipes.pocket.rows import TUNE

from attune.answer import parse
from attune.chat import Chat, Role, Turn
from attune.engines.paged.tokens import Tokens
from attune.models import POCKET
from attune.task import Task, load

TURNS = (
    Turn(Role.CUSTOMER, "hi, my kettle from order 48213 leaks"),
    Turn(Role.AGENT, "Hello Noor, sorry about the kettle. I can send another one."),
    Turn(Role.CUSTOMER, 'the second one, "new", leaks too. I give up'),
)
EXAMPLE = Example(
    Chat("7", "1", TURNS, "en"),
    -1,
    "The kettle of order 48213 leaks, and so does the second.",
    "Sorry about the kettle.",
)
OWN_WORDS = Path(document.__file__).parent / "tasks" / "triage.toml"


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    folder = tmp_path_factory.mktemp("pocket")
    document.write(folder / "documents.jsonl", [Document("en", TURNS)] * 30)
    tokenizer.train(folder, seed=0, vocabulary=600, chars=10_000)
    return tokenizer.load(folder)


def text(tokens: Tokens, ids: list[int]) -> str:
    return b"".join(tokens.pieces[each] for each in ids).decode()


@pytest.mark.parametrize("path", [POCKET / "tasks" / "triage.toml", OWN_WORDS], ids=["excerpt", "own words"])
def test_an_answer_parses_as_the_products_verdict(tokens: Tokens, path: Path) -> None:
    task = load(path)
    drafting = task.escalation
    assert drafting is not None
    for each in (task, drafting.draft):
        made = lesson(each, EXAMPLE, tokens, TUNE)
        assert made
        whole = text(tokens, made[0])
        answer = whole[whole.index("model\n") + len("model\n") :]
        verdict = parse(each, answer, EXAMPLE.chat)
        assert verdict.values.get("sentiment", -1) == -1


def learned(task: Task, tokens: Tokens) -> tuple[str, str]:
    made = lesson(task, EXAMPLE, tokens, TUNE)
    assert made
    pairs = list(zip(*made, strict=True))
    most = [each for each, count in pairs if count == CHOICE]
    return text(tokens, most), text(tokens, [each for each, count in pairs if count == 1])


def test_only_what_the_model_decides_is_learned_and_the_choice_counts_most(tokens: Tokens) -> None:
    choice, rest = learned(load(OWN_WORDS), tokens)
    assert choice == "-"  # what comes before and after it follows
    assert rest.strip() == f'{EXAMPLE.summary}"'


def test_an_excerpt_learns_the_words_nearest_to_the_summary(tokens: Tokens) -> None:
    _, rest = learned(load(POCKET / "tasks" / "triage.toml"), tokens)
    assert rest.strip() == (
        'hi, my kettle from order 48213 leaks … the second one, \\"new\\", leaks too. I give up'
    )


def test_a_reply_ends_with_the_turn(tokens: Tokens) -> None:
    task = load(OWN_WORDS).escalation
    assert task is not None
    made = lesson(task.draft, EXAMPLE, tokens, TUNE)
    assert made
    assert made[0][-1] == END
    assert made[1][-1] == 1


def test_no_row_is_longer_than_the_others_and_no_lesson_is_cut() -> None:
    rng = random.Random(0)
    made = [([1] * size, [1] * size) for size in (rng.randint(40, 700) for _ in range(200))]
    rows = list(packed(made))
    assert {len(ids) for ids, _ in rows} == {TUNE}
    assert sum(sum(counts) for _, counts in rows) == sum(len(ids) for ids, _ in made)


def test_a_swap_is_the_same_in_chat_summary_and_reply() -> None:
    numbers: set[str] = set()
    goods: set[str] = set()
    for seed in range(60):
        made = augment(EXAMPLE, random.Random(seed))
        assert invented(made) == invented(EXAMPLE)
        assert len(made.chat.turns) == len(TURNS)
        numbers.update(word for word in made.summary.replace(",", "").split() if word.isdigit())
        goods.add(made.summary.split()[1])
        assert made.summary.split()[1] in made.chat.text.lower()
    assert len(numbers) > 20
    assert len(goods) > 10


def test_every_sentiment_is_as_frequent_in_its_language() -> None:
    happy = replace(EXAMPLE, sentiment=1, reply=None)
    drawn = balanced([EXAMPLE] * 5 + [happy], random.Random(0))
    assert sum(each.sentiment == 1 for each in drawn) == sum(each.sentiment == -1 for each in drawn) == 5
