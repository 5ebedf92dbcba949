"""`attune eval`: predictions beside gold, as a table, as JSON and as a page to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from attune.cli.evaluating import Telling, Wanted, evaluated, show, write
from attune.cli.options import configured
from attune.cli.verb import Verb
from attune.config import Config


@click.command(
    "eval",
    cls=Verb,
    examples=(
        "attune eval predictions.jsonl --gold gold.jsonl --by language",
        "attune eval tuned.jsonl --against base.jsonl --gold gold.jsonl --report report.html",
        "attune eval attune.db --gold gold.csv --field sentiment --json",
        "attune eval --run --engine openvino:models/gemma --gold gold.jsonl --save gemma.jsonl",
    ),
    codes="0: scored. 2: usage, settings, inputs that do not belong together. 3: the engine. 4: the store.",
)
@click.argument("predictions", required=False)
@click.option("--gold", "gold_file", required=True, metavar="FILE", help="What is right, a row per id.")
@click.option(
    "--against", metavar="PREDICTIONS", help="Compare with these: the figures are PREDICTIONS less them."
)
@click.option("--run", "ask", is_flag=True, help="Ask the engine about the chats of gold now.")
@click.option(
    "--save", type=click.Path(path_type=Path), help="With --run: keep the predictions in this file."
)
@click.option(
    "--by", multiple=True, metavar="COLUMN", help="Figures for each value of a column; again for more."
)
@click.option(
    *("--field", "asked"),
    multiple=True,
    metavar="GOLD[=PREDICTED][:label|text|draft]",
    help="Score this column; again for more. All that both have, without it.",
)
@click.option(
    "--only-answered", is_flag=True, help="Leave rows without a prediction out; they count as wrong."
)
@click.option("--resamples", type=click.IntRange(100, 100_000), default=1000, help="Of the bootstrap. [1000]")
@click.option("--show", "shown", type=click.IntRange(0, 1000), default=10, help="Changed rows each way. [10]")
@click.option("--report", type=click.Path(path_type=Path), help="Write a page with pictures to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as one JSON object.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@configured("engine", "task", "in_flight", "tries", "timeout_s")
def eval(  # noqa: A001 - the verb's name
    config: Config, as_json: bool, report: Path | None, quiet: bool, **given: Any
) -> None:
    """Scores PREDICTIONS (a file of JSON lines, CSV or Parquet, a folder, or a store) beside gold, by id.

    Labels by accuracy and F1, texts by ROUGE, BLEU and chrF, drafts also by what a person changed in them;
    each figure with its 95 % bootstrap interval.
    """
    if bool(given["predictions"]) == given["ask"]:
        raise click.UsageError("give PREDICTIONS, or --run to ask the engine now, and not both")
    if given["save"] and not given["ask"]:
        raise click.UsageError("--save goes with --run")
    with Telling(quiet) as telling:
        found = evaluated(config, Wanted(**given), telling)
    if report:
        write(report, found)
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        show(found)
