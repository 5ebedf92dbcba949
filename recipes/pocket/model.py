"""The model in training: Gemma 3's forward pass in plain PyTorch, by the names of Hugging Face's weights.

It says the same as `Gemma3ForCausalLM` (a test compares them) and spends less time between the large
multiplications. The logits are never held all at once: 16,384 of them for every token would be most of
the memory moved.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from recipes.pocket.shape import Shape

_CHUNKS = {"cpu": 256, "cuda": 8192}
"""Tokens whose logits are held at once: on a CPU so few that they stay in its cache."""


class Norm(nn.Module):
    """Divides by the root mean square; weights are stored less one, as Gemma's are."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = Normed.apply(x, self.weight, self.epsilon)
        return out


class Normed(torch.autograd.Function):
    """What a norm does. The sum of its weight's gradients over all tokens is a product with ones: written
    as a sum, it was the slowest part of a step on a CPU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)
        ctx.save_for_backward(x, weight, scale)
        return (wide * scale * (1 + weight)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight, scale = ctx.saved_tensors
        unit, grad = x.float() * scale, grads[0].float()
        inner = grad * (1 + weight)
        to_x = scale * (inner - unit * (inner * unit).mean(-1, keepdim=True))
        each = (grad * unit).to(x.dtype).flatten(0, -2)
        to_weight = torch.mm(each.new_ones(1, len(each)), each)[0]
        return to_x.to(x.dtype), to_weight.to(weight.dtype), None


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
        self.q_proj = nn.Linear(shape.width, queries, bias=False)
        self.k_proj = nn.Linear(shape.width, keys, bias=False)
        self.v_proj = nn.Linear(shape.width, keys, bias=False)
        self.o_proj = nn.Linear(queries, shape.width, bias=False)
        self.q_norm = Norm(shape.head, shape.epsilon)
        self.k_norm = Norm(shape.head, shape.epsilon)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        batch, length, _ = x.shape
        q = self.q_proj(x).view(batch, length, -1, self.shape.head)
        k = self.k_proj(x).view(batch, length, -1, self.shape.head)
        v = self.v_proj(x).view(batch, length, -1, self.shape.head).transpose(1, 2)
        q, k = rotate(self.q_norm(q), rope).transpose(1, 2), rotate(self.k_norm(k), rope).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=mask,
            is_causal=mask is None,
            scale=self.shape.head**-0.5,
            enable_gqa=True,
        )
        out: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))
        return out


class Inner(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(F.gelu(self.gate_proj(x), approximate="tanh") * self.up_proj(x))
        return out


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = Inner(shape)
        self.input_layernorm = Norm(shape.width, shape.epsilon)
        self.post_attention_layernorm = Norm(shape.width, shape.epsilon)
        self.pre_feedforward_layernorm = Norm(shape.width, shape.epsilon)
        self.post_feedforward_layernorm = Norm(shape.width, shape.epsilon)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        x = x + self.post_attention_layernorm(self.self_attn(self.input_layernorm(x), rope, mask))
        return x + self.post_feedforward_layernorm(self.mlp(self.pre_feedforward_layernorm(x)))


class Pocket(nn.Module):
    """The layers and the embedding, which is also what the logits are made with."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.epsilon)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                # What is added to the stream starts small, so that the first steps are steady.
                deep = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if deep else 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """The last layer's output for rows of tokens, each row by itself, from its first token on."""
        x = self.embed_tokens(ids) * self.shape.width**0.5
        x = x.to(torch.bfloat16 if torch.is_autocast_enabled(ids.device.type) else x.dtype)
        ropes = [rope(self.shape, full, ids, x.dtype) for full in (False, True)]
        mask = window(ids, self.shape.window) if ids.shape[1] > self.shape.window else None
        for number, layer in enumerate(self.layers):
            full = self.shape.is_full(number)
            x = layer(x, ropes[full], None if full else mask)
        out: Tensor = self.norm(x)
        return out

    def loss(self, ids: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
        """Mean cross-entropy of `targets`, each as often as it counts."""
        hidden, kept = self(ids).flatten(0, 1), counts.flatten().nonzero()[:, 0]
        shares = counts.flatten()[kept] / counts.sum()
        loss: Tensor = Loss.apply(hidden[kept], self.embed_tokens.weight, targets.flatten()[kept], shares)
        return loss

    def weights(self) -> dict[str, Tensor]:
        """The weights as `Gemma3ForCausalLM` names and stores them."""
        return {f"model.{name}": each.detach().to(torch.bfloat16) for name, each in self.state_dict().items()}

    def load(self, weights: dict[str, Tensor]) -> None:
        self.load_state_dict({name.removeprefix("model."): each.float() for name, each in weights.items()})


class Loss(torch.autograd.Function):
    """Cross-entropy with its gradients made in the same pass, a piece of the logits at a time."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, table: Tensor, targets: Tensor, shares: Tensor) -> Tensor:
        dtype = torch.bfloat16 if torch.is_autocast_enabled(hidden.device.type) else torch.float32
        words = table.to(dtype)
        to_hidden = torch.empty_like(hidden)
        to_table = torch.zeros_like(table, dtype=torch.float32)
        total = hidden.new_zeros((), dtype=torch.float32)
        size = _CHUNKS.get(hidden.device.type, 256)
        for start in range(0, len(targets), size):
            piece = slice(start, start + size)
            x = hidden[piece].to(dtype)
            lost, error = errors(F.linear(x, words), targets[piece, None], shares[piece, None])
            total += lost
            to_hidden[piece] = error @ words
            to_table += error.T @ x
        ctx.save_for_backward(to_hidden, to_table)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        to_hidden, to_table = ctx.saved_tensors
        return to_hidden * grads[0], to_table * grads[0], None, None


def _errors(logits: Tensor, wanted: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """The cross-entropy of some tokens, each by its share, and its gradient for their logits."""
    wide = logits.float()
    top = wide.amax(-1, keepdim=True)
    raised = (wide - top).exp()
    whole = raised.sum(-1, keepdim=True)
    lost = ((whole.log() + top - wide.gather(-1, wanted)) * shares).sum()
    error = (raised * (shares / whole)).to(logits.dtype)
    return lost, error.scatter_add(-1, wanted, -shares.to(logits.dtype))


errors = torch.compile(_errors, dynamic=True)


def rope(shape: Shape, full: bool, ids: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and sines by which the two halves of a head are turned, for each position."""
    theta = shape.full_theta if full else shape.sliding_theta
    steps = torch.arange(0, shape.head, 2, device=ids.device, dtype=torch.float32) / shape.head
    angles = torch.arange(ids.shape[1], device=ids.device, dtype=torch.float32)[:, None] / theta**steps
    angles = torch.cat((angles, angles), -1)[:, None]
    return angles.cos().to(dtype), angles.sin().to(dtype)


def rotate(x: Tensor, by: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = by
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


def window(ids: Tensor, size: int) -> Tensor:
    """Which earlier tokens each may see."""
    at = torch.arange(ids.shape[1], device=ids.device)
    back = at[:, None] - at
    return (back >= 0) & (back < size)
