"""A Pub/Sub subscription into a pipeline, on Beam's direct runner and Google's test server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import apache_beam as beam
import pytest
from tests.beam import chats
from tests.beam.kill_flink import by_run, same_rows
from tests.pubsub_admin import PROJECT, new_place, publish, pulled

from attune.beam import Handle, Once, ReadChats, ReadPubSub, WriteSink
from attune.errors import BadConfig
from attune.store import Store

pytestmark = pytest.mark.xdist_group("pubsub")
CHATS = 120


def done(store: Path) -> int:
    if not store.exists():
        return 0
    with Store.open(str(store)) as opened:
        return sum(opened.counts().values())


@pytest.mark.usefixtures("pubsub_emulator")
def test_a_subscription_ends_as_the_same_chats_of_a_file(tmp_path: Path) -> None:
    lines, store = list(dict.fromkeys(chats.lines(CHATS))), tmp_path / "beam.db"
    lines = [
        line for line in lines if b"other words" not in line
    ]  # of two with one id the first to come counts
    wanted = by_run(lines, tmp_path)
    place = new_place()
    publish(place, [*lines, *lines[:10]])
    source = f"--source=pubsub://{PROJECT}/{place.name}"
    command = [sys.executable, "-W", "ignore", "-m", "attune", "beam", "run", source, f"--sink={store}"]
    with (tmp_path / "log").open("wb") as log:
        job = subprocess.Popen(
            [*command, f"--engine={chats.ENGINE}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ,
        )
    try:
        until = time.monotonic() + 100
        while done(store) < len(wanted["outcomes"]):
            assert job.poll() is None, (tmp_path / "log").read_text()[-3000:]
            assert time.monotonic() < until, (tmp_path / "log").read_text()[-3000:]
            time.sleep(0.3)
    finally:
        job.kill()
        job.wait()
    assert same_rows(str(store)) == wanted


@pytest.mark.usefixtures("pubsub_emulator")
def test_a_topic_gets_a_message_for_each_outcome(tmp_path: Path) -> None:
    lines, place = chats.lines(60), new_place()
    wanted = by_run(lines, tmp_path)["outcomes"]
    with beam.Pipeline("FnApiRunner") as pipeline:
        handled = pipeline | ReadChats([str(tmp_path / "chats.jsonl")]) | Once() | Handle(chats.ENGINE)
        reviews = f"pubsub://{PROJECT}/{place.name}?places=review,dead"
        handled.all | beam.Flatten() | WriteSink(reviews, engine=chats.ENGINE)
    sent = {json.loads(each.data)["id"]: json.loads(each.data) for each in pulled(place)}
    assert sent.keys() == {row["key"] for row in wanted if row["place"] != "table"}
    for value in sent.values():
        assert bool(value["review_draft"] and value["review_chat"]) == (value["place"] == "review")
        assert bool(value["dead_reason"]) == (value["place"] == "dead")


@pytest.mark.parametrize("address", ["pubsub://project", "pubsub://project/chats?ordered=true"])
def test_an_address_that_cannot_be_is_told(address: str) -> None:
    with pytest.raises(BadConfig, match="pubsub:"):
        ReadPubSub(address)
