"""What was given of a Generation: parameters as somebody wrote them, checked, and laid over one another.

They come in layers (a job's, a record's), each a mapping of names to values: `read` checks one, `lay` puts
one over another field by field, and `settle` makes a Generation of what they come to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attune.config import GENERATION, PREFIX, Option, table
from attune.errors import BadConfig
from attune.generation import Generation, parameters

Given = Mapping[str, Any]
"""Parameters that somebody gave, by name; what is not there was not given."""
ALIASES = {"max_length": "max_new_tokens", "num_new_tokens": "max_new_tokens"}
"""Other names of a parameter, as encoder-decoder models' users and hosting containers call them."""
VARIABLE = PREFIX + GENERATION.upper()
"""The environment variable that holds a job's parameters, a JSON object."""
_NEEDLESS = {
    "batch_size": "leave it out: requests are batched as they come, so many at once as in_flight says",
    "return_full_text": "leave it out: a text never has its prompt before it",
}


def read(given: Given, where: str = "") -> dict[str, Any]:
    """What was `given`, each name known, each value of its kind and in its range. A null was not given.

    Raises BadConfig, naming the parameter, the value and what it can be, `where` before it.
    """
    try:
        return _read(given)
    except BadConfig as error:
        raise BadConfig(f"{where}{error}") from error


def _read(given: Given) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for spoken, value in given.items():
        name = ALIASES.get(spoken, spoken)
        if name not in parameters():
            raise BadConfig(f"{spoken}: {_NEEDLESS.get(spoken, _unknown())}")
        if value is None:
            continue
        if name in values:
            raise BadConfig(f"{spoken}: given twice, since it is the same as {name}")
        values[name] = _checked(parameters()[name], spoken, value)
    return values


def lay(under: Given, over: Given) -> dict[str, Any]:
    """`over` laid over `under`, field by field; of temperature and do_sample the upper one decides."""
    merged = {**under, **over}
    if "temperature" in over and "do_sample" not in over:
        merged.pop("do_sample", None)
    if over.get("do_sample") and "temperature" not in over and under.get("temperature") == 0:
        del merged["temperature"]
    return merged


def settle(given: Given) -> Generation:
    """The Generation of what was given in all. Raises BadConfig where two values cannot be had together."""
    values = dict(given)
    sampled, temperature = values.get("do_sample"), values.get("temperature")
    if sampled and temperature == 0:
        raise BadConfig("do_sample: true with a temperature of 0; leave one of the two out")
    if sampled is False:
        values["temperature"] = 0.0
    elif sampled and temperature is None:
        values["temperature"] = 1.0
    values["do_sample"] = values.get("temperature", 0.0) > 0
    texts, beams = values.get("num_return_sequences", 1), values.get("num_beams")
    if texts > 1 and beams is None and not values["do_sample"]:
        values["num_beams"] = texts
    if beams is not None and beams < texts and (beams > 1 or not values["do_sample"]):
        raise BadConfig(
            f"num_return_sequences: {texts} texts of {beams} beams cannot be had; "
            f"num_beams must be {texts} or more, or left out, or with 1 beam do_sample be true"
        )
    return Generation(**values)


def load(
    flags: Mapping[str, str | tuple[str, ...] | None], environment: Mapping[str, str], file: Path | None
) -> Given:
    """A job's parameters: its flags over the environment's over those of the table [generation] of `file`.

    `file` is attune.toml in the current folder where it is None, and then may be missing. Raises BadConfig.
    """
    of_file = table(file).get(GENERATION, {})
    if not isinstance(of_file, dict):
        raise BadConfig(f"{GENERATION}: a table is needed, like [{GENERATION}] max_new_tokens = 50")
    under = lay(read(of_file, f"[{GENERATION}] "), read(_of_environment(environment), f"{VARIABLE}: "))
    return lay(under, of_flags(flags))


def of_flags(flags: Mapping[str, str | tuple[str, ...] | None]) -> Given:
    """The parameters that flags give as text. Raises BadConfig."""
    given = {name: text for name, text in flags.items() if text not in (None, ())}
    return read(
        {name: _of_text(name, text) if name in parameters() else text for name, text in given.items()}
    )


def _of_environment(environment: Mapping[str, str]) -> Given:
    try:
        given = json.loads(environment.get(VARIABLE, "{}"))
    except ValueError as error:
        raise BadConfig(f"{VARIABLE} is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise BadConfig(f'{VARIABLE}: a JSON object is needed, like {{"max_new_tokens": 50}}')
    return given


def _of_text(name: str, text: str | tuple[str, ...]) -> Any:
    """The value that a flag's `text` is for the parameter `name`, still to be checked by `read`."""
    kind = parameters()[name].kind
    if isinstance(text, tuple):
        return text
    try:
        return {"true": True, "false": False}.get(text.lower(), text) if kind is bool else kind(text)
    except ValueError:
        return text


def _unknown() -> str:
    return f"not a parameter; there are {', '.join((*parameters(), *ALIASES))}"


def _checked(parameter: Option, spoken: str, value: Any) -> Any:
    if parameter.kind is tuple and isinstance(value, str | list | tuple):
        value = (value,) if isinstance(value, str) else tuple(value)
        if all(isinstance(text, str) and text for text in value):
            return value
    numbers = (int, float) if parameter.kind is float else (parameter.kind,)
    if parameter.kind is tuple or type(value) not in numbers:
        raise BadConfig(f"{spoken}: {value!r:.80} is not {parameter.noun}; it can be {parameter.range}")
    if parameter.kind is not bool and not _within(parameter, value):
        raise BadConfig(f"{spoken}: {value!r:.80} is out of range; it can be {parameter.range}")
    return parameter.kind(value)


def _within(parameter: Option, value: float) -> bool:
    assert parameter.low is not None
    assert parameter.high is not None
    return parameter.low <= value <= parameter.high  # never so for what is no number
