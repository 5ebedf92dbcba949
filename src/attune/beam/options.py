"""Beam's options for a runner: what attune sets, then the user's, which win."""

from __future__ import annotations

from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions

from attune.errors import BadConfig

RUNNERS = {
    "direct": "FnApiRunner",
    "prism": "PrismRunner",
    "flink": "FlinkRunner",
    "portable": "PortableRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
}
_OF_FLINK = {
    "auto_watermark_interval",
    "checkpoint_timeout_millis",
    "checkpointing_interval",
    "checkpointing_mode",
    "execution_retry_delay",
    "finish_bundle_before_checkpointing",
    "max_bundle_size",
    "max_bundle_time_mills",
    "max_parallelism",
    "min_pause_between_checkpoints",
    "number_of_execution_retries",
    "object_reuse",
    "savepoint_path",
    "shutdown_sources_after_idle_ms",
    "state_backend",
    "state_backend_storage_path",
    "unaligned_checkpoint_enabled",
}
"""Options that Flink's job server has and Beam's Python part only hears of from it."""


def options_of(runner: str, more: Sequence[str], *, streaming: bool, in_flight: int) -> PipelineOptions:
    """The options for `runner`, with `more` of the user's. Raises BadConfig for what Beam doesn't know."""
    # Beam's direct runner is two: what handles batches knows no topics.
    name = "BundleBasedDirectRunner" if runner == "direct" and streaming else RUNNERS[runner]
    options = PipelineOptions([f"--runner={name}", *_ours(runner, streaming, in_flight), *more])
    known = set(PipelineOptions([]).get_all_options())
    if runner in ("flink", "portable"):
        known |= _OF_FLINK
    for name in options.get_all_options(drop_default=True, retain_unknown_options=True):
        if name not in known:
            raise BadConfig(f"--{name} is no option of Beam's; what is behind -- goes to Beam as it is")
    options.view_as(SetupOptions).save_main_session = False
    return options


def _ours(runner: str, streaming: bool, in_flight: int) -> list[str]:
    ours = ["--streaming"] if streaming else []
    if runner == "dataflow":
        # One process for each worker: its cores are for one engine, which batches over all threads.
        ours += ["--experiments=no_use_multiple_sdk_containers", "--autoscaling_algorithm=THROUGHPUT_BASED"]
        ours += [f"--number_of_worker_harness_threads={in_flight}"]
    if runner == "flink":
        # Without it what a bundle gave at a checkpoint waits for the stage's next element, and a topic's
        # partitions, which come once, for ever.
        ours.append("--finish_bundle_before_checkpointing")
    return ours
