"""The dev conversations are read by evaluate alone, and our own conversations are as they should be."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from recipes.pocket import gold, lessons, plain, sources
from recipes.pocket.sources import OFTEN, OWN, conversation_files
from recipes.pocket.tokenizer import SHARES

RECIPE = Path(sources.__file__).parent


def test_nothing_but_evaluate_reads_the_dev_part() -> None:
    assert [path.name for path in RECIPE.glob("*.py") if "dev.jsonl" in path.read_text(encoding="utf-8")] == [
        "evaluate.py"
    ]


def test_the_dev_part_is_never_among_the_files_to_learn_from(tmp_path: Path) -> None:
    (tmp_path / "conversations").mkdir()
    (tmp_path / "conversations" / "dev.jsonl").write_text("{}\n", encoding="utf-8")
    assert [path.name for path in conversation_files(tmp_path) if path.parent != OWN] == ["train.jsonl"]


@pytest.mark.parametrize("path", sorted(OWN.glob("*.jsonl")), ids=lambda path: path.name)
def test_our_conversations_have_their_gold_fields(path: Path) -> None:
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len({record["id"] for record in records}) == len(records)
    for record in records:
        example = gold.example(record)
        assert example.chat.turns
        assert example.sentiment in (-1, 0, 1)
        assert 0 < len(example.summary) <= 200
        assert (example.reply is not None) == (example.sentiment == -1), record["id"]


@pytest.mark.parametrize("path", sorted(OWN.glob("*.jsonl")), ids=lambda path: path.name)
def test_our_summaries_and_replies_name_no_number_that_the_chat_does_not(path: Path) -> None:
    for each in gold.read(path):
        told = re.findall(r"\d+", f"{each.summary} {each.reply or ''}")
        assert set(told) <= set(re.findall(r"\d+", each.chat.text)), each.chat.id


def test_a_files_conversations_come_as_often_as_is_said(tmp_path: Path) -> None:
    (tmp_path / "conversations").mkdir()
    (tmp_path / "conversations" / "train.jsonl").touch()
    come = Counter(each.chat.id for each in lessons.conversations(tmp_path))
    for path in OWN.glob("*.jsonl"):
        assert {come[each.chat.id] for each in gold.read(path)} == {OFTEN.get(path.name, 1)}
    assert {path.name for path in OWN.glob("*.jsonl")} >= set(OFTEN)


def test_every_source_says_its_licence_and_whose_it_is() -> None:
    assert all(source.licence and source.attribution and source.cap > 0 for source in sources.SOURCES)
    assert len({source.folder for source in sources.SOURCES}) == len(sources.SOURCES)


def test_the_plain_messages_to_check_with_are_not_learned(tmp_path: Path) -> None:
    (tmp_path / "conversations").mkdir()
    (tmp_path / "conversations" / "train.jsonl").touch()
    examples = [*lessons.conversations(tmp_path), *plain.read(plain.LEARNED)]
    learned = {turn.text for each in examples for turn in each.chat.turns}
    checked = plain.read(plain.CHECKED)
    assert {each.chat.turns[0].text for each in checked} >= {"The lamp came broken. I am angry."}
    assert not learned & {each.chat.turns[0].text for each in checked}
    languages = Counter((each.chat.language, each.sentiment) for each in checked)
    assert len(languages) == 3 * len(SHARES)


def test_in_each_language_there_are_plain_messages_of_each_sentiment_to_learn_from() -> None:
    said = plain.read(plain.LEARNED)
    assert len({each.chat.id for each in said}) == len({each.summary for each in said}) == len(said)
    counts = Counter((each.chat.language, each.sentiment) for each in said)
    assert {language for language, _ in counts} == set(SHARES)
    assert min(counts[language, sentiment] for language in SHARES for sentiment in (-1, 0, 1)) >= 50
