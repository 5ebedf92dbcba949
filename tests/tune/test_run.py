"""The whole: an adapter's folder is there at the end, with all that its reader needs, or nothing is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.tune.bases import whole

from attune.adapters import record
from attune.chat import Chat, Role, Turn
from attune.errors import ModelError, TuneError
from attune.task import BUILT_IN, load
from attune.tune.base import Base
from attune.tune.check import Checked
from attune.tune.estimate import Estimate
from attune.tune.examples import Example
from attune.tune.parts import Part, averaged
from attune.tune.run import Plan, tune
from attune.tune.settings import Settings
from attune.tune.train import Epoch, Step

REPLY = load(BUILT_IN / "reply.toml")
SCRIPT = "<script>alert('a')</script> & <end_of_turn>"


def example(number: int) -> Example:
    said = f"My order {number} is late. {SCRIPT if number == 0 else ''}"
    chat = Chat(str(number), "1", (Turn(Role.CUSTOMER, said),), "en")
    return Example(
        f"a.jsonl:{number}", chat, replace(REPLY, preamble=""), {"reply": f"Order {number} comes."}
    )


EXAMPLES = [example(number) for number in range(6)]


class Quiet:
    """Looks on, and remembers; dies after `steps` steps."""

    def __init__(self, steps: int = -1) -> None:
        self.parts: list[str] = []
        self.seen: Checked | None = None
        self._left = steps

    def checked(self, found: Checked) -> None:
        self.seen = found

    def planned(self, parts: Sequence[Part], needed: Estimate) -> None:
        assert needed.seconds > 0
        assert needed.memory.all > 0

    def part(self, part: Part) -> None:
        self.parts.append(part.name)

    def step(self, done: Step) -> None:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt

    def epoch(self, figures: Epoch) -> None:
        pass

    def tell(self, what: str, fraction: float) -> None:
        pass


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return Base(whole(tmp_path_factory.mktemp("base")))


@pytest.fixture
def plan(base: Base, tmp_path: Path) -> Plan:
    settings = Settings(epochs=2, batch=2, rank=2)
    return Plan("late", base, ("reply", REPLY), settings, tmp_path / "adapters", folds=2, samples=1)


def test_folds_choose_the_epoch_and_the_adapter_is_trained_on_all(plan: Plan) -> None:
    watch = Quiet()
    done = tune(plan, EXAMPLES, watch)
    assert watch.parts == ["fold 1 of 2", "fold 2 of 2", "all examples"]
    assert done.folder == plan.adapters / "late"
    assert [path.name for path in plan.adapters.iterdir()] == ["late"]
    names = {path.name for path in done.folder.iterdir()}
    assert names == {
        *("attune.json", "README.md", "adapter_config.json", "adapter_model.safetensors"),
        *("epochs", "report.html", "curves.svg"),
    }
    told = record.read(done.folder)
    assert (told.data.examples, told.data.held_out, told.data.languages) == (6, 0, ("en",))
    assert told.settings["folds"] == 2
    assert [each["epoch"] for each in told.epochs] == [1, 2]
    assert all(each["held_out_loss"] > 0 and each["rougeL"] >= 0 for each in told.epochs)
    best = min(told.epochs, key=lambda each: each["held_out_loss"])["epoch"]
    assert told.chosen == best
    chosen = (done.folder / "epochs" / f"{int(best):02}" / "adapter_model.safetensors").read_bytes()
    assert (done.folder / "adapter_model.safetensors").read_bytes() == chosen


def test_a_part_that_is_held_out_is_not_trained_on(plan: Plan) -> None:
    done = tune(replace(plan, folds=1, epoch=1), EXAMPLES, watch := Quiet())
    assert watch.parts == [""]
    assert (done.record.data.examples, done.record.data.held_out) == (4, 2)
    assert done.record.chosen == 1


def test_the_report_holds_a_customers_text_as_text(plan: Plan) -> None:
    done = tune(replace(plan, folds=0), EXAMPLES, Quiet())
    page = (done.folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert" in page
    assert "<mark>Order 0 comes.&lt;end_of_turn&gt;</mark>" in page
    assert "http" not in page.replace("http-equiv", "")
    assert (done.folder / "curves.svg").read_text(encoding="utf-8").count("<polyline") == 2
    assert "Order 0" not in (done.folder / "README.md").read_text(encoding="utf-8")
    assert json.loads((done.folder / "attune.json").read_text(encoding="utf-8"))["license"] == ""


def test_a_killed_run_goes_on_and_ends_the_same(plan: Plan, tmp_path: Path) -> None:
    undisturbed = tune(plan, EXAMPLES, Quiet())
    again = replace(plan, adapters=tmp_path / "again")
    with pytest.raises(KeyboardInterrupt):
        tune(again, EXAMPLES, Quiet(steps=5))
    assert not (again.adapters / "late").exists()
    done = tune(again, EXAMPLES, Quiet())
    weights = "adapter_model.safetensors"
    assert (done.folder / weights).read_bytes() == (undisturbed.folder / weights).read_bytes()
    assert done.record.chosen == undisturbed.record.chosen


def test_a_name_that_is_taken_is_refused_before_anything_runs(plan: Plan) -> None:
    (plan.adapters / "late").mkdir(parents=True)
    with pytest.raises(ModelError, match="is there already"):
        tune(plan, EXAMPLES, watch := Quiet())
    assert watch.seen is None


def test_nothing_to_learn_is_refused(plan: Plan) -> None:
    with pytest.raises(TuneError, match="nothing to learn"):
        tune(plan, [], Quiet())
    assert not plan.work.exists()


def epoch(number: int, held_out: float | None = None, **more: Any) -> Epoch:
    return Epoch(number, 1.0, 0.5, held_out, held_out, 0.1, more)


def test_figures_are_means_of_the_folds_as_far_as_all_went() -> None:
    folds = [[epoch(1, 2.0, rougeL=10.0), epoch(2, 4.0)], [epoch(1, 4.0, rougeL=20.0)]]
    made = list(averaged([epoch(1), epoch(2)], folds))
    assert [each.held_out_loss for each in made] == [3.0, None]
    assert made[0].more["rougeL"] == 15.0
