"""KerasHub on JAX, imported when the first model is loaded, with settings that suit a server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from attune.address import load
from attune.errors import EngineError


def keras_hub(processors: int = 0) -> Any:
    """The package keras_hub with JAX beneath. With `processors`, JAX takes so many on the CPU.

    What a user has set in JAX's own environment variables stays. Raises AttuneError where the packages are
    not installed, EngineError where Keras has been imported with another backend.
    """
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # or JAX takes three quarters of a GPU
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "attune" / "jax"
    os.environ.setdefault(
        "JAX_COMPILATION_CACHE_DIR", str(kept)
    )  # what one start has compiled, the next finds
    if processors:  # a container's share: JAX sees the whole machine
        os.environ.setdefault("NPROC", str(processors))
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "jax"
    load("jax", "keras")
    keras = load("keras", "keras")
    if (backend := keras.config.backend()) != "jax":
        raise EngineError(
            f"Keras is already imported here with the backend {backend}, and this engine needs JAX: set "
            "KERAS_BACKEND=jax before Keras is imported."
        )
    keras.config.disable_flash_attention()  # its kernels want whole sequences, not a few tokens after others
    return load("keras_hub", "keras")
