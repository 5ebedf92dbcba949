"""Small models as PEFT sees them, with LoRA of random weights that change what they say."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

torch: Any = import_module("torch")


greedy = import_module("tests.engines.record_pocket").greedy


def pocket() -> Any:
    """The pocket model as it is shipped, its 8 bits as what they stand for, in float32."""
    torch.set_num_threads(1)
    return import_module("tests.engines.record_pocket").load()


def family(name: str) -> Any:
    """The model of tests/engines/families as Transformers has it, in float32."""
    record = import_module("tests.engines.families.record")
    torch.set_num_threads(1)
    return record.build(*record.FAMILIES[name], record.tokenizer().get_vocab_size())


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without PEFT's call of what Transformers gave another name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        yield


def tuned(model: Any, folder: Path, strength: float = 0.1, seed: int = 3, **options: Any) -> Any:
    """`model` with LoRA of random weights, saved in the PEFT folder `folder`."""
    peft = import_module("peft")
    with undisturbed():
        changed = peft.get_peft_model(model, peft.LoraConfig(**{"task_type": "CAUSAL_LM", **options})).eval()
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in changed.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, strength)
    changed.save_pretrained(folder)
    return changed
