"""The engine of a folder."""

from __future__ import annotations

from pathlib import Path

from attune.engines.openvino.folder import open_folder
from attune.engines.openvino.model import OpenVINOModel
from attune.engines.paged import CONTEXT_TOKENS, PagedEngine
from attune.engines.paged.sizes import Sizes, this_machine


class OpenVINOEngine(PagedEngine):
    """Runs a Gemma from an OpenVINO folder on the CPU.

    Sizes that are not given are chosen for the machine (see `paged.sizes`). `exact` computes in float32
    throughout, to compare with other programs; it is slower. `adapter` is the PEFT folder of a LoRA that the
    model is run with (see `adapter`).

    Raises EngineError when the folder cannot be used: the message says what is missing.
    """

    def __init__(
        self,
        folder: Path,
        model: str = "",
        adapter: Path | None = None,
        *,
        context_tokens: int = CONTEXT_TOKENS,
        step_tokens: int = 0,
        running: int = 0,
        cache_mb: int | None = None,
        exact: bool = False,
    ) -> None:
        found = open_folder(folder)
        machine = this_machine()
        runner = OpenVINOModel(folder / "openvino_model.xml", adapter, exact, machine.quota)
        super().__init__(runner, found, model, context_tokens, Sizes(step_tokens, running, cache_mb), machine)
