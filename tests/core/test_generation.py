"""Parameters of generation: declared once, checked in words, laid over one another field by field."""

from __future__ import annotations

import json
import re
from concurrent.futures import Future
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from attune import config
from attune.engines import BEAMS, Engine
from attune.errors import BadConfig
from attune.generation import Generation, ask, lacking, parameters, texts
from attune.given import ALIASES, VARIABLE, lay, load, read, settle
from attune.prompt import converse
from attune.request import Completion, Message, Request, Sampling
from attune.testing import ScriptedEngine

SOME: dict[str, Any] = {
    "max_new_tokens": 7,
    "num_return_sequences": 3,
    "num_beams": 5,
    "no_repeat_ngram_size": 2,
    "temperature": 0.5,
    "early_stopping": True,
    "do_sample": True,
    "top_k": 40,
    "top_p": 0.9,
    "min_p": 0.1,
    "seed": -3,
    "repetition_penalty": 1.3,
    "length_penalty": 0.6,
    "stop": ("\n", "END"),
}
"""A value that is not the default, for every parameter."""


PROMPT = converse([Message("user", "hello")])


class Recorder:
    """An engine that keeps what it was asked, and has beams."""

    model = "recorder"
    lacks: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def submit(self, request: Request) -> Future[Completion]:
        self.asked.append(request)
        future: Future[Completion] = Future()
        others = tuple(f"beam {number}" for number in range(1, request.sequences))
        future.set_result(Completion(f"text {request.sampling.seed}", self.model, others=others))
        return future

    def close(self) -> None: ...


def settled(**given: Any) -> Generation:
    return settle(read(given))


def test_every_parameter_has_a_value_here_that_is_not_its_default() -> None:
    assert set(SOME) == set(parameters())
    assert all(SOME[name] != parameter.default for name, parameter in parameters().items())


def test_every_value_given_reaches_the_request() -> None:
    engine = Recorder()
    ask(engine, PROMPT, settled(**SOME))
    (request,) = engine.asked
    sampled = {part.name for part in fields(Sampling)}
    assert {name: getattr(request.sampling, name) for name in sampled} == {
        name: value for name, value in SOME.items() if name in sampled
    }
    (slot,) = request.slots
    assert (request.sequences, slot.max_tokens, slot.json) == (3, 7, False)  # type: ignore[union-attr]


@pytest.mark.parametrize("alias", ALIASES)
def test_a_parameter_goes_by_its_other_names_too(alias: str) -> None:
    assert settled(**{alias: 9}).max_new_tokens == 9
    with pytest.raises(BadConfig, match="given twice"):
        read({alias: 9, "max_new_tokens": 9})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("max_length", "3", "max_length: '3' is not a whole number; it can be 1 to 100,000"),
        ("max_length", 3.0, "max_length: 3.0 is not a whole number"),
        ("max_length", 0, "max_length: 0 is out of range; it can be 1 to 100,000"),
        ("num_beams", True, "num_beams: True is not a whole number; it can be 1 to 64"),
        ("temperature", False, "temperature: False is not a number"),
        ("temperature", float("nan"), "temperature: nan is out of range"),
        ("temperature", float("inf"), "temperature: inf is out of range"),
        ("temperature", 10**400, "temperature: 1000"),
        ("top_p", 1.5, "top_p: 1.5 is out of range; it can be 0 to 1"),
        ("top_k", -1, "top_k: -1 is out of range"),
        ("do_sample", 1, "do_sample: 1 is not true or false"),
        ("do_sample", "true", "do_sample: 'true' is not true or false"),
        ("stop", ["a", ""], "it can be a text, or a list of texts, none of them empty"),
        ("stop", "", "stop: "),
        ("stop", {"a": 1}, "stop: "),
        ("seed", [], "seed: \\[\\] is not a whole number"),
        ("tempreature", 1, "tempreature: not a parameter; there are max_new_tokens, "),
        ("batch_size", 4, "batch_size: leave it out"),
    ],
)
def test_an_impossible_value_is_refused_in_words(name: str, value: Any, told: str) -> None:
    with pytest.raises(BadConfig, match=told):
        read({name: value})


def test_a_null_was_not_given() -> None:
    assert read({"top_k": None}) == {}


@pytest.mark.parametrize(
    ("given", "temperature"),
    [
        ({}, 0.0),
        ({"do_sample": False}, 0.0),
        ({"do_sample": False, "temperature": 0.7}, 0.0),
        ({"do_sample": True}, 1.0),
        ({"do_sample": True, "temperature": 0.7}, 0.7),
        ({"temperature": 0.7}, 0.7),
        ({"temperature": 1}, 1.0),
    ],
)
def test_sampling_and_temperature_are_one_thing(given: dict[str, Any], temperature: float) -> None:
    generation = settled(**given)
    assert (generation.temperature, generation.do_sample) == (temperature, temperature > 0)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"do_sample": True, "temperature": 0}, "leave one of the two out"),
        ({"num_return_sequences": 3, "num_beams": 2}, "num_beams must be 3 or more"),
        ({"num_return_sequences": 3, "num_beams": 2, "do_sample": True}, "num_beams must be 3 or more"),
        ({"num_return_sequences": 3, "num_beams": 1}, "do_sample be true"),
    ],
)
def test_values_that_cannot_be_had_together_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(BadConfig, match=told):
        settled(**given)


