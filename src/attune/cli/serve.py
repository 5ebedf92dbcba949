"""`attune serve`: the service."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path

import click

from attune import stream
from attune.cli.demo import clear, samples
from attune.cli.options import CHATS, configured
from attune.cli.reviewing import DESK, OUT, reviewed
from attune.cli.verb import Verb
from attune.cli.working import serving_of, store_of
from attune.config import Config
from attune.limits import Limits
from attune.serve import keys
from attune.serve.bounds import Bounds
from attune.serve.process import Place
from attune.serve.process import serve as answer

_SERVICE = ("host", "port", "api_key_file", "files_folder", "body_timeout_s", "drain_s")
_MOST = ("max_requests", "max_body_bytes", "max_file_bytes", "max_list", "max_request_tokens")
_DEMO = Path("attune-demo")


@click.command(
    cls=Verb,
    examples=(
        "attune serve",
        "attune serve --demo",
        "attune serve --engine openvino:models/gemma --port 9000 --in-flight 64",
        "ATTUNE_API_KEYS=$(cat key) attune serve --host 0.0.0.0 --store postgresql://attune@db/attune",
    ),
    codes=(
        "0: stopped by Ctrl-C or SIGTERM, and all in flight was finished. 2: usage or settings. "
        "3: the engine. 4: the store."
    ),
)
@click.option("--demo", is_flag=True, help="The sample chats in attune-demo, and a desk without a password.")
@click.option("--follow", is_flag=True, help="Work through the store's queue too, whatever comes into it.")
@configured(*_SERVICE, *_MOST, *CHATS, *DESK, *OUT)
def serve(config: Config, follow: bool, demo: bool) -> None:
    """Answers over HTTP: the review desk, chats, completions in OpenAI's shape, hosting containers.

    What an earlier process left unfinished in the store's queue is worked through besides. The desk is at
    /desk (attune users add lets people in), the reference at /docs.
    """
    opened = keys.load(config.api_keys, config.api_key_file)
    place = Place(config.host, config.port, opened, Path(config.files_folder))
    keys.check(place.host, place.keys)
    limits = Limits(**{field.name: getattr(config, field.name) for field in fields(Limits)})
    bounds = Bounds(**{field.name: getattr(config, field.name) for field in fields(Bounds)})
    config = _demo(config) if demo else config
    with ExitStack() as open_things:
        store = open_things.enter_context(store_of(config))
        serving = open_things.enter_context(serving_of(config, store))
        beside = open_things.enter_context(reviewed(config, store, serving, "demo" if demo else ""))
        if demo:
            open_things.enter_context(stream.running(samples(config), store, serving, limits))
        answer(
            serving,
            store,
            place,
            limits,
            bounds,
            follow,
            _tell,
            beside,
        )


def _demo(config: Config) -> Config:
    """The settings with the demo's folder in place of store and outlet."""
    clear(_DEMO, ())
    return replace(config, store=str(_DEMO / "demo.db"), replies=f"file:{_DEMO / 'replies.jsonl'}")


def _tell(address: str) -> None:
    click.echo(f"attune answers on {address}\nThe review desk: {address}/desk/")
