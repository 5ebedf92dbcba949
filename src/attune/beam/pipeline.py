"""The whole pipeline of `attune beam run`: sources, the act, sinks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions
from apache_beam.pvalue import PCollection
from apache_beam.runners.runner import PipelineState

from attune.beam import graph
from attune.beam.arms import Split, split_of_json
from attune.beam.chats import Once, ReadChats
from attune.beam.files import FORMS, WriteFiles
from attune.beam.handle import NAMESPACE, Handle
from attune.beam.kafka import ReadKafka
from attune.beam.worker import Asking
from attune.beam.write import WriteOutcomes
from attune.errors import AttuneError, BadConfig
from attune.limits import Limits
from attune.visible import visible

RUNNERS = {
    "direct": "FnApiRunner",
    "prism": "PrismRunner",
    "flink": "FlinkRunner",
    "portable": "PortableRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
}
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


def options_of(runner: str, plan: Plan, more: Sequence[str]) -> PipelineOptions:
    """Beam's options: ours for the runner, then the user's. Raises BadConfig for what Beam doesn't know."""
    ours = [f"--runner={RUNNERS[runner]}"]
    if runner == "dataflow":
        # One process for each worker: its cores are for one engine, which batches over all threads.
        ours += ["--experiments=no_use_multiple_sdk_containers", "--autoscaling_algorithm=THROUGHPUT_BASED"]
        ours += [f"--number_of_worker_harness_threads={plan.limits.in_flight}"]
    if any(map(_is_topic, plan.sources)):
        ours.append("--streaming")
    options = PipelineOptions([*ours, *more])
    known = PipelineOptions([]).get_all_options()
    for name in options.get_all_options(drop_default=True, retain_unknown_options=True):
        if name not in known:
            raise BadConfig(f"--{name} is no option of Beam's; what is behind -- goes to Beam as it is")
    options.view_as(SetupOptions).save_main_session = False
    return options


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


def run(plan: Plan, options: PipelineOptions) -> dict[str, int]:
    """Runs the plan to its end, and gives what was counted. Raises AttuneError if the pipeline failed."""
    for pattern in plan.sources:
        if not _is_topic(pattern) and not FileSystems.match([pattern])[0].metadata_list:
            raise BadConfig(f"no file matches {visible(pattern)}")
    pipeline = beam.Pipeline(options=options)
    build(pipeline, plan)
    try:
        result = pipeline.run()
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
    return source.startswith("kafka://")


def _source(plan: Plan) -> beam.PTransform:
    topics = [source for source in plan.sources if _is_topic(source)]
    if not topics:
        return ReadChats(plan.sources, plan.limits.max_chat_bytes)
    if len(plan.sources) > 1:
        raise BadConfig("a topic cannot be read together with other sources: run one pipeline for each")
    return ReadKafka(topics[0], plan.limits.max_chat_bytes)


def _write(ended: PCollection[object], sink: str, plan: Plan) -> None:
    if found := _FILES.fullmatch(sink):
        form, folder = found.groups()
        files = WriteFiles(
            folder, plan.task, plan.engine, form=form, shards=plan.shards, window_s=plan.window_s
        )
        ended | f"Files {folder}" >> files
    else:
        ended | f"Store {sink.rpartition('@')[2]}" >> WriteOutcomes(sink)
