"""What JAX compiles: a batch of rows through the model, over a cache that all rows share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

Cache = Any
"""A tree of arrays, as the model wants it: KerasHub's families differ."""
Step = Callable[..., Any]
_INSIDE = "promise_in_bounds"  # all places are, and a look at each would cost a third more
_TWO_LENGTHS = (32, 64)


class Layout:
    """How `model` keeps keys and values of a sequence, and how they stand in a cache shared by many: the same
    tree, but tokens first."""

    def __init__(self, model: Any) -> None:
        import jax

        short, long = (_cache_of(model, length) for length in _TWO_LENGTHS)
        self.axes = jax.tree.map(_axis_that_differs, short, long)
        """Where the tokens are in the model's own arrays, [1, …, tokens, …]."""
        self._one = jax.tree.map(_without, short, self.axes)

    @property
    def token_bytes(self) -> int:
        import jax

        return sum(kept.size * kept.dtype.itemsize for kept in jax.tree.leaves(self._one))

    def zeros(self, tokens: int) -> Cache:
        import jax

        return jax.tree.map(lambda kept: jax.numpy.zeros((tokens, *kept.shape), kept.dtype), self._one)

    def gathered(self, cache: Cache, places: Any) -> Cache:
        """What stands at `places`, [tokens], as the model wants it."""
        import jax

        return jax.tree.map(
            lambda kept, axis: jax.numpy.moveaxis(kept.at[places].get(mode=_INSIDE), 0, axis - 1)[None],
            cache,
            self.axes,
        )

    def written(self, cache: Cache, start: Any, tokens: int) -> Cache:
        """The `tokens` tokens from `start` of a cache of the model, tokens first."""
        import jax

        def cut(kept: Any, axis: int) -> Any:
            part = jax.lax.dynamic_slice_in_dim(kept, start, tokens, axis)
            return jax.numpy.moveaxis(part[0], axis - 1, 0)

        return jax.tree.map(cut, cache, self.axes)


def compiled(model: Any, layout: Layout, read: Callable[[Any, Any], Any] | None) -> Step:
    """A function over a batch of rows, compiled for each shape it meets:

        (weights, cache, ids, pasts, context, places, following) → (cache, what was read)

    `ids` are new tokens, [rows, tokens], after `pasts` others, [rows]. `context` says where in the cache each
    row's tokens stand, [rows, context], and `places` where the new ones go, [rows, tokens]. `read` makes
    something of a row's logits, [tokens, vocabulary], and its `following`, [tokens]; without it no
    logits are computed.
    """
    import jax
    from keras import StatelessScope

    def step(
        weights: Any, cache: Cache, ids: Any, pasts: Any, context: Any, places: Any, following: Any
    ) -> tuple[Cache, Any]:
        def row(ids: Any, past: Any, context: Any, following: Any) -> tuple[Cache, Any]:
            before = layout.gathered(cache, context)
            logits, _, after = model.call_with_cache(ids[None], before, past)
            wanted = read(logits[0].astype("float32"), following) if read else None
            return layout.written(after, past, len(ids)), wanted

        with StatelessScope(state_mapping=list(zip(model.variables, weights, strict=True))):
            new, wanted = jax.vmap(row)(ids, pasts, context, following)
        return jax.tree.map(lambda kept, more: kept.at[places].set(more, mode=_INSIDE), cache, new), wanted

    made: Step = jax.jit(step, donate_argnums=1)
    return made


def last(logits: Any, _: Any) -> Any:
    return logits[-1]


def log_probabilities(logits: Any, following: Any) -> Any:
    """The log-probability of each token of `following`, [tokens]."""
    import jax

    return jax.nn.log_softmax(logits)[jax.numpy.arange(len(following)), following]


def _cache_of(model: Any, length: int) -> Cache:
    """The shapes of the cache of one sequence of `length` tokens."""
    import jax

    build = model._build_cache  # noqa: SLF001 - the one place in KerasHub that knows them
    # What is asked for beside the tokens are images and sounds.
    required = [one for one in inspect.signature(build).parameters.values() if one.default is one.empty]
    ids = jax.ShapeDtypeStruct((1, length), "int32")
    return jax.eval_shape(lambda ids: build(ids, *[None] * (len(required) - 1))[1], ids)


def _axis_that_differs(short: Any, long: Any) -> int:
    return [one == other for one, other in zip(short.shape, long.shape, strict=True)].index(False)


def _without(kept: Any, axis: int) -> Any:
    """The shape and type of what is kept of one token."""
    import jax

    return jax.ShapeDtypeStruct((*kept.shape[1:axis], *kept.shape[axis + 1 :]), kept.dtype)
