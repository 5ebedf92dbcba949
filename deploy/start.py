"""The first program of an image: fetches the model from a bucket, if one is named, then becomes the command.

    MODEL_URI=gs://bucket/models/gemma-3-1b python start.py attune run --follow

MODEL_URI is a folder at gs://, s3://, abfs:// or file://; its files come to MODEL_FOLDER (/models/model), and
ATTUNE_ENGINE names them unless it is set already. The cloud's own ways of signing in apply.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

FOLDER = "/models/model"


def main() -> int:
    """Does not return where all is well: the process is the command from then on."""
    command = sys.argv[1:]
    if not command:
        print("start: no command was given, like: attune run --follow", file=sys.stderr)
        return 2
    if uri := os.environ.get("MODEL_URI"):
        folder = Path(os.environ.get("MODEL_FOLDER", FOLDER))
        try:
            fetch(uri, folder)
        except (OSError, ValueError) as error:
            print(f"start: the model {uri} cannot be fetched to {folder}: {error}", file=sys.stderr)
            return 3
        os.environ.setdefault("ATTUNE_ENGINE", f"openvino:{folder}")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"start: {command[0]} cannot be started: {error.strerror}", file=sys.stderr)
        return 127


def fetch(uri: str, folder: Path) -> None:
    """Copies the files at `uri` to `folder`, which is there whole or not at all; once is enough.

    Raises OSError or ValueError where the address is wrong, cannot be read, or holds no files.
    """
    if folder.exists():
        return
    from pyarrow import fs

    source, path = fs.FileSystem.from_uri(uri)
    if not source.get_file_info(fs.FileSelector(path, recursive=True)):
        raise ValueError("there are no files")
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    fs.copy_files(path, str(part), source_filesystem=source)
    part.rename(folder)


if __name__ == "__main__":
    sys.exit(main())
