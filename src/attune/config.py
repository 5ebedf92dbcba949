"""Every option, declared once: name, type, default, range and help. Files, environment and flags use it."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

from attune.errors import BadConfig

PREFIX = "ATTUNE_"
DEFAULT_FILE = Path("attune.toml")
GENERATION = "generation"
"""The table of the file, and the variable, that hold parameters of generation: attune.given reads them."""
ENGINE_KEY = PREFIX + "ENGINE_KEY"
"""The variable of the key of a server that is the engine: attune.engines.http reads it."""
_READ_ELSEWHERE = (PREFIX + GENERATION.upper(), ENGINE_KEY)
_OTHER_RANGES: Mapping[type[Any], str] = {
    str: "text",
    bool: "true or false",
    tuple: "a text, or a list of texts, none of them empty",
}
_NOUNS: Mapping[type[Any], str] = {int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Option:
    """What is known of an option besides its type and default."""

    help: str
    low: float | None = None
    high: float | None = None
    among: tuple[str, ...] = ()
    name: str = ""
    kind: type[Any] = str
    default: Any = None

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def range(self) -> str:
        """What the value can be, in words."""
        if self.among:
            return ", ".join(self.among)
        if self.kind in _OTHER_RANGES:
            return _OTHER_RANGES[self.kind]
        return f"{self.low:,} to {self.high:,}"

    @property
    def noun(self) -> str:
        """What the value is, in words."""
        return _NOUNS.get(self.kind, "text")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one command."""

    store: Annotated[
        str, Option("Where outcomes, reviews and the queue are kept: a file for SQLite, or postgresql://…")
    ] = "attune.db"
    engine: Annotated[
        str,
        Option(
            "What runs the model: pocket, openvino:FOLDER, torch:FOLDER, vllm:FOLDER, keras:PRESET, "
            "ctranslate2:FOLDER, or http://HOST/v1."
        ),
    ] = "pocket"
    models: Annotated[str, Option("The folder of models that were added: attune models.")] = (
        "~/.local/share/attune/models"
    )
    adapters: Annotated[
        str, Option("The folder of adapters that were tuned or imported: attune adapters.")
    ] = "~/.local/share/attune/adapters"
    task: Annotated[
        str, Option("What is asked about each chat: a task's name, or a path to its TOML file.")
    ] = "triage"
    in_flight: Annotated[int, Option("Chats that are with the engine at once.", 1, 4096)] = 32
    tries: Annotated[int, Option("How often a chat is asked before it is a dead letter.", 1, 20)] = 3
    timeout_s: Annotated[float, Option("Seconds that one answer may take.", 0.01, 86_400)] = 120.0
    lease_s: Annotated[
        float,
        Option("Seconds after which the chats of a run that was killed are taken up by another.", 0.5, 3600),
    ] = 3.0
    keep_chats: Annotated[
        str,
        Option(
            "Whose words the store keeps: of all chats, to search them, or of those that need a person.",
            among=("all", "needed"),
        ),
    ] = "all"
    max_chat_bytes: Annotated[int, Option("A longer input is a dead letter.", 1_000, 100_000_000)] = 8_000_000
    max_claims: Annotated[
        int, Option("A chat that was taken up so often, by runs that died on it, is a dead letter.", 1, 1000)
    ] = 25
    max_engine_failures: Annotated[
        int, Option("So many chats in a row ended by a failing engine stop the run.", 1, 1_000_000)
    ] = 50
    metrics_port: Annotated[int, Option("Port of 127.0.0.1 for Prometheus metrics; 0 is off.", 0, 65_535)] = 0
    host: Annotated[str, Option("Where the service listens. Beyond this machine it needs an API key.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Option("The service's port; 0 takes a free one.", 0, 65_535)] = 8000
    api_keys: Annotated[
        str, Option("Keys that open the service, separated by commas. By the variable: flags can be seen.")
    ] = ""
    api_key_file: Annotated[str, Option("A file of such keys, one a line.")] = ""
    max_requests: Annotated[
        int, Option("Requests that the service answers at once; more are told to come back.", 1, 100_000)
    ] = 256
    max_body_bytes: Annotated[int, Option("A longer request is refused.", 1_000, 1_000_000_000)] = 16_000_000
    max_file_bytes: Annotated[
        int, Option("A longer file of /v1/files is refused.", 1_000, 100_000_000_000)
    ] = 500_000_000
    files_folder: Annotated[str, Option("Where the service keeps files and batches.")] = "attune-files"
    max_list: Annotated[int, Option("Chats or texts in the list of one request.", 1, 100_000)] = 256
    max_request_tokens: Annotated[
        int, Option("Tokens that one request may ask for, in all its texts together.", 1, 100_000_000)
    ] = 65_536
    body_timeout_s: Annotated[
        float, Option("Seconds that a client may take to send a request.", 0.01, 86_400)
    ] = 30.0
    drain_s: Annotated[
        float, Option("Seconds that requests in flight have to end when the service stops.", 0, 86_400)
    ] = 60.0
    claim_s: Annotated[
        float, Option("Seconds that a review item stays a person's without a sign of them.", 1, 86_400)
    ] = 600.0
    undo_s: Annotated[
        float, Option("Seconds in which a decision can be undone, before its reply goes out.", 0, 3600)
    ] = 10.0
    reject_reasons: Annotated[str, Option("Why a draft can be rejected, separated by commas.")] = (
        "wrong facts,wrong tone,wrong language,no reply needed,other"
    )
    replies: Annotated[
        str,
        Option("Where approved replies go: queue:, file:PATH, https://…, kafka://… or pubsub://…"),
    ] = "queue:"
    webhook_secret_file: Annotated[str, Option("File of the secret that webhooks are signed with.")] = (
        "webhook.secret"  # noqa: S105 - the file's name
    )
    target_s: Annotated[
        float, Option("Seconds that a review item may wait; then its badge turns.", 1, 31_536_000)
    ] = 14_400.0
    phrases: Annotated[str, Option("TOML file of the set phrases that reviewers insert.")] = ""
    reviewer_language: Annotated[
        str, Option("The language that conversations are translated into for reviewers.")
    ] = "en"
    desk_key: Annotated[
        str,
        Option(
            "Signs the desk's cookies, the same for all services on a store; without it logins end with it."
        ),
    ] = ""
    log_format: Annotated[str, Option("How log lines are written on stderr.", among=("text", "json"))] = (
        "text"
    )
    log_level: Annotated[
        str,
        Option("The least important log line that is written.", among=("debug", "info", "warning", "error")),
    ] = "warning"


@cache
def options() -> Mapping[str, Option]:
    """The options by name, in the order of their declaration."""
    return declared(Config)


def declared(settings: type[Any]) -> dict[str, Option]:
    """What the fields of a dataclass are declared as, by name, in their order."""
    hints = get_type_hints(settings, include_extras=True)
    return {field.name: _option(field.name, hints[field.name], field.default) for field in fields(settings)}


def load(flags: Mapping[str, str | None], environment: Mapping[str, str], file: Path | None = None) -> Config:
    """The settings: flags before the environment before the file before the defaults.

    `file` is attune.toml in the current folder where it is None, and then may be missing.
    Raises BadConfig for a name that is unknown and a value that is out of its range.
    """
    settings = _of_file(file) | _of_environment(environment) | of_flags(flags, options())
    return Config(**settings)


def table(file: Path | None) -> dict[str, Any]:
    """All that the settings file holds, unchecked. Raises BadConfig where it is no TOML."""
    path = DEFAULT_FILE if file is None else file
    if file is None and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadConfig(f"the settings file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"the settings file {path} is not TOML: {error}") from error


def _of_file(file: Path | None) -> dict[str, Any]:
    path = file or DEFAULT_FILE
    settings = {key: value for key, value in table(file).items() if key != GENERATION}
    for key in settings:
        if key not in options():
            raise BadConfig(f"{path}: unknown setting {key!r}{_nearest(key, options())}")
    return {key: _checked(options()[key], value, f"{key} in {path}") for key, value in settings.items()}


def _of_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    by_variable = {option.variable: option for option in options().values()}
    found: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in _READ_ELSEWHERE:
            continue
        if variable not in by_variable:
            raise BadConfig(f"unknown environment variable {variable}{_nearest(variable, by_variable)}")
        option = by_variable[variable]
        found[option.name] = _checked(option, _of_text(option, text, variable), variable)
    return found


def of_flags(flags: Mapping[str, str | None], known: Mapping[str, Option]) -> dict[str, Any]:
    """The values of the flags that were given, of the options `known`. Raises BadConfig for one that is out
    of its range."""
    given = {known[name]: text for name, text in flags.items() if text is not None}
    return {
        option.name: _checked(option, _of_text(option, text, option.flag), option.flag)
        for option, text in given.items()
    }


def _option(name: str, hint: Any, default: Any) -> Option:
    kind, declared = get_args(hint)
    return Option(declared.help, declared.low, declared.high, declared.among, name, kind, default)


def _of_text(option: Option, text: str, where: str) -> Any:
    try:
        return option.kind(text)
    except ValueError as error:
        raise BadConfig(f"{where}: {text!r} is not {option.noun}; it can be {option.range}") from error


def _checked(option: Option, value: Any, where: str) -> Any:
    """`value`, which a TOML file may have given any type."""
    if option.kind is float and type(value) is int:
        value = float(value)
    if type(value) is not option.kind or value == "":
        raise BadConfig(f"{where}: {value!r} is not {option.noun}; it can be {option.range}")
    if option.among and value not in option.among:
        raise BadConfig(f"{where}: {value!r} is not known; it can be {option.range}")
    if option.kind is not str and not within(option, value):
        raise BadConfig(f"{where}: {value:,.12g} is out of range; it can be {option.range}")
    return value


def within(option: Option, value: float) -> bool:
    """Whether a number is in the range of its option."""
    assert option.low is not None
    assert option.high is not None
    return math.isfinite(value) and option.low <= value <= option.high


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)
    return f"; the nearest known one is {near[0]}" if near else ""
