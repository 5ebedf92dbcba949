"""A packed row says what its lessons say one by one, whatever the family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tune.small import FAMILIES, lessons, small
from torch.nn import functional

from attune.tune import pack
from attune.tune.lesson import Lesson
from attune.tune.model import Model, architecture, load
from attune.tune.settings import Settings


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attune.tune.model.dtype", lambda _: torch.float32)


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Model:
    made = load(small(request.param, tmp_path), Settings(dropout=0))
    for name, each in made.peft.named_parameters():
        if "lora_B" in name:  # zeros at first, with which no gradient would reach the other matrix
            torch.nn.init.normal_(each, std=0.1)
    return made


def plainly(core: Any, lesson: Lesson) -> Any:
    """The summed loss of one lesson, by Transformers' own attention and the whole of its logits."""
    wanted = torch.tensor(lesson.answer)
    if core.config.is_encoder_decoder:
        labels = wanted.masked_fill(~torch.tensor(lesson.trained), -100)[None]
        decoded = torch.tensor([[core.config.decoder_start_token_id, *lesson.answer[:-1]]])
        logits = core(input_ids=torch.tensor([lesson.prompt]), decoder_input_ids=decoded).logits
    else:
        logits = core(input_ids=torch.tensor([lesson.prompt + lesson.answer])).logits
        logits = logits[:, len(lesson.prompt) - 1 : -1]
        labels = wanted.masked_fill(~torch.tensor(lesson.trained), -100)[None]
    return functional.cross_entropy(logits[0], labels[0], reduction="sum")


def test_loss_and_gradients_are_those_of_the_lessons_one_by_one(model: Model) -> None:
    asked = lessons(7)
    packed = model.learn(asked, 1.0)
    gradients = [each.grad.clone() for each in model.trainable]
    model.peft.zero_grad()
    model.core.set_attn_implementation("eager")
    losses = [plainly(model.core, each) for each in asked]
    sum(losses).backward()
    assert packed.loss == pytest.approx(float(sum(losses).detach()), rel=1e-5)
    assert packed.trained == sum(sum(each.trained) for each in asked)
    assert all(each.abs().max() > 0 for each in gradients)
    for mine, each in zip(gradients, model.trainable, strict=True):
        torch.testing.assert_close(mine, each.grad, rtol=5e-3, atol=2e-3)


def test_what_lessons_share_goes_through_the_model_once() -> None:
    asked = lessons(7)
    row = pack.causal(asked)
    one_by_one = sum(map(len, asked))
    assert one_by_one - 6 * 20 - 2 * 60 <= len(row.ids) <= one_by_one - 6 * 20
    assert len(row.asked) == len(row.wanted) == sum(sum(each.trained) for each in asked)


def test_lessons_that_share_nothing_are_not_shared() -> None:
    asked = [Lesson((number, 3), (4, 5), (True, True), str(number)) for number in range(3)]
    row = pack.causal(asked)
    assert row.ids == [0, 3, 4, 5, 1, 3, 4, 5, 2, 3, 4, 5]
    assert row.positions == [0, 1, 2, 3] * 3
    assert row.asked == [1, 2, 5, 6, 9, 10]


def test_the_same_prompt_with_two_answers_is_read_once() -> None:
    prompt = tuple(range(10, 40))
    asked = [Lesson(prompt, answer, (True, True)) for answer in ((4, 5), (6, 7))]
    row = pack.causal(asked)
    assert row.ids == [*prompt, 4, 5, 6, 7]
    assert (row.asked, row.wanted) == ([29, 30, 29, 32], [4, 5, 6, 7])


def test_a_base_of_an_unknown_family_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(Exception, match=r"family bert cannot be tuned\. What can: gemma2"):
        architecture(tmp_path)
