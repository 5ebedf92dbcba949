"""Generation: the parameters by which texts are written, each declared once, and asking for the texts.

`attune.given` makes a Generation of what somebody gave; batch and service use both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, fields, replace
from functools import cache
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from attune.config import Option
from attune.engines import Engine, refused, submit_many
from attune.prompt import converse
from attune.request import Completion, Free, Prompt, Request, Sampling, Slot

_MOST_CHARS = 10_000_000


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
        int | None,
        Option(
            "The same seed, prompt and model give the same text; without one, drawn texts differ each time.",
            -(2**63),
            2**63 - 1,
        ),
    ] = None
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


def lacking(generation: Generation, engine: Engine) -> str:
    """What `engine` cannot do of `generation`, in words; "" where it can do all."""
    several = generation.num_return_sequences
    if several > 1 and not generation.drawn and "num_beams" in engine.lacks:
        return (
            f"The engine {engine.model} has no beams: for {several} texts (num_return_sequences) "
            "leave num_beams out and set do_sample or a temperature."
        )
    refusal = refused(_request(converse(()), generation), engine.lacks, engine.model)
    return str(refusal) if refusal else ""


def ask(
    engine: Engine, prompt: Prompt, generation: Generation, slots: tuple[Slot, ...] = ()
) -> list[Future[Completion]]:
    """Asks for all texts of one record: a future for each that is drawn, one for those of a beam search.

    `texts` puts together what they give. With `slots` each is an answer of theirs.
    """
    request = _request(prompt, generation)
    request = replace(request, slots=slots) if slots else request
    if generation.drawn:
        return submit_many(engine, request, generation.num_return_sequences)
    return [engine.submit(request)]


def texts(completions: Iterable[Completion]) -> list[str]:
    """The texts of one record, in the order in which they were asked for, or the best first."""
    return [text for completion in completions for text in (completion.text, *completion.others)]


def _request(prompt: Prompt, generation: Generation) -> Request:
    slot = Free("text", _MOST_CHARS, generation.max_new_tokens, json=False, whole=False)
    sequences = 1 if generation.drawn else generation.num_return_sequences
    return Request(prompt, (slot,), generation.sampling, sequences=sequences)


def _parameter(name: str, hint: Any, default: Any) -> Option:
    given, declared = get_args(hint)
    kind = get_args(given)[0] if isinstance(given, UnionType) else get_origin(given) or given
    return Option(declared.help, declared.low, declared.high, name=name, kind=kind, default=default)
