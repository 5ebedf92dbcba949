"""Attention over blocks, in the form in which Transformers' layers call it."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface

from attune.engines.torch.step import Step

NAME = "attune_blocks"


def attend(
    _module: Any,
    query: Any,
    keys: Any,
    values: Any,
    _mask: None,
    *,
    step: Step,
    scaling: float,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Any, None]:
    """`query` is [1, heads, tokens, size], `keys` and `values` are a layer's blocks (see `cache`), with their
    own number of heads. Gives [1, tokens, heads, size]."""
    heads, size = query.shape[1], query.shape[3]
    shared = heads // keys.shape[2]
    flat = query[0].transpose(0, 1)
    parts = []
    for seen in step.seen(sliding_window):
        rows, tokens = seen.queries.shape
        asked = flat[seen.queries].transpose(1, 2)
        # Heads that share keys are put one below the other, as if they were more tokens.
        asked = asked.reshape(rows, -1, shared * tokens, size)
        mask = seen.mask if seen.mask is None else seen.mask.repeat(1, 1, shared, 1)
        here, there = (_picked(each, seen.blocks)[:, :, seen.part] for each in (keys, values))
        if softcap is None:
            part = functional.scaled_dot_product_attention(asked, here, there, attn_mask=mask, scale=scaling)
        else:
            part = capped(asked, here, there, mask, scaling, softcap)
        parts.append(part.reshape(rows, heads, tokens, -1).transpose(1, 2).flatten(0, 1))
    out = torch.cat(parts)
    return (out if step.order is None else out[step.order])[None], None


def capped(query: Any, keys: Any, values: Any, mask: Any, scaling: float | None, cap: float) -> Any:
    """Attention with capped scores (Gemma 2), which no kernel of PyTorch's has."""
    scores = torch.tanh(query @ keys.transpose(2, 3) * scaling / cap) * cap
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1, dtype=torch.float32).to(values.dtype) @ values


def _picked(kept: Any, blocks: Any) -> Any:
    """What `blocks` [rows, blocks] hold: [rows, heads, tokens, size]."""
    rows, count = blocks.shape
    found = kept.index_select(0, blocks.flatten())
    return found.view(rows, count * kept.shape[1], *kept.shape[2:]).transpose(1, 2)


AttentionInterface.register(NAME, attend)
