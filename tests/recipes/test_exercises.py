"""Exercises can be answered from the chat alone, and rows are whole."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from recipes.pocket import controls, document, exercises, pack, tokenizer
from recipes.pocket import rows as rows_
from recipes.pocket.document import Document, chat_of
from recipes.pocket.exercises import MASK, Exercise

SAID = chat_of(
    [
        (True, "Hello, my order 48213 of 12 May never came and it cost $39.50."),
        (False, "Sorry to hear that! I asked Noor at the depot in Leeds about it."),
        (True, "That was a week ago. Who pays for my lamp?"),
    ]
)
CHAT = Document("en", SAID, source="cucom_in")


def made(maker: exercises.Maker, about: Document = CHAT) -> Iterator[Exercise]:
    for seed in range(30):
        if exercise := maker(about, random.Random(seed)):
            yield exercise


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("maker", [exercises.quote, exercises.go_on, exercises.find, exercises.wanted])
def test_what_is_quoted_stands_in_the_chat(maker: exercises.Maker) -> None:
    found = list(made(maker))
    assert found
    assert all(exercise.answer in flat(exercise.chat.text) for exercise in found)


def test_numbers_amounts_and_names_are_repeated_in_order() -> None:
    assert {each.answer for each in made(exercises.codes)} == {"48213, 12, 39.50"}
    assert {each.answer for each in made(exercises.money)} == {"$39.50"}
    assert {each.answer for each in made(exercises.names)} == {"May, Noor, Leeds"}


def test_a_masked_turn_is_the_answer_and_no_longer_in_the_chat() -> None:
    for exercise in made(exercises.masked):
        assert MASK in exercise.chat.text
        assert exercise.answer not in flat(exercise.chat.text)


def test_shuffled_turns_are_put_in_order() -> None:
    right = "\n".join(f"{turn.role.capitalize()}: {turn.text}" for turn in SAID)
    assert {exercise.answer for exercise in made(exercises.order)} == {right}


def test_a_review_is_judged_in_the_form_of_the_products_triage() -> None:
    review = Document("ko", chat_of([(True, "배송이 너무 늦어서 정말 실망했습니다.")]), sentiment=-1)
    (answer,) = {exercise.answer for exercise in made(exercises.judged, review)}
    assert json.loads(answer) == {"sentiment": -1, "summary": "배송이 너무 늦어서 정말 실망했습니다."}


def test_our_own_agents_replies_are_no_examples() -> None:
    assert list(made(exercises.replied))
    ours = Document("en", SAID, source="conversations")
    assert not list(made(exercises.replied, ours))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pocket")
    text = Document(
        "en", text="It was a bright cold day in April, and the clocks were striking. " * 30, source="ewt_en"
    )
    document.write(folder / "documents.jsonl", [CHAT, text] * 20)
    tokenizer.train(folder, seed=0, vocabulary=600, chars=20_000)
    return folder


def test_rows_are_full_and_the_same_for_the_same_seed(work: Path) -> None:
    pools, tokens = pack.pools(work), tokenizer.load(work)
    one, other = (pack.Packer(pools, tokens, random.Random(4)).shard(20, 256) for _ in range(2))
    assert one.shape == (20, 256)
    assert (one == other).all()


def test_an_exercise_stands_whole_in_its_row(work: Path) -> None:
    tokens = tokenizer.load(work)
    rows = pack.Packer(pack.pools(work), tokens, random.Random(1)).shard(20, 256)
    for row in rows.tolist():
        assert row.count(controls.START) == row.count(controls.END)


def test_a_packed_copy_holds_the_same_rows(work: Path) -> None:
    (work / "rows").mkdir(exist_ok=True)
    rows = pack.Packer(pack.pools(work), tokenizer.load(work), random.Random(1)).shard(4, 64)
    np.save(work / "rows" / "0000.npy", rows)
    rows_.carry(work)
    shutil.rmtree(work / "rows")
    assert (rows_.text(work) == rows).all()
