"""Preferences: what people chose becomes likelier than what they did not, on the product's own tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import peft
import pytest
from safetensors.torch import load_file
from tests.tune.bases import FAMILIES
from tests.tune.small import lessons, small

from attune.errors import TuneError
from attune.tune.lesson import Lesson
from attune.tune.model import Model, load, old_names
from attune.tune.pairs import Pair, Thumb
from attune.tune.prefer import DEFAULTS, _trainer, prefer

QUICK = replace(DEFAULTS, epochs=4, learning_rate=0.01, batch=2)
PAIRS = [
    Pair(asked.prompt, asked.answer, other.answer, asked.name)
    for asked, other in zip(lessons(4), lessons(4, seed=3), strict=True)
]
THUMBS = [
    Thumb(each.prompt, answer, good)
    for each in PAIRS
    for answer, good in ((each.chosen, True), (each.rejected, False))
]


@pytest.fixture(scope="module", params=["gemma2", "gemma3"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = small(request.param, tmp_path_factory.mktemp(request.param))
    (folder / "tokenizer.json").write_bytes((FAMILIES / "tokenizer.json").read_bytes())
    return folder


def margin(model: Model) -> float:
    """By how much the chosen answers are likelier than the rejected ones, in nats."""

    def said(prompt: tuple[int, ...], answer: tuple[int, ...]) -> float:
        return -model.read([Lesson(prompt, answer, (True,) * len(answer))]).loss

    return sum(said(each.prompt, each.chosen) - said(each.prompt, each.rejected) for each in PAIRS)


@pytest.mark.parametrize("liked", [PAIRS, THUMBS], ids=["pairs", "thumbs"])
def test_what_people_like_becomes_likelier(
    base: Path, liked: list[Pair] | list[Thumb], tmp_path: Path
) -> None:
    told = prefer(base, liked, QUICK, tmp_path)
    model = load(base, QUICK)
    before = margin(model)
    peft.set_peft_model_state_dict(model.peft, load_file(tmp_path / "adapter_model.safetensors"))
    assert margin(model) > before + 1
    assert len(told) == QUICK.epochs
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def test_it_goes_on_from_an_adapter(base: Path, tmp_path: Path) -> None:
    prefer(base, PAIRS, QUICK, tmp_path / "first")
    still = replace(QUICK, learning_rate=1e-8, epochs=1)
    prefer(base, PAIRS, still, tmp_path / "second", start=tmp_path / "first")
    first, second = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("first", "second"))
    assert first.keys() == second.keys()
    assert all((first[name] - second[name]).abs().max() < 1e-6 for name in first)


@pytest.mark.parametrize("liked", [PAIRS, THUMBS], ids=["pairs", "thumbs"])
def test_the_models_tokens_are_the_products(
    base: Path, liked: list[Pair] | list[Thumb], tmp_path: Path
) -> None:
    with old_names():
        trainer = _trainer(load(base, QUICK), liked, QUICK, str(tmp_path), 0.1)
    seen = set()
    for batch in trainer.get_train_dataloader():
        for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True):
            seen.add(tuple(ids[mask.bool()].tolist()))
    assert seen == {each.prompt + answer for each in PAIRS for answer in (each.chosen, each.rejected)}


def test_nothing_to_learn_from_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(TuneError, match="no draft was edited, rejected or rated"):
        prefer(base, [], QUICK, tmp_path)
    with pytest.raises(TuneError, match="KTO needs good answers and bad ones"):
        prefer(base, THUMBS[::2], QUICK, tmp_path)


def test_an_encoder_decoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TuneError, match="into an encoder-decoder; take a Gemma"):
        prefer(small("t5", tmp_path), PAIRS, QUICK, tmp_path)
