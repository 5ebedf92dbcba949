"""Small models for the keras engine: a preset of KerasHub's made here, and the families as recorded."""

from __future__ import annotations

import io
import json
import lzma
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from attune.engines.keras import KerasEngine
from attune.engines.keras.library import keras_hub

needs_keras = pytest.mark.skipif(
    find_spec("keras_hub") is None, reason="KerasHub is not installed here: make engine-keras runs these"
)
# Every engine of a test has functions of its own: what one has compiled, the next one finds.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", mkdtemp(prefix="attune-jax-"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
HERE = Path(__file__).parent
CONTROLS = ("<start_of_turn>", "<end_of_turn>", "<mask>")
WHOLE = ("<b>", "</b>", "\n\n")
"""Text that Gemma's vocabulary has as pieces of their own."""


@cache
def proto() -> bytes:
    """A vocabulary of Gemma's kind, of what the samples say."""
    import sentencepiece

    said = (HERE.parents[1] / "src/attune/samples/chats.jsonl").read_text(encoding="utf-8").splitlines()
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(said),
        model_writer=made,
        model_type="bpe",
        vocab_size=1600,
        character_coverage=0.98,
        byte_fallback=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        split_digits=True,
        allow_whitespace_only_pieces=True,
        pad_id=0,
        pad_piece="<pad>",
        eos_id=1,
        eos_piece="<eos>",
        bos_id=2,
        bos_piece="<bos>",
        unk_id=3,
        user_defined_symbols=[*CONTROLS, *WHOLE],
        minloglevel=2,
    )
    return made.getvalue()


@cache
def preset() -> Path:
    """The folder of a Gemma 2 with random weights, as KerasHub saves it."""
    hub = keras_hub()
    import keras

    keras.utils.set_random_seed(3)
    tokenizer = hub.models.GemmaTokenizer(proto=proto())
    backbone = hub.models.GemmaBackbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=2,
        num_query_heads=4,
        num_key_value_heads=2,
        hidden_dim=64,
        intermediate_dim=256,
        head_dim=16,
        attention_logit_soft_cap=50.0,
        final_logit_soft_cap=30.0,
        use_sliding_window_attention=True,
        sliding_window_size=64,
        use_post_ffw_norm=True,
        use_post_attention_norm=True,
    )
    for variable in backbone.trainable_variables:  # as initialized, it would say one word for ever
        variable.assign(variable + keras.random.normal(variable.shape, stddev=0.1))
    folder = Path(mkdtemp(prefix="attune-keras-"))
    with warnings.catch_warnings():  # Keras writes its variables by NumPy in a way that NumPy 2 warns of
        warnings.simplefilter("ignore", DeprecationWarning)
        backbone.save_to_preset(str(folder))
    tokenizer.save_to_preset(str(folder))
    return folder


def small_keras() -> KerasEngine:
    return KerasEngine(str(preset()), "small", cache_mb=16)


class Family:
    """A family's model as Hugging Face has it, unpacked into `folder`, and what Transformers said."""

    def __init__(self, name: str, folder: Path) -> None:
        self.folder = folder
        for path in (HERE / "keras_families" / name).iterdir():
            content = path.read_bytes()
            packed = path.suffix == ".xz"
            (folder / path.name.removesuffix(".xz")).write_bytes(
                lzma.decompress(content) if packed else content
            )
        (folder / "tokenizer.json").write_bytes((HERE / "families" / "tokenizer.json").read_bytes())
        self.adapter = folder / "adapter.lora.h5"

    def engine(self, adapter: Path | None = None) -> KerasEngine:
        return KerasEngine(str(self.folder), context_tokens=704, cache_mb=64, running=64, adapter=adapter)

    def said(self, record: str) -> list[list[int]]:
        told: list[list[int]] = json.loads((self.folder / record).read_text(encoding="utf-8"))
        return told


@contextmanager
def compilations() -> Iterator[list[float]]:
    """A list that grows with each function that XLA compiles, by its seconds."""
    from jax import monitoring

    seconds: list[float] = []

    def listen(event: str, duration: float, **_: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            seconds.append(duration)

    monitoring.register_event_duration_secs_listener(listen)
    yield seconds
    monitoring.unregister_event_duration_listener(listen)
