"""Generation: the parameters by which texts are written, each declared once; batch and service use them.

Given values come in layers (a job's, a record's), each a mapping of names to values: `read` checks one,
`lay` puts one over another field by field, and `settle` makes a Generation of what they come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from attune.config import Option
from attune.engines import Engine, refused, submit_many
from attune.errors import BadConfig
from attune.request import Completion, Free, Prompt, Request, Sampling

Given = Mapping[str, Any]
"""Parameters that somebody gave, by name; what is not there was not given."""
ALIASES = {"max_length": "max_new_tokens", "num_new_tokens": "max_new_tokens"}
"""Other names of a parameter, as encoder-decoder models' users and hosting containers call them."""
_MOST_CHARS = 10_000_000
_NEEDLESS = {
    "batch_size": "leave it out: requests are batched as they come, so many at once as in_flight says",
    "return_full_text": "leave it out: a text never has its prompt before it",
}


@dataclass(frozen=True, slots=True)
class Generation:
    """How the texts of one record are written."""

    max_new_tokens: Annotated[
        int, Option("Tokens that a text may have. Also called max_length.", 1, 100_000)
    ] = 256
    num_return_sequences: Annotated[int, Option("Texts of each record.", 1, 64)] = 1
    num_beams: Annotated[
        int,
        Option("Beginnings that are gone on with side by side (beam search); 1 is off.", 1, 64),
    ] = 1
    no_repeat_ngram_size: Annotated[
        int, Option("No run of so many tokens occurs twice; 0 is off.", 0, 1_000)
    ] = 0
    temperature: Annotated[
        float, Option("0 takes the likeliest token; the higher, the freer the words.", 0, 100)
    ] = 0.0
    early_stopping: Annotated[
        bool, Option("Whether beam search ends as soon as num_beams whole texts are there.")
    ] = False
    do_sample: Annotated[
        bool,
        Option("Whether tokens are drawn: false is a temperature of 0, true one of 1 where none is given."),
    ] = False
    top_k: Annotated[int, Option("Only the k likeliest tokens are drawn; 0 is all.", 0, 1_000_000)] = 0
    top_p: Annotated[
        float, Option("Only the fewest likeliest tokens whose probabilities sum to p are drawn.", 0, 1)
    ] = 1.0
    min_p: Annotated[
        float, Option("Only tokens at least p times as probable as the likeliest are drawn.", 0, 1)
    ] = 0.0
    seed: Annotated[
        int, Option("The same seed, prompt and model give the same text.", -(2**63), 2**63 - 1)
    ] = 0
    repetition_penalty: Annotated[
        float, Option("Above 1, tokens that stand already become less likely.", 0.01, 100)
    ] = 1.0
    length_penalty: Annotated[
        float, Option("Above 0, beam search favours long texts; below, short ones.", -100, 100)
    ] = 1.0
    stop: Annotated[tuple[str, ...], Option("A text ends before the first of these in it.")] = ()

    @property
    def sampling(self) -> Sampling:
        """These parameters as an engine takes them."""
        shared = {field.name for field in fields(Sampling)}
        values = {name: getattr(self, name) for name in parameters() if name in shared}
        return Sampling(**values | {"top_p": max(self.top_p, 1e-9)})

    @property
    def drawn(self) -> bool:
        """Whether several texts are drawn one by one, rather than found by one beam search."""
        return self.num_beams == 1


@cache
def parameters() -> Mapping[str, Option]:
    """The parameters by name, in the order of their declaration."""
    hints = get_type_hints(Generation, include_extras=True)
    return {
        field.name: _parameter(field.name, hints[field.name], field.default) for field in fields(Generation)
    }


def read(given: Given) -> dict[str, Any]:
    """What was `given`, each name known, each value of its kind and in its range. A null was not given.

    Raises BadConfig, naming the parameter, the value and what it can be.
    """
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


def of_text(name: str, text: str) -> Any:
    """The value that a flag's `text` is for the parameter `name`, still to be checked by `read`."""
    kind = parameters()[name].kind
    try:
        return {"true": True, "false": False}.get(text.lower(), text) if kind is bool else kind(text)
    except ValueError:
        return text


def lacking(generation: Generation, engine: Engine) -> str:
    """What `engine` cannot do of `generation`, in words; "" where it can do all."""
    several = generation.num_return_sequences
    if several > 1 and not generation.drawn and "num_beams" in engine.lacks:
        return (
            f"The engine {engine.model} has no beams: for {several} texts (num_return_sequences) "
            "leave num_beams out and set do_sample or a temperature."
        )
    refusal = refused(_request(raw_prompt(""), generation), engine.lacks, engine.model)
    return str(refusal) if refusal else ""


def ask(engine: Engine, prompt: Prompt, generation: Generation) -> list[Future[Completion]]:
    """Asks for all texts of one record: a future for each that is drawn, one for those of a beam search.

    `texts` puts together what they give.
    """
    request = _request(prompt, generation)
    if generation.drawn:
        return submit_many(engine, request, generation.num_return_sequences)
    return [engine.submit(request)]


def texts(completions: Iterable[Completion]) -> list[str]:
    """The texts of one record, in the order of their seeds, or the best first."""
    return [text for completion in completions for text in (completion.text, *completion.others)]


def raw_prompt(text: str) -> Prompt:
    """The prompt that is `text` and nothing else: all of it is data."""
    return Prompt("", tuple(text.split("\n")), "")


def _request(prompt: Prompt, generation: Generation) -> Request:
    slot = Free("text", _MOST_CHARS, generation.max_new_tokens, json=False)
    sequences = 1 if generation.drawn else generation.num_return_sequences
    return Request(prompt, (slot,), generation.sampling, sequences=sequences)


def _parameter(name: str, hint: Any, default: Any) -> Option:
    kind, declared = get_args(hint)
    return Option(
        declared.help, declared.low, declared.high, name=name, kind=get_origin(kind) or kind, default=default
    )


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
