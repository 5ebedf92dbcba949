"""Models from the Hugging Face hub: only the files that are needed, and no byte twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from attune.address import load
from attune.errors import ModelError
from attune.models.kept import File, look_at
from attune.models.transfer import Transfer

_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_PLAIN = ("config.json", "generation_config.json", "tokenizer*", "special_tokens_map.json", "spiece.model")
_WEIGHTS = (("model*.safetensors", "model.safetensors.index.json"), ("pytorch_model*.bin*",))
"""Of a model that is there in several forms, the first of these."""


def is_name(source: str) -> bool:
    """Whether `source` looks like a model of the hub: OWNER/NAME."""
    return _NAME.fullmatch(source) is not None


def download(
    name: str, revision: str, folder: Path, watch: Callable[[str], None]
) -> tuple[str, Mapping[str, File]]:
    """Fetches what is needed of the model `name` into `folder`, and gives its commit and its files, each
    checked by the sum that the hub tells (SHA-256, or git's own for small files).

    A file that is there already is not fetched again, and one that broke off is gone on with where it was.
    `watch` is told how far it is, with rate and time left. Raises ModelError, in words, for a model that is
    not there, whose licence is not accepted, or that cannot be reached.
    """
    hub = load("huggingface_hub", "models")
    errors = load("huggingface_hub.errors", "models")
    try:
        info = hub.HfApi().model_info(name, revision=revision, files_metadata=True)
        told = {file.rfilename: file for file in info.siblings}
        wanted = needed(told)
        if not wanted:
            raise ModelError(
                f"{name} has no weights that can be read (model.safetensors or pytorch_model.bin)"
            )
        folder.mkdir(parents=True, exist_ok=True)
        return str(info.sha), {each: _fetch(hub, info, told[each], folder, watch) for each in wanted}
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{name} is gated: accept its licence at {_page(name)}, then log in with: hf auth login"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"{name} has no revision {revision!r}: see {_page(name)}/tree/main") from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"the hub has no model {name}, or it is private: look at {_page(name)}, or log in: hf auth login"
        ) from error
    except (errors.HTTPError, OSError) as error:
        raise ModelError(_unreached(name, folder, str(error))) from error


def _fetch(hub: Any, info: Any, told: Any, folder: Path, watch: Callable[[str], None]) -> File:
    """Fetches one file, from where it broke off. What has another sum than the hub says is removed."""
    path = folder / told.rfilename
    part = folder / f"{told.rfilename}.{info.sha[:12]}.part"  # of another commit it would be another file
    if not path.is_file():
        with part.open("ab") as file:
            load("huggingface_hub.file_download", "models").http_get(
                hub.hf_hub_url(info.id, told.rfilename, revision=info.sha),
                file,
                resume_size=file.tell(),
                headers=hub.utils.build_hf_headers(),
                expected_size=told.size,
                displayed_filename=told.rfilename,
                tqdm_class=partial(Transfer, watch),
            )
        part.rename(path)
    found = look_at(path)
    if not _is_as_told(path, found, told):
        path.unlink()
        raise ModelError(
            f"{told.rfilename} of {info.id} came damaged and was removed: the same command goes on"
        )
    return found


def _is_as_told(path: Path, found: File, told: Any) -> bool:
    if told.lfs is not None:
        return bool(found.sha256 == told.lfs.sha256)
    content = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False)
    return told.blob_id in (None, blob.hexdigest())


def needed(files: Iterable[str]) -> list[str]:
    """Those of a repository's `files` that a conversion reads; none if there are no weights."""
    files = list(files)
    for form in _WEIGHTS:
        if weights := [name for name in files if any(fnmatch(name, pattern) for pattern in form)]:
            return [*weights, *(name for name in files if any(fnmatch(name, plain) for plain in _PLAIN))]
    return []


def _page(name: str) -> str:
    return f"https://huggingface.co/{name}"


def _unreached(name: str, folder: Path, why: str) -> str:
    reason = why.strip().partition("\n")[0]
    begun = " The same command goes on where it was." if folder.is_dir() else ""
    return (
        f"{name} could not be fetched: {reason}.{begun} Without a network, fetch it elsewhere "
        "(hf download MODEL --local-dir FOLDER), bring FOLDER here, and: attune models add FOLDER"
    )
