"""Settings: each declared once, given by flag, environment or file, and checked in one place."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from attune.cli.options import configured
from attune.config import Config, Option, load, options
from attune.errors import BadConfig
from attune.limits import Limits

SOME: dict[str, Any] = {
    "store": "elsewhere.db",
    "engine": "scripted:delay_ms=1",
    "models": "elsewhere-models",
    "adapters": "elsewhere-adapters",
    "task": "my.toml",
    "in_flight": 7,
    "tries": 5,
    "timeout_s": 1.5,
    "lease_s": 9.0,
    "keep_chats": "needed",
    "max_chat_bytes": 12_345,
    "max_claims": 3,
    "max_engine_failures": 4,
    "metrics_port": 9464,
    "host": "::1",
    "port": 9000,
    "api_keys": "a key of many signs",
    "api_key_file": "keys",
    "max_requests": 8,
    "max_body_bytes": 4_096,
    "max_file_bytes": 5_000,
    "files_folder": "elsewhere",
    "max_list": 16,
    "max_request_tokens": 999,
    "body_timeout_s": 2.5,
    "drain_s": 1.25,
    "claim_s": 60.0,
    "undo_s": 5.0,
    "reject_reasons": "rude",
    "replies": "file:replies.jsonl",
    "webhook_secret_file": "elsewhere.secret",
    "target_s": 60.0,
    "phrases": "phrases.toml",
    "reviewer_language": "ko",
    "desk_key": "a key of the desk",
    "log_format": "json",
    "log_level": "debug",
}
"""A value that is not the default, for every option."""

NAMES = list(options())
NUMBERS = [option for option in options().values() if option.kind is not str]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    logger = logging.getLogger("attune")
    before = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.level, logger.propagate = before


def toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def test_every_option_has_a_value_here_that_is_not_its_default() -> None:
    assert set(SOME) == set(NAMES)
    assert all(SOME[name] != option.default for name, option in options().items())


@pytest.mark.parametrize("name", NAMES)
def test_a_flag_reaches_the_config_of_the_command(name: str) -> None:
    seen: list[Config] = []

    @click.command()
    @configured(*(each for each in NAMES if not each.startswith("log_")))
    def command(config: Config) -> None:
        seen.append(config)

    done = CliRunner().invoke(command, [options()[name].flag, str(SOME[name])], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert seen == [Config(**{name: SOME[name]})]


@pytest.mark.parametrize("name", NAMES)
def test_an_environment_variable_reaches_the_config(name: str) -> None:
    assert load({}, {options()[name].variable: str(SOME[name])}) == Config(**{name: SOME[name]})


@pytest.mark.parametrize("name", NAMES)
def test_a_line_of_the_file_reaches_the_config(name: str) -> None:
    Path("attune.toml").write_text(f"{name} = {toml(SOME[name])}\n", encoding="utf-8")
    assert load({}, {}) == Config(**{name: SOME[name]})


def test_flags_come_before_the_environment_before_the_file_before_the_defaults() -> None:
    Path("attune.toml").write_text("tries = 5\nin_flight = 5\nlease_s = 5\n", encoding="utf-8")
    config = load({"tries": "7"}, {"ATTUNE_TRIES": "6", "ATTUNE_IN_FLIGHT": "6"})
    assert (config.tries, config.in_flight, config.lease_s, config.max_claims) == (
        7,
        6,
        5.0,
        Config().max_claims,
    )


def test_a_file_that_was_named_is_read_instead_and_must_be_there() -> None:
    Path("attune.toml").write_text("tries = 5\n", encoding="utf-8")
    Path("other.toml").write_text("in_flight = 5\n", encoding="utf-8")
    assert load({}, {}, Path("other.toml")) == Config(in_flight=5)
    with pytest.raises(BadConfig, match=r"nowhere.toml cannot be read"):
        load({}, {}, Path("nowhere.toml"))


def test_an_unknown_key_of_the_file_is_an_error_that_names_the_nearest() -> None:
    Path("attune.toml").write_text("in_fligth = 5\n", encoding="utf-8")
    with pytest.raises(BadConfig, match=r"unknown setting 'in_fligth'; the nearest known one is in_flight"):
        load({}, {})


def test_an_unknown_variable_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(BadConfig, match=r"ATTUNE_STOR; the nearest known one is ATTUNE_STORE"):
        load({}, {"ATTUNE_STOR": "x.db"})


def test_other_programs_variables_are_no_concern_of_ours() -> None:
    assert load({}, {"PATH": "/bin", "ATTUNED": "yes"}) == Config()


@pytest.mark.parametrize("option", NUMBERS, ids=lambda option: option.name)
def test_a_number_out_of_its_range_is_an_error_that_says_the_range(option: Option) -> None:
    assert option.low is not None
    assert option.high is not None
    for value in (option.low - 1, option.high + 1):
        with pytest.raises(BadConfig, match=rf"{option.flag}.* can be {option.range}"):
            load({option.name: f"{value:.12g}"}, {})
    for value in (option.low, option.high):
        assert getattr(load({option.name: f"{value:.12g}"}, {}), option.name) == value


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "", "many", "1,5"])
def test_what_is_no_number_is_an_error(text: str) -> None:
    with pytest.raises(BadConfig, match="ATTUNE_TIMEOUT_S"):
        load({}, {"ATTUNE_TIMEOUT_S": text})


@pytest.mark.parametrize(
    "line", ['tries = "3"', "tries = 3.0", "tries = true", "store = 3", 'log_level = "loud"']
)
def test_a_value_of_another_type_in_the_file_is_an_error(line: str) -> None:
    Path("attune.toml").write_text(line, encoding="utf-8")
    with pytest.raises(BadConfig, match=f"{line.split(maxsplit=1)[0]} in attune.toml"):
        load({}, {})


def test_a_file_that_is_no_toml_is_an_error() -> None:
    Path("attune.toml").write_text("tries: 3", encoding="utf-8")
    with pytest.raises(BadConfig, match=r"attune.toml is not TOML"):
        load({}, {})


def test_the_bounds_of_a_run_have_the_same_defaults_wherever_they_stand() -> None:
    ours = {field.name: getattr(Config(), field.name) for field in fields(Limits)}
    assert Limits(**ours) == Limits()
