"""Runners for the tests of pipelines: Beam's own in this process, and Prism as a program beside it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from services import prism
from services.process import Unavailable

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

Options = Callable[..., "PipelineOptions"]

# Without the extra (pip install 'attune[beam]') there is nothing to test here.
collect_ignore_glob = [] if find_spec("apache_beam") else ["test_*.py"]

# It speaks when Prism is ended, after the tests' own streams are closed.
logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "beam" in item.path.parts:
            # Beam and what it leans on warn of their own old habits.
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@contextmanager
def had() -> Iterator[None]:
    """Skips, or fails where services are required, what needs one that cannot be had."""
    try:
        yield
    except Unavailable as reason:
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip)(str(reason))


def prism_options() -> list[str]:
    with had():
        program = prism.binary(version("apache-beam"))
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
    from apache_beam.options.pipeline_options import PipelineOptions

    chosen = runner_options(request.param)
    return lambda *more: PipelineOptions([*chosen, *more])


@pytest.fixture(params=["direct", "prism"])
def streaming(request: pytest.FixtureRequest) -> PipelineOptions:
    """The same for a stream."""
    from apache_beam.options.pipeline_options import PipelineOptions

    return PipelineOptions(streaming_options(request.param))
