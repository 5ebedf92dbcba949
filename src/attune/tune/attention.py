"""Attention of a packed row: each span by itself, by PyTorch's own kernels. See `pack`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface

from attune.engines.torch.attention import capped
from attune.tune.pack import Places, Span

NAME = "attune_spans"


def attend(  # noqa: PLR0913 - as Transformers calls it
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    _whole: None,
    *,
    spans: Sequence[Span],
    cross: Sequence[Span] = (),
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    position_bias: Any = None,
    **_: Any,
) -> tuple[Any, None]:
    """`query` [1, heads, tokens, size], `key` and `value` with their own number of heads.

    A decoder's look at its encoder goes by `cross`, all else by `spans`.
    """
    parts = []
    for span in cross if cross and not module.is_causal else spans:
        some = slice(*span.at)
        keys, values = (_places(each, span.sees, 2) for each in (key, value))
        seen = _mask(span, keys.device, sliding_window) if module.is_causal else None
        if position_bias is not None:
            bias = _places(position_bias[:, :, some], span.sees, 3)
            seen = bias if seen is None else bias.masked_fill(~seen, float("-inf"))
        if softcap is None:
            part = functional.scaled_dot_product_attention(
                query[:, :, some],
                keys,
                values,
                attn_mask=seen,
                dropout_p=dropout,
                scale=scaling,
                enable_gqa=keys.shape[1] != query.shape[1],
            )
        else:
            part = _capped(query[:, :, some], keys, values, seen, scaling, softcap)
        parts.append(part)
    return torch.cat(parts, 2).transpose(1, 2).contiguous(), None


def _places(tensor: Any, places: Sequence[Places], axis: int) -> Any:
    pieces = [tensor.narrow(axis, begin, end - begin) for begin, end in places]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, axis)


def _mask(span: Span, device: Any, window: int | None) -> Any:
    """Which of the places that a span sees come before each of its tokens, and not too far."""
    length = sum(end - begin for begin, end in span.sees)
    own = span.at[1] - span.at[0]
    back = torch.arange(length - own, length, device=device)[:, None] - torch.arange(length, device=device)
    return (back >= 0) & (back < (window or length))


def _capped(query: Any, key: Any, value: Any, seen: Any, scaling: float | None, cap: float) -> Any:
    """As `capped`, where heads share keys and values."""
    key, value = (each.repeat_interleave(query.shape[1] // each.shape[1], 1) for each in (key, value))
    return capped(query, key, value, seen, scaling, cap)


AttentionInterface.register(NAME, attend)
