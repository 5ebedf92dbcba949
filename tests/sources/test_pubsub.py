"""A subscription of Google's Pub/Sub test server as a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from tests.sources.contract import INPUTS, SourceContract, drained

from attune.errors import AttuneError, BadConfig
from attune.sources import Source

pytest.importorskip("google.cloud.pubsub_v1")

from tests.pubsub_admin import PROJECT, Place, new_place, publish, pulled

from attune.sources.pubsub import PubSub

pytestmark = [
    pytest.mark.xdist_group("pubsub"),
    pytest.mark.filterwarnings("ignore:.*return_immediately:DeprecationWarning"),
]

WAIT_S = 1.5


def address(place: Place, idle_s: float = 1.0) -> str:
    return f"pubsub://{PROJECT}/{place.name}?idle_s={idle_s:g}"


class TestPubSubContract(SourceContract):
    wait_s = WAIT_S

    @pytest.fixture(autouse=True)
    def server(self, pubsub_emulator: str) -> Iterator[None]:
        self._place: Place | None = None
        self._made: list[PubSub] = []
        yield
        for source in self._made:
            source.close()

    def make(self, inputs: Sequence[bytes]) -> Source:
        if self._place is None:
            self._place = new_place()
            publish(self._place, inputs)
        self._made.append(PubSub(address(self._place)))
        return self._made[-1]


@pytest.mark.usefixtures("pubsub_emulator")
class TestPubSub:
    def test_what_was_acknowledged_does_not_come_again(self) -> None:
        place = new_place()
        publish(place, INPUTS[:20])
        with closing(PubSub(address(place))) as first:
            taken = first.receive(5, 10) or []
            first.ack(taken)
        with closing(PubSub(address(place))) as second:
            rest = drained(second, wait_s=WAIT_S)
        assert taken
        assert sorted(each.raw for each in [*taken, *rest]) == sorted(INPUTS[:20])
        assert pulled(place) == []

    def test_messages_of_an_ordering_key_come_in_their_order(self) -> None:
        place = new_place(enable_message_ordering=True)
        publish(place, INPUTS[:30], ordering_key="chat-1")
        with closing(PubSub(address(place))) as source:
            assert [each.raw for each in drained(source, wait_s=WAIT_S)] == INPUTS[:30]

    def test_a_message_that_is_never_taken_up_goes_to_the_dead_letter_topic(self) -> None:
        dead = new_place()
        policy = {"dead_letter_topic": dead.topic, "max_delivery_attempts": 5}
        place = new_place(dead_letter_policy=policy)
        publish(place, [b"never"])
        for _ in range(8):
            with closing(PubSub(address(place))) as source:
                source.receive(1, 1.0)
        assert [each.data for each in pulled(dead)] == [b"never"]

    def test_a_lease_is_extended_until_the_input_is_acknowledged(self) -> None:
        place = new_place()
        publish(place, [b"slow"])
        with closing(PubSub(address(place))) as source:
            taken = source.receive(1, 10) or []
            assert source.receive(1, 12.0) == [] or source.receive(1, 0.0) is None
            source.ack(taken)
        assert len(taken) == 1
        assert pulled(place) == []

    def test_a_subscription_that_is_not_there_is_said(self) -> None:
        with (
            closing(PubSub(f"pubsub://{PROJECT}/nowhere")) as source,
            pytest.raises(AttuneError, match=r"pubsub://attune-tests/nowhere cannot be read: 404"),
        ):
            drained(source, wait_s=5.0)

    def test_with_follow_there_is_no_end(self) -> None:
        place = new_place()
        with closing(PubSub(address(place, idle_s=0), follow=True)) as source:
            assert source.receive(5, 0.0) == []
            publish(place, [b"late"])
            assert [each.raw for each in source.receive(5, 10) or []] == [b"late"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("pubsub://project", "is no address like pubsub://project/subscription"),
        ("pubsub://project/chats?idle=3", "unknown option 'idle'; there are: idle_s"),
        ("pubsub://project/chats?idle_s=-1", "idle_s='-1' is no number of at least 0"),
    ],
)
def test_an_address_that_cannot_be_is_told_what_can(text: str, why: str) -> None:
    with pytest.raises(BadConfig, match=why):
        PubSub(text)
