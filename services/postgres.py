"""PostgreSQL as it is installed here: a private server with its own folder and port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from services.process import Unavailable, free_port

_PLACES = "/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin"


@contextmanager
def database() -> Iterator[str]:
    """The address of a new server's first database."""
    found = binaries()
    if found is None:
        raise Unavailable("not installed: the PostgreSQL server")
    with server(found) as address:
        yield f"{address}/postgres"


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl, the newest of several."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    for place in _PLACES:
        folders += sorted(Path("/").glob(place.lstrip("/")), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def server(binaries: Path) -> Iterator[str]:
    """A running server with fsync on, by its address (with no database in it but `postgres`)."""
    folder = Path(tempfile.mkdtemp(prefix="attune-pg-", dir="/tmp"))  # a socket's path must be short
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    port = free_port()
    try:
        made = ["-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        _run([f"{binaries}/initdb", *made], user)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        control = [f"{binaries}/pg_ctl", "-D", f"{folder}/data", "-l", f"{folder}/log", "-w"]
        _run([*control, "-o", options, "start"], user)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}"
        finally:
            _run([*control, "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str], user: str | None) -> None:
    """Run as `user`, since the server refuses root; its output would keep our pipe open."""
    group = None if user is None else pwd.getpwnam(user).pw_gid
    subprocess.run(
        command,
        user=user,
        group=group,
        extra_groups=None if user is None else [],
        cwd="/tmp",
        check=True,
        stdout=subprocess.DEVNULL,
    )
