"""Small Gemmas and their like with random weights in Hugging Face's files, made on the spot."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

torch: Any = import_module("torch")
transformers: Any = import_module("transformers")
record = import_module("tests.engines.families.record")
_MORE: dict[str, dict[str, Any]] = {"gemma2": {"attn_logit_softcapping": 2.0}}
"""What the recorded ones, exported for another engine, could not have."""


@cache
def model(family: str) -> Any:
    """The model as Transformers has it, in float32."""
    torch.set_num_threads(1)
    kind, options = record.FAMILIES[family]
    return record.build(kind, options | _MORE.get(family, {}), record.tokenizer().get_vocab_size())


@cache
def folder(family: str) -> Path:
    return saved(model(family), Path(mkdtemp(prefix=f"attune-{family}-")))


def saved(made: Any, target: Path) -> Path:
    transformers.utils.logging.disable_progress_bar()
    made.save_pretrained(target)
    record.tokenizer().save(str(target / "tokenizer.json"))
    return target


def follows(made: Any, ids: list[int], spoken: list[int]) -> list[int]:
    """The likeliest token after `ids` and each beginning of `spoken`: where these are `spoken` itself, it is,
    token by token, what greedy generation gives."""
    with torch.inference_mode():
        out = made(input_ids=torch.tensor([ids + spoken[:-1]]), logits_to_keep=len(spoken))
    found: list[int] = out.logits[0].argmax(-1).tolist()
    return found
