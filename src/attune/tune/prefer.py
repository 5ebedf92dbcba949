"""Prefer: an adapter that learns which answers people like, by DPO from pairs or KTO from single thumbs.

TRL's trainers do it; they are given the product's own tokens, which reach the model as they are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import peft
import transformers
import trl
from safetensors.torch import load_file

from attune.errors import TuneError
from attune.tune.model import Model, load, old_names
from attune.tune.pairs import Pair, Thumb
from attune.tune.settings import Settings

DEFAULTS = Settings(learning_rate=5e-5, epochs=3)
"""Preferences move a model a little; more, and it forgets how to write."""


class _Given:
    """A trainer of TRL's that takes tokens, and has nothing templated, tokenized or cut."""

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset


class _DPO(_Given, trl.DPOTrainer):  # type: ignore[misc]
    pass


class _KTO(_Given, trl.KTOTrainer):  # type: ignore[misc]
    pass


def prefer(
    base: Path,
    liked: Sequence[Pair | Thumb],
    settings: Settings,
    folder: Path,
    start: Path | None = None,
    beta: float = 0.1,
) -> list[dict[str, float]]:
    """Trains on pairs by DPO (arXiv 2305.18290), on thumbs by KTO (arXiv 2402.01306), and writes the adapter
    to `folder` in PEFT's standard format; what TRL logs of each epoch.

    It begins with the adapter in `start`, which is then also what `beta` holds it to, or with none. Raises
    TuneError for nothing to learn from, for thumbs that all point one way, and for an encoder-decoder.
    """
    if not liked:
        raise TuneError("there is no preference to train on: no draft was edited, rejected or rated.")
    thumbs = [each for each in liked if isinstance(each, Thumb)]
    if thumbs and len({each.good for each in thumbs}) == 1:
        raise TuneError("all thumbs point one way: KTO needs good answers and bad ones.")
    model = load(base, settings)
    if model.core.config.is_encoder_decoder:
        raise TuneError(f"{base}: preferences cannot be trained into an encoder-decoder; take a Gemma.")
    if start:
        peft.set_peft_model_state_dict(model.peft, load_file(start / "adapter_model.safetensors"))
    with tempfile.TemporaryDirectory() as scratch, old_names():
        trainer = _trainer(model, liked, settings, scratch, beta)
        trainer.train()
    model.save(folder)
    return [entry for entry in trainer.state.log_history if "loss" in entry]


def _trainer(
    model: Model, liked: Sequence[Pair | Thumb], settings: Settings, scratch: str, beta: float
) -> Any:
    model.core.set_attn_implementation("eager")
    rows = _rows(liked)
    shared = {
        "output_dir": scratch,
        "beta": beta,
        "max_length": None,
        "gradient_accumulation_steps": settings.accumulate,
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "gradient_checkpointing": settings.gradient_checkpointing,
        "bf16": str(model.kind) == "torch.bfloat16",
        "use_cpu": model.device.type == "cpu",
        "seed": settings.seed,
        "logging_strategy": "epoch",
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(model.base / "tokenizer.json"))
    tokenizer.pad_token, tokenizer.eos_token = "<pad>", "<eos>"
    given = {"processing_class": tokenizer, "train_dataset": datasets.Dataset.from_list(rows)}
    if isinstance(liked[0], Pair):
        return _DPO(
            model.peft, args=trl.DPOConfig(per_device_train_batch_size=settings.batch, **shared), **given
        )
    good, bad = (sum(row["label"] is which for row in rows) for which in (True, False))
    weights = {"desirable_weight": max(1.0, bad / good), "undesirable_weight": max(1.0, good / bad)}
    size = max(2, settings.batch)  # an answer is compared with another's
    return _KTO(
        model.peft, args=trl.KTOConfig(per_device_train_batch_size=size, **weights, **shared), **given
    )


def _rows(liked: Sequence[Pair | Thumb]) -> list[dict[str, Any]]:
    """What TRL's collators read. Of thumbs each is compared with its neighbour's answer (KTO's KL term)."""
    rows: list[dict[str, Any]] = []
    for index, each in enumerate(liked):
        sides: dict[str, Any]
        if isinstance(each, Pair):
            sides = {"chosen_ids": list(each.chosen), "rejected_ids": list(each.rejected)}
        else:
            other = liked[index - 1]
            assert isinstance(other, Thumb)
            answers = {"completion_ids": list(each.answer), "KL_completion_ids": list(other.answer)}
            sides = {"label": each.good, **answers}
        rows.append({"prompt_ids": list(each.prompt), **sides})
    return rows
