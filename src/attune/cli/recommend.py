"""`attune models recommend`: which model and engine this machine can run, and how fast to expect them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Any

import click

from attune.cli.options import configured
from attune.cli.progress import steps
from attune.cli.recommending import measured
from attune.cli.table import show
from attune.cli.verb import Verb
from attune.config import Config
from attune.engines.paged.sizes import this_machine
from attune.models import rates as probe
from attune.models.catalogue import Model, chat, models
from attune.models.expected import Expected, Measured, best, expectations, for_gpu, slack
from attune.models.machine import Machine, look
from attune.models.rates import Rates


@click.command(
    cls=Verb,
    examples=(
        "attune models recommend",
        "attune models recommend --least 0.2",
        "attune models recommend --json | jq -r .recommended.commands[]",
    ),
    codes="0: told. 2: usage or settings.",
)
@click.option(
    "--least",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    metavar="CHATS/S",
    help="The slowest that is fast enough, in chats a second. [1]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 600),
    default=5.0,
    help="How long the model inside is measured. [5]",
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("models")
def recommend(config: Config, least: float, seconds: float, quiet: bool, as_json: bool) -> None:
    """Says which model and engine fit this machine, and how many chats a second to expect of each.

    Matrix products and the model inside are measured, which takes some ten seconds; what is said of the
    others is computed from that and from their sizes, and nothing is fetched.
    """
    place = Path(config.models).expanduser()
    with steps(quiet) as say:
        ours = this_machine()
        machine = look(ours.cores, ours.memory, place)
        say("measuring matrix products")
        rates = probe.measure(ours.quota)
        say(f"measuring the model inside for {seconds:g} s")
        pocket = measured(seconds)
    inside, *others = models()
    expected = expectations(others, machine, rates, slack(inside, pocket, rates))
    taken = best(expected, least)
    if as_json:
        click.echo(json.dumps(_told(machine, rates, pocket, expected, taken, place)))
        return
    click.echo(_machine(machine, rates))
    click.echo(_table_head())
    _table(inside, pocket, expected)
    _advise(machine, taken, least, place)


def _machine(machine: Machine, rates: Rates) -> str:
    sets = f" with {', '.join(machine.sets)}" if machine.sets else ""
    speed = ", ".join(f"{form} {rates.operations[form] / 1e9:,.0f} GFLOP/s" for form in rates.operations)
    lines = [
        f"{machine.cores} cores{sets}, {_gb(machine.memory)} of memory and {_gb(machine.disk)} of disk free",
        f"measured: products {speed}; reading {rates.weights['int8'] / 1e9:,.1f} GB/s",
        *(f"GPU: {gpu.name}, {_gb(gpu.memory)}" for gpu in machine.gpus),
    ]
    return "\n".join(lines)


def _table_head() -> str:
    work = chat()
    return (
        f"\nExpected, for chats of {work.read:g} tokens to read and {work.written:g} to write; "
        "the row of pocket is measured."
    )


def _table(inside: Model, pocket: Measured, expected: list[Expected]) -> None:
    rows = [(inside.name, inside.engine, "int8", "0.5 GB", f"{pocket.chats_per_s:.3g}", "measured")]
    for each in expected:
        model = each.model
        told = f"too little {each.lacks}" if each.lacks else model.note
        rate = f"{each.chats_per_s:.2g}"
        rows.append((model.name, model.engine, each.form, _gb(each.memory), rate, told))
    show(("model", "engine", "weights", "memory", "chats/s", ""), rows, wide=("",))


def _advise(machine: Machine, taken: Expected | None, least: float, place: Path) -> None:
    if taken is None:
        click.echo(f"Nothing larger than the model inside makes {least:g} chats/s here: attune run FILE")
    else:
        gate = f" Its licence is accepted once at {_page(taken.model)}." if taken.model.gated else ""
        click.echo(
            f"Recommended: {taken.model.name} in {taken.form}, the largest that fits and makes at least "
            f"{least:g} chats/s (--least); licence {taken.model.licence}.{gate}"
        )
        click.echo("".join(f"  {command}\n" for command in _commands(taken, place)), nl=False)
    for gpu in machine.gpus:
        if model := for_gpu(models(), gpu.memory):
            click.echo(f"On the {gpu.name}: {model.name} in bfloat16, not measured. By vLLM:")
            click.echo(f"  vllm serve {model.hub}")
            click.echo(f"  attune run chats.jsonl --engine 'http://127.0.0.1:8000/v1?model={model.hub}'")


def _commands(taken: Expected, place: Path) -> list[str]:
    """The two that fetch it and run it."""
    kept = place / taken.model.hub.rpartition("/")[2]
    return [
        f"attune models add {taken.model.hub} --quantization {taken.form}",
        f"attune run chats.jsonl --engine {taken.model.engine}:{quote(str(kept))}",
    ]


def _told(
    machine: Machine,
    rates: Rates,
    pocket: Measured,
    expected: list[Expected],
    taken: Expected | None,
    place: Path,
) -> dict[str, Any]:
    rows = [
        {"model": each.model.name, "engine": each.model.engine, "weights": each.form}
        | {"memory_bytes": round(each.memory), "disk_bytes": round(each.disk), "lacks": each.lacks}
        | {"expected_chats_per_s": each.chats_per_s, "licence": each.model.licence, "note": each.model.note}
        for each in expected
    ]
    return {
        "machine": asdict(machine),
        "rates": asdict(rates),
        "chat": asdict(chat()),
        "pocket": asdict(pocket),
        "expected": rows,
        "recommended": taken
        and {"model": taken.model.name, "weights": taken.form, "commands": _commands(taken, place)},
    }


def _page(model: Model) -> str:
    return f"https://huggingface.co/{model.hub}"


def _gb(count: float) -> str:
    return f"{count / 1e9:,.1f} GB"
