"""Handle in a pipeline: what is in flight, what fails, what changes on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_stream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import FixedWindows, TimestampedValue
from tests.beam.conftest import Options

from attune.beam import Arm, Asking, Ended, Handle, Once, ParseChats, Split
from attune.chat import Chat, Role, Turn, parse_chat, raw_key
from attune.errors import BadConfig
from attune.limits import Limits


def chat(number: int, said: str = "late") -> bytes:
    turns = [{"role": "customer", "text": f"Order {number} is {said}."}]
    return json.dumps({"id": number, "user_id": 7, "turns": turns}).encode()


def key(ended: Ended) -> str:
    return ended.key


def test_a_bundle_has_many_chats_in_flight(options: Options) -> None:
    began = time.monotonic()
    with beam.Pipeline(options=options()) as pipeline:
        handled = pipeline | beam.Create([chat(n) for n in range(64)]) | Handle("scripted:delay_ms=100")
        assert_that(handled.all | beam.Flatten() | beam.Map(key), equal_to([str(n) for n in range(64)]))
    assert time.monotonic() - began < 64 * 0.1, "one by one they take 6.4 s at least"


def test_any_form_of_a_chat_is_taken(options: Options) -> None:
    forms = [
        chat(1),
        chat(2).decode(),
        json.loads(chat(3)),
        Chat("4", "7", (Turn(Role.CUSTOMER, "Hello."),)),
        ("topic:5", chat(5)),
    ]
    with beam.Pipeline(options=options()) as pipeline:
        handled = pipeline | beam.Create(forms) | Handle("scripted:")
        assert_that(handled.all | beam.Flatten() | beam.Map(key), equal_to(list("12345")))


@pytest.mark.parametrize("wrong", ["dies_after=40", "hangs_after=40"])
def test_an_engine_that_goes_costs_its_chats_a_try_and_nobody_else(options: Options, wrong: str) -> None:
    # The engine that is loaded anew goes wrong after as many, and the next one too.
    asking = Asking(tries=3, timeout_s=0.5)
    with beam.Pipeline(options=options()) as pipeline:
        handle = Handle(f"scripted:{wrong}", asking=asking, limits=Limits(in_flight=4))
        handled = pipeline | beam.Create([chat(n) for n in range(120)]) | handle
        assert_that(handled.dead, equal_to([]), "no dead letter")
        alive = (handled.table, handled.review) | beam.Flatten()
        assert_that(alive | beam.Map(key), equal_to([str(n) for n in range(120)]), "all are there")


def test_arms_split_by_id_and_are_named_on_the_row(options: Options) -> None:
    arms = (Arm("scripted:", "triage", "a", 1), Arm("scripted:", "triage", "b", 1))
    with beam.Pipeline(options=options()) as pipeline:
        handled = pipeline | beam.Create([chat(n) for n in range(200)]) | Handle(arms=arms)
        names = handled.all | beam.Flatten() | beam.Map(lambda ended: ended.arm) | beam.Distinct()
        assert_that(names, equal_to(["a", "b"]))


class Slowly(beam.DoFn):
    """Gives its chats with a pause between them, as a stream does."""

    def process(self, numbers: range) -> Iterator[bytes]:
        for number in numbers:
            time.sleep(0.01)
            yield chat(number)


def test_new_arms_take_over_without_a_stop(options: Options) -> None:
    first, second = Arm("scripted:", "triage", "old"), Arm("scripted:delay_ms=1", "triage", "new")
    with beam.Pipeline(options=options()) as pipeline:
        updates = pipeline | "Updates" >> beam.Create([Split((first,), 1), Split((second,), 2)])
        handled = (
            pipeline | beam.Create([chat(n) for n in range(50)]) | Handle(arms=(first,), updates=updates)
        )
        names = handled.all | beam.Flatten() | beam.Map(lambda ended: ended.arm) | beam.Distinct()
        assert_that(names, equal_to(["new"]), "the newest version counts")


def test_arms_that_cannot_be_loaded_change_nothing() -> None:
    from attune.beam.worker import arms

    found = arms("this test", Split((Arm("scripted:", "triage", "old"),), 1), Asking())
    found.offer(Split((Arm("openvino:nowhere", "triage", "new"),), 2))
    until = time.monotonic() + 10
    while found.serving.act_for("1").arm != "newer" and time.monotonic() < until:
        found.offer(Split((Arm("scripted:delay_ms=1", "triage", "newer"),), 3))
        time.sleep(0.01)
    assert found.serving.act_for("1").arm == "newer"


def test_an_engine_that_fails_for_good_ends_the_bundle() -> None:
    pipeline = beam.Pipeline("FnApiRunner")
    (
        pipeline
        | beam.Create([chat(n) for n in range(60)])
        | Handle("scripted:fail=1", limits=Limits(max_engine_failures=20))
    )
    with pytest.raises(Exception, match="the engine failed on 20 chats in a row"):
        pipeline.run().wait_until_finish()


def test_what_no_chat_can_be_is_a_fault_of_the_pipeline() -> None:
    pipeline = beam.Pipeline("FnApiRunner")
    pipeline | beam.Create([3.5]) | Handle("scripted:")
    with pytest.raises(Exception, match="a float is no chat") as raised:
        pipeline.run().wait_until_finish()
    assert BadConfig.__name__ in str(raised.value) or isinstance(raised.value, BadConfig)


def test_in_a_stream_each_chat_ends_once_in_its_own_window(streaming: PipelineOptions) -> None:
    words = [chat(1), chat(2), chat(1), chat(1, "lost"), b"{", b"{"]
    stream = test_stream.TestStream().advance_watermark_to(-1)
    for number, line in enumerate(words):
        stream = stream.add_elements([TimestampedValue(line, number * 10)]).advance_watermark_to(number * 10)
    stream = stream.advance_watermark_to_infinity()
    with beam.Pipeline(options=streaming) as pipeline:
        items = pipeline | stream | ParseChats() | Once() | beam.WindowInto(FixedWindows(10))
        handled = items | Handle("scripted:")
        ends = handled.all | beam.Flatten() | beam.ParDo(Told())
        spare = f"1~{parse_chat(words[3]).digest[:8]}"
        wanted = [
            ("1", 0, None),
            ("2", 10, None),
            (spare, 30, "duplicate_id"),
            (raw_key(b"{"), 40, "bad_input"),
        ]
        assert_that(ends, equal_to(wanted))


class Told(beam.DoFn):
    def process(
        self, ended: Ended, window: Any = beam.DoFn.WindowParam
    ) -> Iterator[tuple[str, float, str | None]]:
        yield ended.key, float(window.start), ended.reason and str(ended.reason)
