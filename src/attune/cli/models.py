"""`attune models`: models beside the one in the package: fetched, converted, looked over, removed."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Any

import click

from attune import connect
from attune.chat import parse_chat
from attune.cli.options import configured
from attune.cli.progress import steps
from attune.cli.recommend import recommend
from attune.cli.table import show as show_table
from attune.cli.verb import Verb
from attune.config import Config
from attune.errors import ModelError
from attune.handle import Act, ask
from attune.models import kept as kept_models
from attune.models.add import QUANTIZATIONS, Wanted
from attune.models.add import add as add_model
from attune.models.kept import Kept
from attune.visible import visible

_CHAT = b'{"id": "1", "user_id": "1", "turns": [{"role": "customer", "text": "My parcel is late again."}]}'
_PATIENCE_S = 600
_CODES = "0: done. 2: usage or settings. 3: the model cannot be fetched, converted, run or found."


@click.group()
def models() -> None:
    """Models beside the one in the package. Needs the extra [models] to add one."""


models.add_command(recommend)


@models.command(
    cls=Verb,
    examples=(
        "attune models add google/gemma-3-1b-it",
        "attune models add google/gemma-3-4b-it --quantization int4 --name gemma-4bit",
        "attune models add google/flan-t5-large --quantization float32",
        "attune models add kaggle:google/gemma-3/transformers/gemma-3-1b-it",
        "attune models add downloads/flan-t5-large",
    ),
    codes=_CODES,
)
@click.argument("source", metavar="OWNER/NAME|kaggle:…|FOLDER")
@click.option("--name", default="", help="What it is called here. [the last part of SOURCE]")
@click.option(
    "--quantization", type=click.Choice(QUANTIZATIONS), default="int8", help="The type of its weights. [int8]"
)
@click.option("--revision", default="main", help="A branch, tag or commit on the hub. [main]")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("models")
def add(config: Config, quiet: bool, as_json: bool, **given: str) -> None:
    """Fetches a model from the Hugging Face hub or Kaggle, or takes it from FOLDER, and converts it.

    A Gemma 2, 3 or 4, Llama 3 or Qwen 3 for the engine openvino; a T5, FLAN-T5 or mT5 for ctranslate2. A
    model is there when it was converted and has answered about a chat, or not at all. A download that broke
    off is gone on with by the same command.
    """
    if quiet:
        os.environ["TQDM_DISABLE"] = "1"  # of Kaggle's client
    with steps(quiet) as say:
        kept = add_model(Wanted(**given), Path(config.models).expanduser(), _tried, say)
    if as_json:
        click.echo(json.dumps(_told(kept)))
        return
    click.echo(
        f"{kept.name} is there, {_size(kept.bytes)}. Run it: attune run --engine {quote(kept.address)}"
    )


@models.command("list", cls=Verb, examples=("attune models list", "attune models list --json"), codes=_CODES)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@configured("models")
def list_models(config: Config, as_json: bool) -> None:
    """Lists the models that were added, and what --engine takes for each."""
    found = list(kept_models.kept_in(Path(config.models).expanduser()))
    if as_json:
        for kept in found:
            click.echo(json.dumps(_told(kept)))
        return
    rows = [(kept.name, _size(kept.bytes), kept.quantization, kept.source, kept.address) for kept in found]
    show_table(("model", "size", "weights", "made from", "engine"), rows, wide=("engine",))


@models.command("show", cls=Verb, examples=("attune models show flan-t5-large",), codes=_CODES)
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("models")
def show(config: Config, name: str, as_json: bool) -> int:
    """Shows what the model NAME was made from, and reads its files through: are they as they were?"""
    kept = kept_models.find(name, Path(config.models).expanduser())
    damaged = kept.damaged()
    if as_json:
        click.echo(json.dumps(_told(kept) | {"damaged": damaged}))
    else:
        told = {"made from": f"{kept.source} {kept.revision}".strip(), "weights": kept.quantization}
        told |= {"added": kept.added, "by": ", ".join(map(" ".join, kept.versions.items()))}
        told |= {"engine": kept.address, "files": _files(kept, damaged), "answered": kept.answer}
        told |= {f"from {name}": file.sha256 for name, file in kept.fetched.items()}
        for label, value in told.items():
            click.echo(f"{label:<10} {visible(value)}")
    return ModelError.exit_code if damaged else 0


@models.command("remove", cls=Verb, examples=("attune models remove flan-t5-large",), codes=_CODES)
@click.argument("name")
@configured("models")
def remove(config: Config, name: str) -> None:
    """Removes the model NAME from this machine."""
    kept = kept_models.find(name, Path(config.models).expanduser())
    kept_models.remove(kept)
    click.echo(f"{kept.name} is gone: {_size(kept.bytes)} are free again")


def _tried(address: str) -> str:
    """What a new model says of a chat. Raises ModelError where it is nothing that can be read."""
    with closing(connect.engine(address)) as engine:
        act = Act(connect.task("triage", address), engine, timeout_s=_PATIENCE_S)
        answer = ask(act.task, parse_chat(_CHAT), act)
    if answer.verdict is None or answer.completion is None:
        why = answer.attempts[-1].error if answer.attempts else "it gave none"
        raise ModelError(f"its answer to a chat cannot be read: {why}. Is it a model for texts in turns?")
    return answer.completion.text


def _told(kept: Kept) -> dict[str, Any]:
    return asdict(kept) | {"folder": str(kept.folder), "name": kept.name, "address": kept.address}


def _files(kept: Kept, damaged: list[str]) -> str:
    if damaged:
        return f"DAMAGED: {', '.join(damaged)}. Add it again: attune models remove {kept.name}, then add"
    return f"{len(kept.files)}, {_size(kept.bytes)}, all as they were"


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
