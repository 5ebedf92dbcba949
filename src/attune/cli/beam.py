"""`attune beam`: the same act in Apache Beam, on one machine or on a cluster."""

from __future__ import annotations

import logging
from dataclasses import fields
from importlib.util import find_spec
from typing import Any

import click

from attune.cli.options import configured
from attune.cli.verb import Verb
from attune.config import Config
from attune.errors import AttuneError
from attune.limits import Limits

_RUNNERS = ("direct", "prism", "flink", "portable", "spark", "dataflow")


@click.group()
def beam() -> None:
    """Chats through Apache Beam: on one machine, Flink, Spark or Dataflow. Needs the extra [beam]."""


@beam.command(
    cls=Verb,
    examples=(
        "attune beam run --source chats.jsonl --sink attune.db",
        "attune beam run --source 'gs://chats/*.jsonl' --sink parquet:gs://rows --dry-run",
        "attune beam run --runner flink --source chats.jsonl --sink parquet:rows -- --flink_master=jm:8081",
    ),
    codes="0: the pipeline ended. 1: it failed. 2: usage or settings. 3: the engine. 4: the store.",
)
@click.option("--runner", type=click.Choice(_RUNNERS), default="direct", help="What runs it. [direct]")
@click.option(
    "--source",
    "sources",
    multiple=True,
    required=True,
    metavar="FILES|TOPIC",
    help="Chats, a JSON object a line.",
)
@click.option(
    "--sink",
    "sinks",
    multiple=True,
    required=True,
    metavar="STORE|TOPIC|FORM:FOLDER",
    help="May be given again.",
)
@click.option("--arms", metavar="FILE", help="A split among arms, as JSON.")
@click.option(
    "--window", "window_s", type=click.FloatRange(1), default=60.0, help="Seconds of a stream in a file. [60]"
)
@click.option("--shards", type=click.IntRange(1, 1000), default=1, help="Files written at once. [1]")
@click.option(
    "--accelerator", default="", metavar="HINT", help="As Beam's hint says it: type:nvidia-l4;count:1."
)
@click.option("--dry-run", is_flag=True, help="Print the graph and run nothing.")
@click.argument("beam_options", nargs=-1, metavar="[-- BEAM'S OWN OPTIONS]")
@configured("engine", "task", "in_flight", "tries", "timeout_s", "max_chat_bytes", "max_engine_failures")
def run(
    config: Config, runner: str, dry_run: bool, arms: str | None, beam_options: tuple[str, ...], **given: Any
) -> int:
    """Reads the chats of every --source and writes what became of each into every --sink.

    A TOPIC is kafka://host:9092/topic or pubsub://project/subscription (a sink's: /topic, or
    bigquery://project/dataset.table). A SINK is one of those, a store (a file, or postgresql://…), or
    parquet:FOLDER, jsonl:FOLDER or csv:FOLDER. What is behind -- goes to Beam as it is.
    """
    if find_spec("apache_beam") is None:
        raise AttuneError("Apache Beam is not installed: pip install 'attune[beam]'")
    if config.log_level in ("warning", "error"):
        # Beam warns of its own optional parts on every import.
        logging.getLogger().setLevel(logging.ERROR)
    from attune.beam import pipeline
    from attune.beam.options import options_of
    from attune.beam.worker import Asking

    limits = Limits(**{field.name: getattr(config, field.name) for field in fields(Limits)})
    split = pipeline.read_arms(arms) if arms else None
    asking = Asking(config.tries, config.timeout_s)
    plan = pipeline.Plan(
        engine=config.engine, task=config.task, arms=split, asking=asking, limits=limits, **given
    )
    options = options_of(runner, beam_options, streaming=plan.streams, in_flight=limits.in_flight)
    if dry_run:
        for line in pipeline.graph_of(plan, options):
            click.echo(line)
        return 0
    counted = pipeline.run(plan, options)
    click.echo("The job is built, and not run." if counted is None else _reckoning(counted))
    return 0


def _reckoning(counted: dict[str, int]) -> str:
    ends = " + ".join(f"{name} {counted.get(name, 0):,}" for name in ("table", "review", "dead", "repeated"))
    return f"in {counted.get('in', 0):,} = {ends}"
