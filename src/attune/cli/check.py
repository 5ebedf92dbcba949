"""`attune check`: what is there, what is missing, and which command to run."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import click

from attune import connect
from attune.chat import parse_chat
from attune.cli.options import configured
from attune.cli.verb import Verb
from attune.config import Config
from attune.engines import Engine
from attune.errors import AttuneError, EngineError
from attune.log import without_passwords
from attune.visible import visible

_PACKAGES = (
    *("alembic", "click", "numpy", "openvino", "prometheus_client"),
    *("py3langid", "pyarrow", "rich", "sqlalchemy", "tokenizers"),
)
_FREE_GB = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    ok: bool
    detail: str
    run: str = ""
    """The command that mends it."""


@click.command(
    cls=Verb,
    examples=(
        "attune check",
        "attune check --engine openvino:models/gemma --store postgresql://attune@db/attune",
    ),
    codes="0: all is there. 1: something is missing. 2: usage or settings.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@configured("store", "engine", "task", "timeout_s")
def check(config: Config, as_json: bool) -> int:
    """Looks at everything a run needs, and asks the engine about one sample chat."""
    fine = True
    for finding in _findings(config):
        fine = fine and finding.ok
        click.echo(json.dumps(asdict(finding)) if as_json else _line(finding))
    return 0 if fine else 1


def _findings(config: Config) -> Iterator[Finding]:
    yield _python()
    yield from _packages()
    yield _looked("task", lambda: _task(config), "attune tasks list")
    yield from _engine_findings(config)
    yield _looked("store", lambda: _store(config), "attune check --store attune.db")
    yield _looked("disk", lambda: _disk(config), "df -h")


def _looked(name: str, look: Callable[[], str], run: str) -> Finding:
    try:
        return Finding(name, True, look())
    except AttuneError as error:
        return Finding(name, False, without_passwords(visible(str(error))), run)


def _engine_findings(config: Config) -> Iterator[Finding]:
    """Loads the engine once, for all that is asked of it."""
    from attune.cli.working import engine_of

    mend, started = "attune check --engine pocket", time.monotonic()
    with ExitStack() as stack:
        try:
            engine = stack.enter_context(engine_of(config))
        except AttuneError as error:
            yield Finding("engine", False, without_passwords(visible(str(error))), mend)
            return
        loaded_s = time.monotonic() - started
        yield _looked("engine", lambda: _engine(config, engine, loaded_s), mend)
        yield _looked("generation", lambda: _generation(engine), "attune batch --help")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _packages() -> Iterator[Finding]:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    told = f"not installed: {', '.join(missing)}" if missing else "all installed"
    yield Finding("packages", not missing, told, "pip install attune" if missing else "")


def _task(config: Config) -> str:
    task = connect.task(config.task, config.engine)
    return f"{task.name}, version {task.version}: {', '.join(part.name for part in task.fields)}"


def _engine(config: Config, engine: Engine, loaded_s: float) -> str:
    """Asks about the first sample chat."""
    from attune.handle import Act, handle

    task = connect.task(config.task, config.engine)
    with connect.SAMPLES.open("rb") as samples:
        chat = parse_chat(next(samples))
    outcome = handle(chat, Act(task, engine, tries=1, timeout_s=config.timeout_s))
    if outcome.reason is not None:
        raise EngineError(f"{engine.model} loads, but a sample chat got no answer: {outcome.detail}")
    return f"{engine.model}, loaded in {loaded_s:.1f} s; a sample chat took {outcome.total_s:.2f} s"


def _generation(engine: Engine) -> str:
    """What the engine can do of the parameters of generation, and all that a batch's settings ask."""
    from attune import given
    from attune.generation import lacking, parameters

    file = click.get_current_context().params["config_file"]
    asked = given.settle(given.load({}, os.environ, file))
    if why := lacking(asked, engine):
        raise EngineError(why)
    lacks = ", ".join(name for name in parameters() if name in engine.lacks)
    return f"all parameters{f' but {lacks}' if lacks else ''}"


def _store(config: Config) -> str:
    from attune.cli.working import store_of

    if not connect.store_exists(config.store):
        folder = Path(config.store).resolve().parent
        if not os.access(folder, os.W_OK):
            raise AttuneError(f"{config.store} is not there, and its folder cannot be written")
        return f"{config.store} is not there yet: the first run makes it"
    with store_of(config) as store:
        return f"{store.address}, {sum(store.counts().values()):,} outcomes"


def _disk(config: Config) -> str:
    folder = Path.cwd() if "://" in config.store else Path(config.store).resolve().parent
    free_gb = shutil.disk_usage(folder).free / 1e9 if folder.is_dir() else 0.0
    if free_gb < _FREE_GB:
        raise AttuneError(f"{free_gb:.1f} GB free in {folder}; a run should have {_FREE_GB:g} GB")
    return f"{free_gb:,.0f} GB free in {folder}"


def _line(finding: Finding) -> str:
    mend = f"\n{'':19}run: {finding.run}" if not finding.ok else ""
    return f"{'ok' if finding.ok else 'missing':<8}{finding.name:<11}{finding.detail}{mend}"
