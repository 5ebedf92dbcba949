"""Who runs, how, and on how many chats of each model at most: the slow get fewer, so that the race ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.race.chats import POCKET, SHAPE

CHATS = 500


@dataclass(frozen=True, slots=True)
class Rival:
    """`form` is the form of the model it reads, "scheme:" before it where it wants an address of attune's."""

    name: str
    label: str
    module: str
    environment: str
    form: str
    ways: tuple[str, ...] = ("",)
    """Tried in turn: the next if a run fails."""
    most: Mapping[str, int] = field(default_factory=lambda: {POCKET: CHATS, SHAPE: CHATS})
    rounds: int = 1
    trial: str = ""
    """A module whose last line of output is the way, before all of `ways`."""


def _hf(name: str, label: str, module: str, environment: str, most: Mapping[str, int]) -> Rival:
    return Rival(name, label, module, environment, "hf", most=most, trial="hf_trial")


RIVALS = (
    Rival("openvino", "attune, openvino", "ours", "this", "openvino:openvino", rounds=3),
    Rival("torch", "attune, torch", "ours", "this", "torch:hf", most={POCKET: 200, SHAPE: 64}),
    Rival("keras", "attune, keras", "ours", "keras", "keras:hf", most={POCKET: 100, SHAPE: 32}),
    Rival("genai", "OpenVINO GenAI", "genai", "genai", "openvino", rounds=3),
    Rival("genai-bound", "OpenVINO GenAI, structured output", "genai", "genai", "openvino", ("bound",)),
    Rival(
        "llamacpp", "llama.cpp", "llamacpp", "llamacpp", "q8.gguf", ("", "no-amx"), {POCKET: 300, SHAPE: 96}
    ),
    Rival(
        "llamacpp-bound",
        "llama.cpp, grammar",
        "llamacpp",
        "llamacpp",
        "q8.gguf",
        ("bound", "bound no-amx"),
        {POCKET: 300, SHAPE: 16},
    ),
    _hf("hf", "Transformers, batches", "hf", "hf", {POCKET: 160, SHAPE: 64}),
    _hf("hf-continuous", "Transformers, continuous", "hf_continuous", "hf", {POCKET: 128, SHAPE: 48}),
    _hf("ray", "Ray Data, Transformers", "ray_data", "ray", {POCKET: 160, SHAPE: 64}),
    Rival(
        "seed-batched",
        "the seed's shape, batched",
        "seed",
        "seed",
        "hf",
        ("batched",),
        {POCKET: 64, SHAPE: 32},
    ),
    Rival("seed", "the seed's shape, one by one", "seed", "seed", "hf", ("single",), {POCKET: 16, SHAPE: 6}),
)
AIMS = {"seed": 12.0, "seed-batched": 3.0, "genai": 1.3, "llamacpp": 2.5}
"""At least so many times as fast shall attune by OpenVINO be."""
