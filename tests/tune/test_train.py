"""Training: what it learns, what it gives, what it refuses, and that a kill changes nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from tests.tune.small import FAMILIES, lessons, small

from attune.errors import TuneError
from attune.tune.lesson import Lesson
from attune.tune.model import load
from attune.tune.settings import Settings
from attune.tune.train import Answering, Epoch, Step, train

QUICK = Settings(epochs=3, batch=2, accumulate=2, learning_rate=0.02, patience=0, dropout=0.1)


class Looking:
    """A watch that keeps what it sees, and has the model answer one prompt after each epoch."""

    def __init__(self, prompt: tuple[int, ...] = (), dies_at: int = 0) -> None:
        self.steps: list[Step] = []
        self.prompt, self.dies_at = prompt, dies_at

    def step(self, done: Step) -> None:
        self.steps.append(done)
        if done.step == self.dies_at:
            raise KeyboardInterrupt

    def epoch(self, figures: Epoch, answer: Answering) -> Mapping[str, Any]:
        return {"said": answer([self.prompt], 5)[0]} if self.prompt else {}


@pytest.fixture(scope="module", params=FAMILIES)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small("gemma3", tmp_path_factory.mktemp("gemma3"))


def weights(folder: Path, epoch: int) -> bytes:
    return (folder / "epochs" / f"{epoch:02}" / "adapter_model.safetensors").read_bytes()


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_it_learns_and_peft_loads_what_it_wrote(base: Path, tmp_path: Path) -> None:
    (lesson,) = lessons(1)
    lesson = replace(lesson, answer=(*lesson.answer[:4], 1), trained=(True,) * 5)
    settings = replace(QUICK, epochs=16, learning_rate=0.02, dropout=0)
    watch = Looking(lesson.prompt)
    told = train(base, [lesson], [lesson], settings, tmp_path, watch)
    assert [each.epoch for each in told] == list(range(1, 17))
    assert told[-1].loss < told[0].loss - 0.3
    assert told[-1].held_out_accuracy == 1.0
    assert told[-1].more == {"said": list(lesson.answer[:4])}, "the end is not part of the answer"
    assert [each.step for each in watch.steps] == list(range(1, 17))

    folder = tmp_path / "epochs" / "16"
    assert sorted(path.name for path in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    kind = transformers.AutoModelForSeq2SeqLM if "t5" in str(base) else transformers.AutoModelForCausalLM
    core = kind.from_pretrained(base)
    loaded = peft.PeftModel.from_pretrained(core, folder)
    made = loaded.generate(input_ids=torch.tensor([lesson.prompt]), do_sample=False, max_new_tokens=4)
    assert made[0, -4:].tolist() == list(lesson.answer[:4])
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["inference_mode"]
    assert "lm_head" not in config["target_modules"]


def test_only_trained_tokens_count(gemma: Path, tmp_path: Path) -> None:
    known = [replace(each, trained=(*(False,) * (len(each.answer) - 1), True)) for each in lessons(4)]
    others = [replace(each, answer=(*each.answer[:-1], 7)) for each in known]
    first = train(gemma, known, (), replace(QUICK, epochs=1), tmp_path / "a", Looking())
    assert first[0].loss == pytest.approx(math.log(300), rel=0.6)
    assert train(gemma, others, known, replace(QUICK, epochs=1), tmp_path / "b", Looking()) != first


def test_a_batch_counts_each_token_alike_however_it_is_cut(gemma: Path, tmp_path: Path) -> None:
    one = replace(QUICK, dropout=0, epochs=1, batch=4, accumulate=1)
    steps = []
    for number, settings in enumerate((one, replace(one, batch=1, accumulate=4))):
        watch = Looking()
        train(gemma, lessons(4), (), settings, tmp_path / str(number), watch)
        steps.append(watch.steps)
    ((whole,), (cut,)) = steps
    assert whole.loss == pytest.approx(cut.loss, rel=1e-2)


@pytest.mark.parametrize("dies_at", [1, 3, 4])
def test_a_training_that_was_killed_ends_with_the_same_bytes(
    gemma: Path, tmp_path: Path, dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attune.tune.sitting._SAVED_S", 0)
    asked, held = lessons(5), lessons(2, seed=2)
    peace = train(gemma, asked, held, QUICK, tmp_path / "peace", Looking())
    with pytest.raises(KeyboardInterrupt):
        train(gemma, asked, held, QUICK, tmp_path / "war", Looking(dies_at=dies_at))
    watch = Looking()
    war = train(gemma, asked, held, QUICK, tmp_path / "war", watch)
    assert watch.steps[0].step in (dies_at, dies_at + 1)
    assert [replace(each, seconds=0) for each in war] == [replace(each, seconds=0) for each in peace]
    for epoch in (1, 2, 3):
        assert weights(tmp_path / "war", epoch) == weights(tmp_path / "peace", epoch)
    assert train(gemma, asked, held, QUICK, tmp_path / "war", Looking()) == war, "done is done"


def test_a_checkpoint_of_other_lessons_is_refused(gemma: Path, tmp_path: Path) -> None:
    train(gemma, lessons(2), (), QUICK, tmp_path, Looking())
    with pytest.raises(TuneError, match="other examples, settings or another base: remove its folder"):
        train(gemma, lessons(3), (), QUICK, tmp_path, Looking())
    with pytest.raises(TuneError, match="other examples, settings"):
        train(gemma, lessons(2), (), replace(QUICK, rank=2), tmp_path, Looking())


def test_it_stops_early(gemma: Path, tmp_path: Path) -> None:
    settings = replace(QUICK, epochs=50, patience=2)
    told = train(gemma, lessons(4), lessons(3, seed=9), settings, tmp_path, Looking())
    losses = [each.held_out_loss or 0 for each in told]
    assert len(told) < 50
    assert losses.index(min(losses)) == len(told) - 3


def test_activations_that_are_computed_again_change_nothing(gemma: Path, tmp_path: Path) -> None:
    plain = replace(QUICK, dropout=0, epochs=1)
    train(gemma, lessons(4), (), plain, tmp_path / "a", Looking())
    train(gemma, lessons(4), (), replace(plain, gradient_checkpointing=True), tmp_path / "b", Looking())
    assert weights(tmp_path / "a", 1) == weights(tmp_path / "b", 1)


LONG = Lesson((3,) * 200, (4,), (True,), "mail 7")


@pytest.mark.parametrize(
    ("asked", "settings", "said"),
    [
        ([], QUICK, "no lesson to train on"),
        ([Lesson((3,), (4,), (False,), "mail 7")], QUICK, "mail 7: nothing of its answer is trained on"),
        ([LONG], replace(QUICK, max_tokens=200), "mail 7 has 201 tokens, and max_tokens is 200"),
        ([LONG], replace(QUICK, four_bit=True), "needs CUDA, and there is none here"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(
    asked: list[Lesson], settings: Settings, said: str, gemma: Path, tmp_path: Path
) -> None:
    with pytest.raises(TuneError, match=said):
        train(gemma, asked, (), settings, tmp_path, Looking())


def test_answers_are_the_same_one_by_one_and_together(base: Path) -> None:
    model = load(base, QUICK)
    prompts = [each.prompt for each in lessons(4)]
    assert len({len(prompt) for prompt in prompts}) > 1
    together = model.answer(prompts, 6)
    assert together == [model.answer([prompt], 6)[0] for prompt in prompts]
    assert all(len(answer) <= 6 for answer in together)
