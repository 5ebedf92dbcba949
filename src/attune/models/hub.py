"""Models from the Hugging Face hub: only the files that are needed, and none twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from attune.address import load
from attune.errors import ModelError

_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_PLAIN = ("config.json", "generation_config.json", "tokenizer*", "special_tokens_map.json", "spiece.model")
_WEIGHTS = (("model*.safetensors", "model.safetensors.index.json"), ("pytorch_model*.bin*",))
"""Of a model that is there in several forms, the first of these."""


def is_name(source: str) -> bool:
    """Whether `source` looks like a model of the hub: OWNER/NAME."""
    return _NAME.fullmatch(source) is not None


def download(name: str, revision: str, folder: Path) -> str:
    """Fetches what is needed of the model `name` into `folder`, with bars on stderr, and gives its commit.

    A file that is there already is not fetched again; of one that broke off, the hub's own client decides
    what it can use. Raises ModelError, in words, for a model that is not
    there, whose licence is not accepted, or that cannot be reached.
    """
    hub = load("huggingface_hub", "models")
    errors = load("huggingface_hub.errors", "models")
    try:
        info = hub.HfApi().model_info(name, revision=revision, files_metadata=True)
        sizes = {file.rfilename: file.size for file in info.siblings}
        wanted = needed(sizes)
        if not wanted:
            raise ModelError(
                f"{name} has no weights that can be read (model.safetensors or pytorch_model.bin)"
            )
        hub.snapshot_download(name, revision=info.sha, local_dir=folder, allow_patterns=wanted)
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
    except (errors.HTTPError, errors.LocalEntryNotFoundError, OSError) as error:
        raise ModelError(_unreached(name, folder, str(error))) from error
    # A download that finds nobody there any more returns with what it has.
    if short := [file for file in wanted if not _is_whole(folder / file, sizes[file])]:
        raise ModelError(_unreached(name, folder, f"{short[0]} did not come whole"))
    return str(info.sha)


def needed(files: Iterable[str]) -> list[str]:
    """Those of a repository's `files` that a conversion reads; none if there are no weights."""
    files = list(files)
    for form in _WEIGHTS:
        if weights := [name for name in files if any(fnmatch(name, pattern) for pattern in form)]:
            return [*weights, *(name for name in files if any(fnmatch(name, plain) for plain in _PLAIN))]
    return []


def _page(name: str) -> str:
    return f"https://huggingface.co/{name}"


def _is_whole(path: Path, size: int | None) -> bool:
    return path.is_file() and size in (None, path.stat().st_size)


def _unreached(name: str, folder: Path, why: str) -> str:
    reason = why.strip().partition("\n")[0]
    begun = " Files that came whole stay, and the same command goes on." if folder.is_dir() else ""
    return (
        f"{name} could not be fetched: {reason}.{begun} Without a network, fetch it elsewhere "
        "(hf download MODEL --local-dir FOLDER), bring FOLDER here, and: attune models add FOLDER"
    )
