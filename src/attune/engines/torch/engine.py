"""The engines of a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from attune.engines.paged import CONTEXT_TOKENS, PagedEngine
from attune.engines.paged.sizes import Machine, Sizes, this_machine
from attune.engines.seq2seq import CONTEXT_TOKENS as T5_CONTEXT_TOKENS
from attune.engines.seq2seq import Seq2SeqEngine
from attune.engines.torch.device import device_of, kind_of
from attune.engines.torch.folder import T5S, open_folder
from attune.engines.torch.model import TorchModel
from attune.engines.torch.runner import T5Runner


class TorchEngine(PagedEngine):
    """Runs a Gemma 2, 3 or 4, Llama 3 or Qwen 3 from its Hugging Face folder.

    `device` and `dtype` are chosen where they are not given (see `device`), and so are sizes (see
    `paged.sizes`). `adapter` is the PEFT folder of a LoRA that the model is run with.

    Raises EngineError when the folder cannot be used: the message says what is missing.
    """

    def __init__(
        self,
        folder: Path,
        model: str = "",
        adapter: Path | None = None,
        *,
        context_tokens: int = CONTEXT_TOKENS,
        sizes: Sizes = Sizes(),
        device: str = "",
        dtype: str = "",
    ) -> None:
        found = open_folder(folder)
        place, machine = device_of(device), this_machine()
        if machine.quota:
            torch.set_num_threads(machine.quota)
        runner = TorchModel(folder, adapter, place, kind_of(dtype, place))
        if place.type == "cuda":
            machine = Machine(machine.cores, torch.cuda.mem_get_info(place)[0])
            sizes = sizes if sizes.step_tokens else replace(sizes, step_tokens=4096, running=256)
        super().__init__(runner, found, model, context_tokens, sizes, machine)


class TorchT5Engine(Seq2SeqEngine):
    """Runs a T5, FLAN-T5 or mT5 from its Hugging Face folder, two batches side by side. All else is as for
    TorchEngine.
    """

    def __init__(
        self,
        folder: Path,
        model: str = "",
        adapter: Path | None = None,
        *,
        context_tokens: int = T5_CONTEXT_TOKENS,
        device: str = "",
        dtype: str = "",
    ) -> None:
        open_folder(folder, T5S)
        place = device_of(device)
        runner = T5Runner(folder, adapter, place, kind_of(dtype, place))
        super().__init__(runner, model or folder.resolve().name, context_tokens, workers=2)
