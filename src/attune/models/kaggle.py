"""Models from Kaggle, by its own client."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from attune.address import load
from attune.errors import ModelError
from attune.models.kept import File, files_of

_HANDLE = re.compile(
    r"kaggle:((?P<model>[\w.-]+/[\w.-]+)/[\w.-]+/(?P<variation>[\w.-]+)(/(?P<version>\d+))?)"
)
_REFUSED, _ABSENT = (401, 403), 404


def is_handle(source: str) -> bool:
    """Whether `source` names a model of Kaggle: kaggle:OWNER/MODEL/FRAMEWORK/VARIATION, and /VERSION."""
    return _HANDLE.fullmatch(source) is not None


def short(source: str) -> str:
    """The variation that a handle names; "" for what is none."""
    handle = _HANDLE.fullmatch(source)
    return handle["variation"] if handle else ""


def download(source: str, folder: Path) -> tuple[Path, str, Mapping[str, File]]:
    """Fetches the model that the handle `source` names into `folder`, with a bar on stderr: where it is, its
    version as far as the handle says it, and its files.

    Kaggle's client goes on with an archive that broke off, and checks it by the MD5 that Kaggle tells; it
    gives no sums of single files. Raises ModelError, in words, for a model that is not there, whose licence
    is not accepted, or that cannot be reached.
    """
    handle = _HANDLE.fullmatch(source)
    assert handle is not None
    os.environ.setdefault("KAGGLEHUB_VERBOSITY", "error")
    os.environ["KAGGLEHUB_CACHE"] = str(folder)  # it goes on with what is there, and is removed with it
    kagglehub = load("kagglehub", "kaggle")
    requests = load("requests", "kaggle")
    corrupt = load("kagglehub.exceptions", "kaggle").DataCorruptionError
    try:
        found = Path(kagglehub.model_download(handle[1]))
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise ModelError(_refused(handle["model"], status, error)) from error
    except (requests.RequestException, corrupt, OSError, ValueError) as error:
        raise ModelError(
            f"{source} could not be fetched: {_first_line(error)}. The same command goes on. Without a "
            f"network, bring it from {_page(handle['model'])} in a folder, and: attune models add FOLDER"
        ) from error
    return found, handle["version"] or "", files_of(found)


def _refused(model: str, status: int, error: Exception) -> str:
    if status in _REFUSED:
        return (
            f"Kaggle refuses {model}: log in with a token from https://www.kaggle.com/settings/api, in the "
            "variable KAGGLE_API_TOKEN or in ~/.kaggle/access_token, and accept the model's licence once at "
            f"{_page(model)}"
        )
    if status == _ABSENT:
        return f"Kaggle has no such variation of {model}, or it is private: look at {_page(model)}"
    return f"Kaggle did not give {model}: {_first_line(error)}. Try again: the same command goes on."


def _page(model: str) -> str:
    return f"https://www.kaggle.com/models/{model}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
