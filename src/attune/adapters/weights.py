"""Whether an adapter and a model belong together, told by hashes of the model's weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from attune.adapters.record import RECORD, home, read
from attune.errors import ModelError

_PATTERNS = ("*.safetensors", "openvino_model.bin", "model.bin")
_PIECES, _PIECE_BYTES = 64, 2**18


def hashes(*folders: Path) -> dict[str, str]:
    """A hash of each file of weights in the models' folders, by its name: Hugging Face's, OpenVINO's and
    CTranslate2's. A training base and the folder it is served from have different ones, so both are named.
    """
    return {path.name: _hash(path) for folder in folders for path in _weights(folder)}


def check_base(adapter: Path, model: Path) -> None:
    """Raises ModelError where the record of the adapter in the folder `adapter` has other weights than those
    in the folder `model`.

    Where it has no record, or names no file of that name, nothing can be said but by the shapes, which
    the engine checks.
    """
    if not (home(adapter) / RECORD).is_file():
        return
    base = read(adapter).base
    for path in _weights(model):
        if path.name in base.weights and base.weights[path.name] != _hash(path):
            raise ModelError(
                f"{adapter} was made for {base.model} ({base.address}), whose {path.name} was another than "
                f"that of {model}: serve it with that model, or tune it anew on this one."
            )


def _weights(folder: Path) -> Iterator[Path]:
    for pattern in _PATTERNS:
        yield from sorted(folder.glob(pattern))


def _hash(path: Path) -> str:
    """SHA-256 of the file's length and of pieces all over it: whole files of gigabytes would take as long as
    loading them, and tuning changes weights everywhere."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for piece in range(_PIECES):
            file.seek(max(0, size - _PIECE_BYTES) * piece // (_PIECES - 1))
            digest.update(file.read(_PIECE_BYTES))
    return digest.hexdigest()
