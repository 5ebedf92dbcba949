"""attune arms: what serves is changed by a command, and running workers follow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from bench.split import measure
from tests.cli.conftest import Attune

from attune.adapters.record import Base, Record, write
from attune.store import Store

FORCED = ("--force", "--reason", "a try")


def test_arms_are_added_weighed_promoted_rolled_back_and_removed(attune: Attune) -> None:
    added = attune("arms", "add", "b", "--engine", "scripted:delay_ms=1", *FORCED, "--by", "ann")
    assert added.lines == ["version 2: base 0.9, b 0.1"], added.err
    assert attune("arms", "weight", "b", "0.4").lines == ["version 3: base 0.6, b 0.4"]
    assert attune("arms", "promote", "b").lines == ["version 4: base 0, b 1"]
    assert attune("arms", "rollback", "--reason", "complaints").lines == ["version 5: base 0.6, b 0.4"]
    left = attune("arms", "remove", "b", "--json").json
    assert left == {
        "version": 6,
        "arms": [{"name": "base", "engine": "", "task": "", "weight": 1.0, "sampling": {}, "drafter": ""}],
    }
    changes = [json.loads(line) for line in attune("arms", "history", "--json").lines]
    assert [(each["version"], each["action"], each["arm"]) for each in changes] == [
        (6, "remove", "b"),
        (5, "rollback", ""),
        (4, "promote", "b"),
        (3, "weight", "b"),
        (2, "add --force", "b"),
        (1, "begin", "base"),
    ]
    assert (changes[4]["person"], changes[4]["reason"]) == ("ann", "a try")
    assert (changes[1]["back_to"], changes[1]["reason"]) == (3, "complaints")
    assert "rollback to 3" in attune("arms", "history").out


def test_a_run_splits_the_chats_among_the_arms_and_the_rows_say_which(attune: Attune, samples: Path) -> None:
    one = ("--engine", "scripted:delay_ms=1", "--weight", "0.5")
    large = ("--drafter", "scripted:delay_ms=2", "--sampling", "temperature=0.5")
    attune("arms", "add", "b", *one, *large, *FORCED)
    (base, b) = attune("arms", "list", "--json").json["arms"]
    assert (base["engine"], b["drafter"], b["sampling"]) == ("", "scripted:delay_ms=2", {"temperature": 0.5})
    assert "by scripted:delay_ms=2 temperature=0.5" in attune("arms", "list").out
    done = attune("run", samples.name, "--json")
    assert done.json["reconciled"], done.err
    arms = [row["arm"] for row in attune.rows()]
    assert {"base", "b"} == set(arms)
    assert 70 < arms.count("b") < 140
    attune("arms", "promote", "base")
    again = attune("run", samples.name, "--json")
    assert again.json["repeated"] == 212, "a chat that comes again is done, whichever arm is its own now"


@pytest.mark.parametrize(
    ("command", "code", "why"),
    [
        (("add", "b", "--engine", "scripted:"), 1, "no evaluation of b"),
        (("add", "b", "--force"), 2, "--force needs --reason"),
        (("add", "base", *FORCED), 1, "there is an arm 'base' already"),
        (("add", "b", "--sampling", "hot", *FORCED), 2, "needs NAME=VALUE"),
        (("add", "b", "--sampling", "seed=4", *FORCED), 2, "seed is no parameter of drafts"),
        (("add", "b", "--adapter", "nowhere", *FORCED), 3, "no adapter is called nowhere"),
        (("add", "b", "--task", "nothing", *FORCED), 2, "no task is called 'nothing'"),
        (("add", "b", "--weight", "7", *FORCED), 1, "from 0 to 1"),
        (("list",), 4, "there is no store"),
        (("promote", "b"), 4, "there is no store"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_changed(
    attune: Attune, command: tuple[str, ...], code: int, why: str
) -> None:
    done = attune("arms", *command)
    assert (done.code, done.out) == (code, "")
    assert why in done.err
    if (path := attune.folder / "attune.db").exists():
        with Store.open(path) as store:
            assert store.arms.live() is None


def test_without_another_arm_there_is_nothing_to_change(attune: Attune) -> None:
    Store.open(attune.folder / "attune.db").close()
    assert attune("arms", "list", "--json").json["arms"][0]["name"] == "base"
    for command in (("promote", "base"), ("rollback",)):
        done = attune("arms", *command)
        assert (done.code, done.out) == (1, "")
    assert "attune arms add NAME" in attune("arms", "promote", "b").err


def an_adapter(folder: Path, evaluation: Mapping[str, Mapping[str, float]]) -> Path:
    """A folder that says what it can, and holds no weights."""
    for path in (folder, folder / "epochs" / "03", folder / "epochs" / "05"):
        path.mkdir(parents=True)
        (path / "adapter_config.json").write_text("{}")
    base = Base("pocket", "pocket")
    write(Record(folder.name, base, "causal", "2026-01-01", "0", chosen=5, evaluation=evaluation), folder)
    return folder


def test_an_adapter_goes_live_by_the_figures_of_its_record(attune: Attune) -> None:
    before = {"reply ROUGE-L": 30.0, "answers valid answers": 100.0}
    settings = {"ATTUNE_ADAPTERS": str(attune.folder / "kept"), "ATTUNE_ENGINE": "pocket"}
    attune = Attune(attune.folder, attune.environment | settings)
    an_adapter(attune.folder / "kept" / "good", {"base": before, "adapter": before | {"reply ROUGE-L": 28.5}})
    an_adapter(attune.folder / "kept" / "bad", {"base": before, "adapter": before | {"reply ROUGE-L": 27.5}})
    bad = attune("arms", "add", "b", "--adapter", "bad")
    assert bad.code == 1
    assert "b is worse by more than 2 points: reply ROUGE-L 30.0 → 27.5" in bad.err
    assert attune("arms", "add", "b", "--adapter", "bad", "--margin", "3").code == 0
    good = attune("arms", "add", "c", "--adapter", "good@epoch5", "--json")
    assert good.code == 0, good.err
    assert "reply ROUGE-L 30.0 → 28.5" in good.err
    assert good.json["arms"][2]["engine"] == f"?adapter={attune.folder}/kept/good/epochs/05"
    other = attune("arms", "add", "d", "--adapter", "good@epoch3")
    assert other.code == 1
    assert "no evaluation of d" in other.err
    assert "figures of epoch 5 alone" in other.err


def test_an_arm_can_show_on_gold_what_it_can(attune: Attune) -> None:
    texts = [
        "The soup was cold.",
        "Thanks, all well.",
        "Where is my parcel?",
        "It broke.",
        "Fine.",
        "Late again!",
    ]
    chats = [{"id": n, "user_id": 1, "text": text} for n, text in enumerate(texts * 5)]
    for chat in chats:
        chat["text"] = f"{chat['text']} Order {chat['id']}."
    (attune.folder / "chats.jsonl").write_text("".join(json.dumps(chat) + "\n" for chat in chats))
    attune("run", "chats.jsonl")
    said = {row["id"]: row["sentiment"] for row in attune.rows()}
    rows = ({**chat, "sentiment": said[str(chat["id"])]} for chat in chats)
    (attune.folder / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    gold = ("--gold", "gold.jsonl", "--quiet")
    good = attune("arms", "add", "b", "--engine", "scripted:delay_ms=1", *gold)
    assert good.code == 0, good.err
    assert "sentiment macro-F1 100.0 → 100.0" in good.err
    bad = attune("arms", "add", "c", "--engine", "scripted:unreadable=0.5", *gold)
    assert bad.code == 1
    assert "c is worse by more than 2 points" in bad.err


def test_a_running_worker_follows_without_losing_a_chat(attune: Attune) -> None:
    store = str(attune.folder / "attune.db")
    found = measure(store, "scripted:delay_ms=20", "scripted:delay_ms=30", rounds=1, per_s=20)
    assert found["reconciled"]
    assert sum(found["rows"].values()) == found["given"] > 0
    assert found["rows"]["dead"] == 0
    assert found["rollback_to_last_of_arm_s"][0] < 5
    assert found["add_to_first_s"][0] < 20