def test_beams_are_raised_to_the_texts_only_where_they_were_not_given_and_nothing_is_drawn() -> None:
    assert settled(num_return_sequences=4).num_beams == 4
    assert settled(num_return_sequences=4, do_sample=True).num_beams == 1
    assert settled(num_return_sequences=4, num_beams=6).num_beams == 6


@pytest.mark.parametrize(
    ("under", "over", "temperature"),
    [
        ({"temperature": 0.3}, {"temperature": 0.9}, 0.9),
        ({"temperature": 0.3}, {"do_sample": True}, 0.3),
        ({"temperature": 0.0}, {"do_sample": True}, 1.0),
        ({"temperature": 0.3}, {"do_sample": False}, 0.0),
        ({"do_sample": False}, {"temperature": 0.9}, 0.9),
        ({"do_sample": True}, {"temperature": 0}, 0.0),
        ({"do_sample": True}, {"top_k": 5}, 1.0),
    ],
)
def test_the_upper_layer_wins_field_by_field(
    under: dict[str, Any], over: dict[str, Any], temperature: float
) -> None:
    generation = settle(lay(read(under | {"max_length": 5}), read(over)))
    assert (generation.temperature, generation.max_new_tokens) == (temperature, 5)


@pytest.mark.parametrize("name", SOME)
def test_a_flag_the_variable_and_the_file_give_the_same_value(name: str, tmp_path: Path) -> None:
    value = SOME[name]
    text = value if isinstance(value, tuple) else str(value)
    file = tmp_path / "attune.toml"
    file.write_text(f"[generation]\n{name} = {json.dumps(value)}\n", encoding="utf-8")
    none: dict[str, str | tuple[str, ...] | None] = {"top_k": None, "stop": ()}
    assert load({**none, name: text}, {}, None) == {name: value}
    assert load(none, {VARIABLE: json.dumps({name: value})}, None) == {name: value}
    assert load(none, {}, file) == {name: value}


def test_a_flag_wins_over_the_variable_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "attune.toml"
    file.write_text("[generation]\ntop_k = 1\nseed = 1\nmax_length = 1\n", encoding="utf-8")
    environment = {VARIABLE: '{"top_k": 2, "seed": 2}'}
    assert load({"top_k": "3"}, environment, file) == {"top_k": 3, "seed": 2, "max_new_tokens": 1}
    assert config.load({}, environment, file) == config.Config()


@pytest.mark.parametrize(
    ("flags", "variable", "told"),
    [
        ({"top_k": "many"}, "{}", "top_k: 'many' is not a whole number"),
        ({"do_sample": "yes"}, "{}", "do_sample: 'yes' is not true or false"),
        ({}, '{"top_k": "5"}', f"{VARIABLE}: top_k: '5' is not a whole number"),
        ({}, "{'top_k': 5}", f"{VARIABLE} is not JSON"),
        ({}, "[]", f"{VARIABLE}: a JSON object is needed"),
    ],
)
def test_a_job_s_impossible_values_are_refused_where_they_stand(
    flags: dict[str, str], variable: str, told: str
) -> None:
    with pytest.raises(BadConfig, match=re.escape(told)):
        load(flags, {VARIABLE: variable}, None)


def given_by(engine: Engine, generation: Generation) -> list[str]:
    return texts(future.result() for future in ask(engine, PROMPT, generation))


def test_several_texts_are_drawn_by_their_seeds_or_found_by_one_beam_search() -> None:
    engine = Recorder()
    drawn = settled(num_return_sequences=3, do_sample=True, seed=5)
    assert given_by(engine, drawn) == ["text 5", "text 6", "text 7"]
    assert given_by(engine, settled(num_return_sequences=3)) == ["text None", "beam 1", "beam 2"]
    assert [request.sequences for request in engine.asked] == [1, 1, 1, 3]


def test_without_a_seed_each_text_is_drawn_as_the_engine_likes() -> None:
    drawn = settled(num_return_sequences=2, do_sample=True)
    assert drawn.seed is None
    assert given_by(Recorder(), drawn) == ["text None", "text None"]


def test_a_top_p_of_nothing_leaves_the_likeliest_token() -> None:
    assert 0 < settled(top_p=0).sampling.top_p < 1e-6


def test_what_an_engine_cannot_do_is_said_before_it_is_asked() -> None:
    engine = ScriptedEngine()
    assert engine.lacks == BEAMS
    assert (
        lacking(settled(**{**SOME, "num_beams": 1, "early_stopping": False, "length_penalty": 1}), engine)
        == ""
    )
    assert "has no num_beams" in lacking(settled(num_beams=2), engine)
    assert "has no early_stopping" in lacking(settled(early_stopping=True), engine)
    assert "set do_sample or a temperature" in lacking(settled(num_return_sequences=2), engine)
    assert lacking(settled(num_return_sequences=2), Recorder()) == ""
