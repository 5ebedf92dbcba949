"""A private PostgreSQL server for the tests: its own folder, its own port, gone afterwards."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from services.postgres import binaries, server
from sqlalchemy import create_engine, text


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
