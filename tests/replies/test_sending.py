"""Approved replies go out: once in the outbox, at least once on the wire, always under the same key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from tests.replies.receiver import Receiver, receiving
from tests.store import races
from tests.store.conftest import address, store  # noqa: F401 - fixtures

from attune import connect
from attune.desk.refusal import GoneOut, Unknown
from attune.desk.ruling import Approve
from attune.errors import BadConfig
from attune.replies import NotSent, NotWanted
from attune.replies.file import JsonLines
from attune.replies.webhook import Webhook
from attune.sending import MAX_TRIES, Sending, send_due
from attune.store import Store

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
REPLY = {"idempotency_key": "k1", "id": "7", "reply": "Es tut uns leid. 죄송합니다."}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def approve(store: Store) -> Callable[[], str]:  # noqa: F811
    """Puts an approved reply into the outbox, due at once; its key."""
    count = iter(range(1000))

    def make() -> str:
        number = races.put(store, next(count))
        return store.reviews.decide(store.reviews.claim(number, "ann", 60), Approve(), 0).id

    return make


def hurry(store: Store) -> None:  # noqa: F811
    """Makes every pause and lease be over."""
    store._database.write(lambda c: c.execute(text("UPDATE outbox SET due_at = 0, lease_until = 0")))


def test_a_webhook_is_signed_as_its_receiver_can_check(receiver: Receiver) -> None:
    Webhook(receiver.url, SECRET).send(REPLY)
    ((headers, body),) = receiver.got
    assert json.loads(body) == REPLY
    assert headers["webhook-id"] == headers["idempotency-key"] == "k1"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    said = f"k1.{headers['webhook-timestamp']}.".encode() + body
    expected = hmac.new(b"0123456789abcdef01234567", said, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()


@pytest.mark.parametrize("answer", [500, 503, 429, 408, "hang", "break"])
def test_a_receiver_that_fails_is_tried_again(receiver: Receiver, answer: int | str) -> None:
    receiver.answers = [answer]
    webhook = Webhook(receiver.url, SECRET, timeout_s=0.3)
    with pytest.raises(NotSent) as failed:
        webhook.send(REPLY)
    assert not isinstance(failed.value, NotWanted)
    webhook.send(REPLY)
    assert receiver.keys == ["k1", "k1"]


@pytest.mark.parametrize("answer", [400, 401, 404, 410, 301])
def test_a_receiver_that_refuses_is_not_asked_again(receiver: Receiver, answer: int) -> None:
    receiver.answers = [answer]
    with pytest.raises(NotWanted, match=f"answered {answer}"):
        Webhook(receiver.url, SECRET).send(REPLY)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("secret", ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_äöü"])
def test_a_webhook_without_a_real_secret_is_refused(secret: str) -> None:
    with pytest.raises(BadConfig, match="openssl rand"):
        Webhook("https://example.com/hook", secret)


def test_a_file_gets_a_line_for_each_reply_and_ends_half_ones(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_bytes(b'{"half": ')
    outlet = JsonLines(str(path))
    outlet.send(REPLY)
    outlet.send(REPLY)
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()[1:]] == [REPLY, REPLY]


def test_replies_go_out_when_they_are_due_and_not_before(
    store: Store,  # noqa: F811
    approve: Callable[[], str],
    receiver: Receiver,
) -> None:
    key = approve()
    number = races.put(store, 999)
    made = store.reviews.decide(store.reviews.claim(number, "ann", 60), Approve(), 3600)
    outlet = Webhook(receiver.url, SECRET)
    assert send_due(outlet, store, "me") == 1
    assert receiver.keys == [key]
    assert [sent.reply["idempotency_key"] for sent in store.outbox.sent()] == [key]
    assert store.reviews.undo(made.id, "ann", 60, 10).number == number
    hurry(store)
    assert send_due(outlet, store, "me") == 0


def test_a_failed_reply_is_sent_again_later_under_its_key_and_cannot_be_undone(
    store: Store,  # noqa: F811
    approve: Callable[[], str],
    receiver: Receiver,
) -> None:
    key = approve()
    receiver.answers = [500]
    outlet = Webhook(receiver.url, SECRET)
    send_due(outlet, store, "me", first_s=1000)
    load = store.outbox.load()
    assert (load.waiting, load.sent, load.failed) == (1, 0, 0)
    assert "answered 500" in load.error
    with pytest.raises(GoneOut):
        store.reviews.undo(key, "ann", 60, 10)
    hurry(store)
    send_due(outlet, store, "me")
    assert receiver.keys == [key, key]
    assert store.outbox.load().sent == 1


def test_a_refused_reply_holds_up_no_other_and_waits_for_a_person(
    store: Store,  # noqa: F811
    approve: Callable[[], str],
    receiver: Receiver,
) -> None:
    keys = [approve(), approve()]
    receiver.answers = [404]
    outlet = Webhook(receiver.url, SECRET)
    assert send_due(outlet, store, "me") == 2
    (stuck,) = store.outbox.stuck()
    assert stuck.reply["idempotency_key"] == keys[0]
    assert "answered 404" in stuck.error
    store.outbox.resend(stuck.id, "bob")
    with pytest.raises(Unknown):
        store.outbox.resend(stuck.id, "bob")
    send_due(outlet, store, "me")
    assert receiver.keys == [keys[0], keys[1], keys[0]]
    acts = [record.act for record in store.audit.records(f"chat:{stuck.number}")]
    assert acts == ["claimed", "approved", "not sent", "sent again", "sent"]


def test_a_reply_that_fails_for_ever_is_a_persons_to_look_at(
    store: Store,  # noqa: F811
    approve: Callable[[], str],
    receiver: Receiver,
) -> None:
    approve()
    receiver.answers = [500] * MAX_TRIES
    outlet = Webhook(receiver.url, SECRET)
    for _ in range(MAX_TRIES):
        hurry(store)
        assert send_due(outlet, store, "me", first_s=1000) == 1
    assert store.outbox.load().failed == 1


def test_two_senders_do_not_send_the_same_reply_while_both_live(
    store: Store,  # noqa: F811
    approve: Callable[[], str],
) -> None:
    approve()
    (parcel,) = store.outbox.take("one", 5, 60)
    assert store.outbox.take("two", 5, 60) == ()
    hurry(store)
    (again,) = store.outbox.take("two", 5, 60)
    assert again.key == parcel.key
    assert not store.outbox.mark_sent(parcel, "one")
    assert store.outbox.mark_sent(again, "two")
    assert len(store.outbox.sent()) == 1


KILLED = """
import sys, os, signal
from attune import connect
from attune.sending import send_due
from attune.replies.webhook import Webhook
class Killed(Webhook):
    def send(self, reply):
        super().send(reply)
        os.kill(os.getpid(), signal.SIGKILL)
