"""Where a model is computed, and in which numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from attune.errors import EngineError

_CPUINFO = Path("/proc/cpuinfo")
_KINDS = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def device_of(name: str) -> Any:
    """The device called `name` as PyTorch calls it (cuda, cuda:1, cpu); by default CUDA where it is there.

    Raises EngineError where it is not.
    """
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise EngineError(
            f"device={name}: PyTorch cannot compute there ({str(error).splitlines()[0]}). Leave it out: "
            "attune takes CUDA where it is, else the CPU."
        ) from error
    return device


def kind_of(name: str, device: Any) -> Any:
    """The type of weights and cache called `name`: bfloat16 or float32. Raises EngineError for another.

    By default bfloat16 where the device multiplies it by itself; elsewhere it would be slower than float32.
    """
    if name:
        if name not in _KINDS:
            raise EngineError(
                f"dtype={name}: there are {', '.join(_KINDS)}. Gemma's numbers are too large for others."
            )
        return _KINDS[name]
    if device.type == "cpu":
        able = processor_has_bfloat16()
    else:
        able = device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if able else torch.float32


def processor_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 by itself."""
    flags = _CPUINFO.read_text(encoding="utf-8") if _CPUINFO.is_file() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags
