"""A private PostgreSQL server for the tests: its own folder, its own port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

_PLACES = "/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin"


@pytest.fixture(scope="session", autouse=True)
def postgres_required() -> bool:
    """Whether REQUIRE_POSTGRES=1 forbids to skip; taken away, as attune refuses it."""
    return os.environ.pop("REQUIRE_POSTGRES", "") == "1"


@pytest.fixture(scope="session")
def postgres_server(postgres_required: bool) -> Iterator[str]:
    """A server's address without a database; what needs it is skipped where none is installed."""
    folder = binaries()
    missing = "the PostgreSQL server" if folder is None else None if find_spec("psycopg") else "psycopg"
    if missing and postgres_required:
        pytest.fail(f"{missing} is not installed, and REQUIRE_POSTGRES=1 asks for it")
    if missing or folder is None:
        pytest.skip(f"{missing} is not installed")
    with server(folder) as address:
        yield address


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """The address of a new, empty database."""
    return new_database(postgres_server)


def new_database(server: str) -> str:
    name = f"attune_{uuid.uuid4().hex[:12]}"
    admin = f"{server}/postgres".replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}/{name}"


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
    port = _free_port()
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
