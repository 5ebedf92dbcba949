"""The streaming job of the tests: python -m tests.beam.kafka_job TOPIC STORE ENGINE [BEAM'S OPTIONS]."""

from __future__ import annotations

import sys

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from attune.beam import Handle, Once, ReadKafka, WriteOutcomes


def main(topic: str, store: str, engine: str, *options: str) -> None:
    with beam.Pipeline(options=PipelineOptions(["--streaming", *options])) as pipeline:
        handled = pipeline | ReadKafka(topic) | Once() | Handle(engine)
        handled.all | beam.Flatten() | WriteOutcomes(store)


if __name__ == "__main__":
    main(*sys.argv[1:])
