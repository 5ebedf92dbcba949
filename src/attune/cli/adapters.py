"""`attune adapters`: tuned LoRA weights: listed, looked over, handed on, brought in, deleted."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from attune import connect
from attune.adapters import card, kept
from attune.adapters.bring import bring
from attune.adapters.export import FORMS, Wanted
from attune.adapters.export import export as export_adapter
from attune.adapters.record import EPOCHS, RECORD, Base, Record, home, read
from attune.cli.options import configured
from attune.cli.progress import steps
from attune.cli.table import show as show_table
from attune.cli.verb import Verb
from attune.config import Config
from attune.errors import BadConfig
from attune.models.convert import QUANTIZATIONS
from attune.visible import visible

_CODES = "0: done. 2: usage or settings. 3: the adapter cannot be found, read, or put into the model."
_TRAINED = ("hf", "ctranslate2")
"""The forms that are made from the weights a model is tuned from, not from those it is served from."""


@click.group()
def adapters() -> None:
    """Tuned LoRA weights: attune tune makes them, an engine serves them beside its model.

    NAME is an adapter in the folder --adapters, its chosen epoch; NAME@epoch12 is one epoch of it. Where an
    adapter is read, the path of any PEFT folder will do.
    """


@adapters.command(
    "list", cls=Verb, examples=("attune adapters list", "attune adapters list --json"), codes=_CODES
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@configured("adapters")
def list_adapters(config: Config, as_json: bool) -> None:
    """Lists the adapters: what they are for, what they were tuned on, how they do on held-out data."""
    found = [(folder, read(folder)) for folder in kept.kept_in(_folder(config))]
    if as_json:
        for folder, record in found:
            click.echo(json.dumps(_told(folder, record), ensure_ascii=False))
        return
    rows = [_row(record) for _, record in found]
    show_table(("adapter", "for", "languages", "examples", "epoch", "held out"), rows, wide=("held out",))


@adapters.command(
    cls=Verb,
    examples=("attune adapters show ko-bakery", "attune adapters show ko-bakery --json"),
    codes=_CODES,
)
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("adapters")
def show(config: Config, name: str, as_json: bool) -> None:
    """Shows what the adapter NAME is for and was made from, and the figures of its epochs."""
    folder = home(kept.find(name, _folder(config)))
    record = read(folder)
    if as_json:
        click.echo(json.dumps(_told(folder, record), ensure_ascii=False))
        return
    told = asdict(record)
    for label, fact in card.facts(told).items():
        click.echo(f"{label:<14}{visible(fact)}")
    for title, (names, *rows) in card.tables(told).items():
        click.echo(f"\n{title}")
        show_table(names, rows)


@adapters.command(
    cls=Verb,
    examples=(
        "attune adapters export ko-bakery --to openvino models/ko-bakery",
        "attune adapters export ko-bakery@epoch12 --to hf merged --base downloads/gemma-3-1b-it",
        "attune adapters export t5-ko --to ctranslate2 models/t5-ko --base downloads/flan-t5-base",
    ),
    codes=_CODES,
)
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--to", "form", type=click.Choice(list(FORMS)), required=True, help="What FOLDER becomes.")
@click.option(
    "--base",
    default="",
    help="The model's folder: Hugging Face files for hf and ctranslate2. [what the adapter was made for]",
)
@click.option(
    "--quantization",
    type=click.Choice(QUANTIZATIONS),
    default="int8",
    help="Of ctranslate2's weights. [int8]",
)
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("adapters")
def export(
    config: Config,
    name: str,
    folder: Path,
    form: str,
    base: str,
    quantization: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Writes the adapter NAME to the new FOLDER, whole or not at all.

    peft is the adapter alone, for other tools; keras is KerasHub's form of it (Gemma 1, 2 and 3). The others
    are the model with the adapter in it: hf is Hugging Face files with the sum of both, ctranslate2 the same
    converted (T5), openvino an OpenVINO folder with the adapter beside the weights.
    """
    adapter = kept.find(name, _folder(config))
    with steps(quiet) as say:
        say(f"writing {kept.label(adapter)} as {form}")
        used = export_adapter(form, Wanted(adapter, _base(adapter, form, base), quantization), folder)
    click.echo(json.dumps({"folder": str(folder), "use": used}) if as_json else f"{folder} is there: {used}")


@adapters.command(
    "import",
    cls=Verb,
    examples=(
        "attune adapters import downloads/bakery-lora --name ko-bakery --engine openvino:models/gemma-3-1b",
        "attune adapters import gemma2-2b_k-tuned.lora.h5 --name k-mail --engine openvino:models/gemma-2-2b",
    ),
    codes=_CODES,
)
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--name", required=True, help="What it is called here.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@configured("adapters", "engine")
def import_(config: Config, source: Path, name: str, quiet: bool, as_json: bool) -> None:
    """Brings in the PEFT folder or KerasHub's .lora.h5 file SOURCE, as an adapter of the model of --engine.

    It is there when it fits that model, or not at all.
    """
    model = connect.model_folder(config.engine)
    if model is None:
        raise BadConfig(f"{config.engine} keeps its model in no folder: --engine says what {name} is for")
    base = Base(config.engine, model.resolve().name)
    with steps(quiet) as say:
        say(f"reading {visible(str(source))}")
        record = bring(source, name, _folder(config), base, model)
    folder = _folder(config) / name
    if as_json:
        click.echo(json.dumps(_told(folder, record), ensure_ascii=False))
    else:
        click.echo(f"{name} is there, for {visible(record.base.model)}: {folder}")


@adapters.command(cls=Verb, examples=("attune adapters delete ko-bakery",), codes=_CODES)
@click.argument("name")
@configured("adapters")
def delete(config: Config, name: str) -> None:
    """Deletes the adapter NAME with all its epochs."""
    kept.delete(name, _folder(config))
    click.echo(f"{name} is gone")


def _folder(config: Config) -> Path:
    return Path(config.adapters).expanduser()


def _base(adapter: Path, form: str, given: str) -> Path:
    """The model's folder that a form is made with: the one given, or what the record names."""
    if form == "peft":
        return Path()
    if given and form not in _TRAINED:
        return Path(given)
    address = read(adapter).base.address if (home(adapter) / RECORD).is_file() else ""
    if form in _TRAINED:
        from attune.tune.base import open_base

        return open_base(given, address).folder
    folder = connect.model_folder(address) if address else None
    if folder is None:
        raise BadConfig(f"{adapter} does not say which model it is for: give its folder with --base")
    return folder


def _row(record: Record) -> tuple[str, ...]:
    data = record.data
    trained = str(data.examples) if data.examples else ""
    figures = record.evaluation.get("adapter", {})
    base = record.evaluation.get("base", {})
    told = [f"{name} {value:.3g} ({base[name]:.3g})" for name, value in figures.items() if name in base]
    epoch = str(record.chosen or "")
    return record.name, record.base.model, " ".join(data.languages), trained, epoch, ", ".join(told)


def _told(folder: Path, record: Record) -> dict[str, Any]:
    epochs = sorted(int(path.name) for path in (folder / EPOCHS).glob("*"))
    return {"folder": str(folder), "kept_epochs": epochs, **asdict(record)}
