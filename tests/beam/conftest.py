"""Runners for the tests of pipelines: Beam's own in this process, and Prism as a program beside it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from importlib.metadata import version

import pytest

pytest.importorskip("apache_beam", reason="needs the extra: pip install 'attune[beam]'")

from apache_beam.options.pipeline_options import PipelineOptions
from services import prism
from services.process import Unavailable

Options = Callable[..., PipelineOptions]

# It speaks when Prism is ended, after the tests' own streams are closed.
logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "beam" in item.path.parts:
            # Beam and what it leans on warn of their own old habits.
            item.add_marker(pytest.mark.filterwarnings("ignore"))


def prism_options() -> list[str]:
    try:
        program = prism.binary(version("apache-beam"))
    except Unavailable as reason:
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip)(str(reason))
    return ["--runner=PrismRunner", f"--prism_location={program}", "--environment_type=LOOPBACK"]


def runner_options(runner: str) -> list[str]:
    return prism_options() if runner == "prism" else ["--runner=FnApiRunner"]


def streaming_options(runner: str) -> list[str]:
    """Beam's direct runner is two: what handles batches knows no TestStream."""
    direct = ["--runner=BundleBasedDirectRunner"]
    return [*(prism_options() if runner == "prism" else direct), "--streaming"]


@pytest.fixture(params=["direct", "prism"])
def options(request: pytest.FixtureRequest) -> Options:
    """Makes the options of a pipeline for one runner after the other."""
    chosen = runner_options(request.param)
    return lambda *more: PipelineOptions([*chosen, *more])


@pytest.fixture(params=["direct", "prism"])
def streaming(request: pytest.FixtureRequest) -> PipelineOptions:
    """The same for a stream."""
    return PipelineOptions(streaming_options(request.param))