send_due(Killed(sys.argv[2], sys.argv[3]), connect.store(sys.argv[1]), "killed")
"""


def test_a_sender_killed_between_send_and_mark_sends_again_under_the_same_key(
    store: Store,  # noqa: F811
    address: str,  # noqa: F811
    approve: Callable[[], str],
    receiver: Receiver,
) -> None:
    key = approve()
    command = [sys.executable, "-c", KILLED, address, receiver.url, SECRET]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    assert receiver.keys == [key]
    with pytest.raises(GoneOut):
        store.reviews.undo(key, "ann", 60, 10)
    hurry(store)
    send_due(Webhook(receiver.url, SECRET), store, "next")
    assert receiver.keys == [key, key]
    assert [sent.reply["idempotency_key"] for sent in store.outbox.sent()] == [key]


def test_a_sender_in_the_background_sends_what_comes(
    store: Store,  # noqa: F811
    approve: Callable[[], str],
    tmp_path: Path,
) -> None:
    path = tmp_path / "out.jsonl"
    sending = Sending(connect.replies(f"file:{path}", ""), store)
    keys = [approve(), approve()]
    until = time.monotonic() + 10
    while store.outbox.load().sent < 2 and time.monotonic() < until:
        time.sleep(0.02)
    sending.close()
    assert [json.loads(line)["idempotency_key"] for line in path.read_text("utf-8").splitlines()] == keys


def test_the_command_sends_what_is_due_and_tells_what_is_stuck(tmp_path: Path, receiver: Receiver) -> None:
    from attune.cli.replies import replies

    where = str(tmp_path / "attune.db")
    (tmp_path / "secret").write_text(SECRET)
    with Store.open(where) as opened:
        for n in range(2):
            claimed = opened.reviews.claim(races.put(opened, n), "ann", 60)
            opened.reviews.decide(claimed, Approve(), 0)
    receiver.answers = [404]
    to = ["--store", where, "--replies", receiver.url, "--webhook-secret-file", str(tmp_path / "secret")]
    done = CliRunner().invoke(replies, ["send", "--once", *to], catch_exceptions=False)
    assert done.stdout.startswith("waiting 0, sent 1, stuck 1\n")
    assert "answered 404" in done.stdout
    CliRunner().invoke(replies, ["resend", "1", "--store", where], catch_exceptions=False)
    done = CliRunner().invoke(replies, ["send", "--once", *to, "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["sent"] == 2
    done = CliRunner().invoke(replies, ["read", "--after", "1", "--store", where], catch_exceptions=False)
    assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [2]


@pytest.mark.parametrize("given", ["nowhere:", "queue:x", "file:", "ftp://host/x"])
def test_an_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(BadConfig):
        connect.replies(given, os.devnull)
