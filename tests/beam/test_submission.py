"""What a run hands to a service: a template that is written, a job for Dataflow up to its submission."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from tests.beam import chats

from attune.beam import pipeline
from attune.beam.options import options_of
from attune.errors import AttuneError, BadConfig


class Submitting(BundleBasedDirectRunner):  # type: ignore[misc,unused-ignore]
    """As Dataflow's runner with a template: the job is handed over, and to wait for it is an error."""

    def run_pipeline(self, pipeline: object, options: PipelineOptions) -> Submitted:
        return Submitted()


class Submitted:
    def wait_until_finish(self) -> str:
        raise OSError("Failed to get the Dataflow job id.")


@pytest.fixture
def plan(tmp_path: Path) -> pipeline.Plan:
    path = chats.write(tmp_path / "chats.jsonl", 5)
    return pipeline.Plan([str(path)], [str(tmp_path / "a.db")], engine="scripted:")


def test_a_template_is_written_and_nobody_waits_for_it(plan: pipeline.Plan) -> None:
    runner = f"--runner={__name__}.Submitting"
    template = PipelineOptions([runner, "--template_location=gs://bucket/attune.json"])
    assert pipeline.run(plan, template) is None
    with pytest.raises(AttuneError, match="Failed to get the Dataflow job id"):
        pipeline.run(plan, PipelineOptions([runner]))


def test_a_job_for_dataflow_is_built_up_to_its_submission(tmp_path: Path) -> None:
    pytest.importorskip("apitools", reason="needs apache-beam[gcp]")
    path = chats.write(tmp_path / "chats.jsonl", 5)
    ours = ["--runner=dataflow", f"--source={path}", "--sink=parquet:gs://bucket/rows", "--engine=scripted:"]
    cloud = [
        "--project=project",
        "--region=europe-west1",
        "--temp_location=gs://bucket/tmp",
        "--dry_run=True",
    ]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "attune", "beam", "run", *ours, "--", *cloud],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "The job is built, and not run.\n"), done.stderr


def test_an_option_of_flink_goes_to_flink_and_to_no_other() -> None:
    given = ["--checkpointing_interval=1000"]
    for runner in ("flink", "portable"):
        options = options_of(runner, given, streaming=True, in_flight=4)
        assert options.get_all_options(retain_unknown_options=True)["checkpointing_interval"] == "1000"
    with pytest.raises(BadConfig, match="checkpointing_interval"):
        options_of("direct", given, streaming=True, in_flight=4)


def test_on_flink_a_bundle_ends_before_a_checkpoint() -> None:
    options = options_of("flink", [], streaming=True, in_flight=4)
    assert options.get_all_options(retain_unknown_options=True)["finish_bundle_before_checkpointing"] is True
