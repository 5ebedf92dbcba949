"""The whole pipeline of `attune beam run`: sources, the act, sinks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, TestOptions
from apache_beam.pvalue import PCollection
from apache_beam.runners.runner import PipelineState

from attune.arms import Split, split_of_json
from attune.beam import graph
from attune.beam.chats import Once, ReadChats
from attune.beam.files import FORMS, WriteFiles
from attune.beam.handle import NAMESPACE, Handle
from attune.beam.kafka import ReadKafka
from attune.beam.pubsub import ReadPubSub
from attune.beam.worker import Asking
from attune.beam.write import WriteOutcomes, WriteSink
from attune.errors import AttuneError, BadConfig
from attune.limits import Limits
from attune.visible import visible

_TOPICS: Mapping[str, Callable[[str, int], beam.PTransform]] = {"kafka": ReadKafka, "pubsub": ReadPubSub}
_SINKS = ("kafka:", "pubsub:", "bigquery:")
_FILES = re.compile(rf"({'|'.join(FORMS)}):(.+)")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pipeline reads, how it answers, where it writes."""

    sources: Sequence[str]
    sinks: Sequence[str]
    engine: str = "pocket"
    task: str = "triage"
    arms: Split | None = None
    asking: Asking = Asking()
    limits: Limits = Limits()
    window_s: float = 60.0
    shards: int = 1
    accelerator: str = ""

    @property
    def streams(self) -> bool:
        """Whether a source has no end of its own."""
        return any(map(_is_topic, self.sources))


def build(pipeline: beam.Pipeline, plan: Plan) -> None:
    """Applies the plan's transforms. Raises BadConfig for an address that names nothing."""
    hints = {"accelerator": plan.accelerator} if plan.accelerator else {}
    handle = Handle(
        plan.engine,
        plan.task,
        arms=plan.arms.arms if plan.arms else (),
        asking=plan.asking,
        limits=plan.limits,
    )
    handled = (
        pipeline
        | "Read" >> _source(plan)
        | "Once" >> Once()
        | "Handle" >> handle.with_resource_hints(**hints)
    )
    ended = handled.all | "Outcomes" >> beam.Flatten()
    for sink in plan.sinks:
        _write(ended, sink, plan)


def run(plan: Plan, options: PipelineOptions) -> dict[str, int] | None:
    """Runs the plan to its end, and gives what was counted. Raises AttuneError if the pipeline failed.

    What is only built, for Dataflow's template_location or its dry_run, has nothing to count: None.
    """
    for pattern in plan.sources:
        if not _is_topic(pattern) and not FileSystems.match([pattern])[0].metadata_list:
            raise BadConfig(f"no file matches {visible(pattern)}")
    pipeline = beam.Pipeline(options=options)
    build(pipeline, plan)
    try:
        result = pipeline.run()
        if _is_only_built(options):
            return None
        state = result.wait_until_finish()
    except AttuneError:
        raise
    except Exception as error:  # whatever a runner has
        raise AttuneError(
            f"the pipeline failed: {_last_line(error)}\nBeam's log has the whole story"
        ) from error
    if state != PipelineState.DONE:
        raise AttuneError(f"the pipeline ended as {state}: the runner's log says why")
    counters = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    return {counter.key.metric.name: counter.result for counter in counters}


def _is_only_built(options: PipelineOptions) -> bool:
    template = options.view_as(GoogleCloudOptions).template_location
    return bool(template) or bool(options.view_as(TestOptions).dry_run)


def graph_of(plan: Plan, options: PipelineOptions) -> list[str]:
    pipeline = beam.Pipeline(options=options)
    build(pipeline, plan)
    return list(graph.lines(pipeline))


def _last_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__


def read_arms(path: str) -> Split:
    """The split in the JSON file `path`."""
    try:
        with open(path, "rb") as file:
            return split_of_json(file.read())
    except OSError as error:
        raise BadConfig(f"the arms {path} cannot be read: {error.strerror}") from error


def _is_topic(source: str) -> bool:
    return source.partition("://")[0] in _TOPICS


def _source(plan: Plan) -> beam.PTransform:
    topics = [source for source in plan.sources if _is_topic(source)]
    if not topics:
        return ReadChats(plan.sources, plan.limits.max_chat_bytes)
    if len(plan.sources) > 1:
        raise BadConfig("a topic cannot be read together with other sources: run one pipeline for each")
    return _TOPICS[topics[0].partition("://")[0]](topics[0], plan.limits.max_chat_bytes)


def _write(ended: PCollection[object], sink: str, plan: Plan) -> None:
    if found := _FILES.fullmatch(sink):
        form, folder = found.groups()
        files = WriteFiles(
            folder, plan.task, plan.engine, form=form, shards=plan.shards, window_s=plan.window_s
        )
        ended | f"Files {folder}" >> files
    elif sink.startswith(_SINKS):
        ended | f"Sink {sink.partition('?')[0]}" >> WriteSink(sink, plan.task, plan.engine)
    else:
        ended | f"Store {sink.rpartition('@')[2]}" >> WriteOutcomes(sink)
