"""AttuneModelHandler in Beam's RunInference."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.ml.inference.base import KeyedModelHandler, RunInference
from apache_beam.testing.util import assert_that, equal_to
from tests.beam import chats
from tests.beam.conftest import Options
from tests.beam.test_ways_in import by_run

from attune.beam import AttuneModelHandler
from attune.errors import BadConfig

LINES = [line for line in dict.fromkeys(chats.lines(300)) if b"other words" not in line]


def places(results: object) -> list[tuple[str, int]]:
    return sorted(Counter(str(result.inference.place) for result in results).items())  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int]]:
    folder: Path = tmp_path_factory.mktemp("inference")
    (folder / "chats.jsonl").write_bytes(b"\n".join(LINES))
    by_run(folder / "chats.jsonl", str(folder / "run.db"))
    rows = chats.ends(str(folder / "run.db"))["outcomes"]
    return sorted(Counter(str(row["place"]) for row in rows).items())


def test_run_inference_gives_an_outcome_for_each_example(
    options: Options, expected: list[tuple[str, int]]
) -> None:
    pipeline = beam.Pipeline(options=options())
    results = (
        pipeline | beam.Create(LINES) | RunInference(AttuneModelHandler(chats.ENGINE, max_batch_size=20))
    )
    assert_that(results | beam.combiners.ToList() | beam.Map(places), equal_to([expected]))
    done = pipeline.run()
    done.wait_until_finish()
    if "prism" not in str(pipeline.options.get_all_options().get("runner")).lower():
        counters = done.metrics().query(beam.metrics.MetricsFilter().with_namespace("BeamML_Attune"))[
            "counters"
        ]
        assert {counter.key.metric.name: counter.committed for counter in counters}["num_inferences"] == len(
            LINES
        )


def test_keys_stay_with_their_chats(options: Options) -> None:
    keyed = [(number, line) for number, line in enumerate(LINES)]
    with beam.Pipeline(options=options()) as pipeline:
        # An engine that fails on no chat: a batch may be one chat, and one that fails whole ends the job.
        handler = KeyedModelHandler(AttuneModelHandler("scripted:"))
        results = pipeline | beam.Create(keyed) | RunInference(handler)
        pairs = results | beam.Map(lambda pair: (pair[0], pair[1].example))
        assert_that(pairs, equal_to(keyed))


def test_a_dead_engine_fails_its_batches_and_with_exception_handling_keeps_them(options: Options) -> None:
    with beam.Pipeline(options=options()) as pipeline:
        handler = AttuneModelHandler("scripted:fail=1", max_batch_size=10)
        inference = RunInference(handler).with_exception_handling()
        good, bad = pipeline | beam.Create(LINES[:40]) | inference
        assert_that(good | "Good" >> beam.combiners.Count.Globally(), equal_to([0]), "none is good")
        lost = bad.failed_inferences | beam.FlatMap(lambda failed: failed[0])
        assert_that(lost, equal_to(LINES[:40]), "all are kept")


def test_inference_args_are_taken_and_unknown_ones_told(options: Options) -> None:
    with pytest.raises(BadConfig, match="temprature"):
        (
            beam.Pipeline()
            | beam.Create(LINES)
            | RunInference(AttuneModelHandler("scripted:"), inference_args={"temprature": 1})
        )
    with beam.Pipeline(options=options()) as pipeline:
        handler = AttuneModelHandler("scripted:unreadable=1")
        results = pipeline | beam.Create(LINES[:5]) | RunInference(handler, inference_args={"tries": 2})
        tries = results | beam.Map(lambda result: len(result.inference.attempts))
        assert_that(tries | beam.Distinct(), equal_to([2]))
