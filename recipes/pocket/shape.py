"""Shapes: the sizes of pocket model that there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recipes.pocket.controls import BOS, END, PAD, VOCABULARY


@dataclass(frozen=True, slots=True)
class Shape:
    """A Gemma 3 text model. Every sixth layer sees everything, the others the last `window` tokens."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    inner: int
    vocabulary: int = VOCABULARY
    window: int = 512
    context: int = 4096
    sliding_theta: float = 10_000.0
    full_theta: float = 1_000_000.0
    epsilon: float = 1e-6

    def is_full(self, layer: int) -> bool:
        return layer % 6 == 5

    @property
    def parameters(self) -> int:
        """How many numbers are trained; the norms' are left out."""
        attention = 2 * self.width * self.head * (self.heads + self.kv_heads)
        return self.vocabulary * self.width + self.layers * (attention + 3 * self.width * self.inner)

    def config(self) -> dict[str, Any]:
        """The shape as Hugging Face's config.json says it."""
        kinds = ("sliding_attention", "full_attention")
        thetas = {kinds[0]: self.sliding_theta, kinds[1]: self.full_theta}
        return {
            "architectures": ["Gemma3ForCausalLM"],
            "model_type": "gemma3_text",
            "attention_bias": False,
            "attention_dropout": 0.0,
            "attn_logit_softcapping": None,
            "final_logit_softcapping": None,
            "bos_token_id": BOS,
            "eos_token_id": END,
            "pad_token_id": PAD,
            "dtype": "bfloat16",
            "head_dim": self.head,
            "hidden_activation": "gelu_pytorch_tanh",
            "hidden_size": self.width,
            "initializer_range": 0.02,
            "intermediate_size": self.inner,
            "layer_types": [kinds[self.is_full(layer)] for layer in range(self.layers)],
            "max_position_embeddings": self.context,
            "num_attention_heads": self.heads,
            "num_hidden_layers": self.layers,
            "num_key_value_heads": self.kv_heads,
            "query_pre_attn_scalar": self.head,
            "rms_norm_eps": self.epsilon,
            # Transformers 4 reads the first two, Transformers 5 the third.
            "rope_theta": self.full_theta,
            "rope_local_base_freq": self.sliding_theta,
            "rope_parameters": {
                kind: {"rope_theta": t, "rope_type": "default"} for kind, t in thetas.items()
            },
            "sliding_window": self.window,
            "sliding_window_pattern": 6,
            "tie_word_embeddings": True,
            "use_bidirectional_attention": False,
            "use_cache": True,
            "vocab_size": self.vocabulary,
        }


SHAPES = {
    "small": Shape(width=320, layers=6, heads=4, kv_heads=2, head=64, inner=1152),
    "large": Shape(width=576, layers=12, heads=8, kv_heads=2, head=64, inner=2048),
}
