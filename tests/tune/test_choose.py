"""The epoch that serves is the best on held-out data, and what was only learnt by heart is told."""

from __future__ import annotations

import pytest

from attune.errors import TuneError
from attune.tune.choose import by_heart, choose, enough
from attune.tune.settings import Settings, options
from attune.tune.train import Epoch


def epochs(*held_out: float | None, falls: bool = True) -> list[Epoch]:
    count = len(held_out)
    return [
        Epoch(number, float(count - number if falls else number), 0.5, loss, None, 1.0)
        for number, loss in enumerate(held_out, start=1)
    ]


def test_the_lowest_held_out_loss_is_chosen_and_of_equals_the_earliest() -> None:
    chosen = choose(epochs(3, 2, 1, 1, 4))
    assert (chosen.epoch, chosen.warnings) == (3, ())


def test_without_held_out_data_the_last_is_taken_and_that_is_told() -> None:
    chosen = choose(epochs(None, None, None))
    assert chosen.epoch == 3
    assert "nothing was held out" in chosen.warnings[0]


def test_an_epoch_that_was_asked_for_overrides_and_is_told_to_be_worse() -> None:
    chosen = choose(epochs(3, 2, 1), 2)
    assert chosen.epoch == 2
    assert chosen.warnings == ("epoch 2 was asked for; on held-out examples epoch 3 is the best.",)
    assert choose(epochs(3, 2, 1), 3).warnings == ()
    with pytest.raises(TuneError, match=r"epoch 4 was not trained; there are 1 to 3\."):
        choose(epochs(3, 2, 1), 4)


def test_learnt_by_heart_is_held_out_rising_while_training_falls() -> None:
    assert by_heart(epochs(1, 2, 3))
    assert not by_heart(epochs(1, 0.9, 3))
    assert not by_heart(epochs(1, 2, 3, falls=False))
    assert not by_heart(epochs(1))
    assert "learnt the examples by heart" in choose(epochs(1, 2, 3)).warnings[0]


@pytest.mark.parametrize(
    ("losses", "patience", "wanted"),
    [
        ((3, 2, 2, 2), 2, True),
        ((3, 2, 2), 2, False),
        ((1, 2), 2, False),
        ((1, 2, 3), 0, False),
        ((), 1, False),
    ],
)
def test_it_is_enough_when_so_many_epochs_were_no_better(
    losses: tuple[float, ...], patience: int, wanted: bool
) -> None:
    assert enough(epochs(*losses), patience) is wanted


def test_a_setting_out_of_its_range_is_refused() -> None:
    with pytest.raises(Exception, match=r"rank: 0 is out of range; it can be 1 to 1,024"):
        Settings(rank=0)
    assert all(option.help.endswith(".") for option in options().values())
    assert all(getattr(Settings(), name) == option.default for name, option in options().items())
