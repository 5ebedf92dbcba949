"""What to expect of each model on a machine, and which one to take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from attune.models.catalogue import FORMS, Model, Work, chat
from attune.models.machine import Machine
from attune.models.rates import Rates

IN_FLIGHT = 32
"""Chats at once, the default of --in-flight: each reading of the weights writes a token of each."""
_CACHED_TOKENS = 640
"""That a chat holds while it is answered: the words all chats share, the chat, and what is written."""
_PROCESS_BYTES = 0.5e9
"""attune itself, and what a step computes in."""
_SOURCE_BYTES = 2
"""Of a published weight (bfloat16), which is fetched before it is converted."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the model inside did here: chats a second, and the tokens that the engine read for each."""

    chats_per_s: float
    tokens: float


@dataclass(frozen=True, slots=True)
class Expected:
    """A model in one form on one machine. `lacks` says in words what it has too little of; empty: it fits."""

    model: Model
    form: str
    memory: float
    disk: float
    chats_per_s: float
    lacks: str = ""


def least_s(model: Model, form: str, work: Work, rates: Rates) -> float:
    """The least seconds that a chat's products take: 2 operations for each weight and token, at the measured
    rate; and for what is written at least the reading of all weights, once for the tokens of IN_FLIGHT chats.
    Attention's own products, and all else, are left out (a roofline: Williams, Waterman and Patterson 2009).
    """
    operations = rates.operations[form]
    writing = max(2 * model.writing / operations, model.writing / rates.weights[form] / IN_FLIGHT)
    return work.read * 2 * model.reading / operations + work.written * writing


def slack(pocket: Model, measured: Measured, rates: Rates) -> float:
    """How many times its least the model inside takes here, which the others are expected to do too."""
    return 1 / measured.chats_per_s / least_s(pocket, "int8", Work(measured.tokens, 0), rates)


def expect(model: Model, form: str, machine: Machine, rates: Rates, times: float) -> Expected:
    """`model` in `form` on `machine`, where a chat takes `times` its least."""
    work = chat()
    memory = model.weight_bytes(form) + IN_FLIGHT * _CACHED_TOKENS * model.cache_bytes + _PROCESS_BYTES
    disk = _SOURCE_BYTES * model.parameters + model.weight_bytes(form)
    lacks = "memory" if memory > machine.memory else "disk" if disk > machine.disk else ""
    return Expected(model, form, memory, disk, 1 / (times * least_s(model, form, work, rates)), lacks)


def expectations(models: Iterable[Model], machine: Machine, rates: Rates, times: float) -> list[Expected]:
    """Every model in every form it has here, in the catalogue's order."""
    return [
        expect(model, form, machine, rates, times)
        for model in models
        for form in (("int8",) if model.encodes else FORMS)
    ]


def best(expected: Iterable[Expected], least_per_s: float) -> Expected | None:
    """The largest that fits and is fast enough, by the weights that write; of its forms the better. None
    where there is no such model."""
    fit = [
        each
        for each in expected
        if not each.lacks and not each.model.note and each.chats_per_s >= least_per_s
    ]
    return max(fit, key=lambda each: (each.model.writing, -FORMS.index(each.form)), default=None)


def for_gpu(models: Iterable[Model], memory: int) -> Model | None:
    """The largest whose bfloat16 weights leave a fifth of a GPU's `memory` to the cache and the rest."""
    fit = [
        model
        for model in models
        if model.hub and not (model.encodes or model.note) and model.weight_bytes("bf16") < 0.8 * memory
    ]
    return max(fit, key=lambda model: model.writing, default=None)
