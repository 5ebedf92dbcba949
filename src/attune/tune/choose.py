"""Choose: the epoch that serves, by its held-out loss, and whether the examples were only learnt by heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attune.errors import TuneError
from attune.tune.train import Epoch


@dataclass(frozen=True, slots=True)
class Chosen:
    """An epoch, from 1, and what should be known of it."""

    epoch: int
    warnings: tuple[str, ...] = ()


def choose(epochs: Sequence[Epoch], epoch: int = 0) -> Chosen:
    """The epoch with the lowest held-out loss, the earliest of equals; the last where nothing was held out.

    `epoch` overrides that. With k folds, `epochs` has the means over them. Raises TuneError for an epoch
    that was not trained.
    """
    if epoch and epoch not in [each.epoch for each in epochs]:
        raise TuneError(f"epoch {epoch} was not trained; there are 1 to {len(epochs)}.")
    best = min(epochs, key=lambda each: _loss(each, epochs[-1]))
    return Chosen(epoch or best.epoch, _warnings(epochs, best, epoch))


def enough(epochs: Sequence[Epoch], patience: int) -> bool:
    """Whether the last `patience` epochs were no better on held-out data than one before; never for 0."""
    losses = [each.held_out_loss for each in epochs if each.held_out_loss is not None]
    return 0 < patience < len(losses) and min(losses[-patience:]) >= min(losses[:-patience])


def by_heart(epochs: Sequence[Epoch]) -> bool:
    """Whether the loss on held-out data only rose, from the first epoch on, while that in training fell."""
    losses = [each.held_out_loss for each in epochs if each.held_out_loss is not None]
    rose = len(losses) > 1 and min(losses[1:]) > losses[0]
    return rose and epochs[-1].loss < epochs[0].loss


def _loss(epoch: Epoch, last: Epoch) -> float:
    if epoch.held_out_loss is None:
        return float(epoch is not last)
    return epoch.held_out_loss


def _warnings(epochs: Sequence[Epoch], best: Epoch, wanted: int) -> tuple[str, ...]:
    found = []
    if best.held_out_loss is None:
        found.append("nothing was held out: the last epoch is taken, and nobody knows how good it is.")
    if by_heart(epochs):
        found.append(
            "it learnt the examples by heart: what was held out got worse from the first epoch on. "
            "Give more examples, or a lower learning_rate."
        )
    if wanted and best.held_out_loss is not None and wanted != best.epoch:
        found.append(f"epoch {wanted} was asked for; on held-out examples epoch {best.epoch} is the best.")
    return tuple(found)
