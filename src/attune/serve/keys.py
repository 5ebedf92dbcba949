"""API keys: who may ask, where more than this machine can."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from pathlib import Path

from attune.errors import BadConfig

_LEAST_CHARS = 16


class Keys:
    """The keys that open the service; without any it is open to all who can reach it."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def open_to(self, authorization: str) -> bool:
        """Whether a header "Bearer KEY" has one of the keys. How long this takes does not tell how near."""
        scheme, _, key = authorization.partition(" ")
        given = _digest(key.strip())
        found = [hmac.compare_digest(given, digest) for digest in self._digests]
        return scheme.lower() == "bearer" and any(found)


def load(listed: str, file: str) -> Keys:
    """The keys in `listed`, separated by commas, and in `file`, one a line. Raises BadConfig."""
    keys = [key.strip() for key in listed.split(",") if key.strip()]
    if file:
        keys += _of_file(Path(file))
    for key in keys:
        if len(key) < _LEAST_CHARS or not key.isascii():
            raise BadConfig(f"an API key needs {_LEAST_CHARS} characters at least, all of them ASCII")
    return Keys(keys)


def is_loopback(host: str) -> bool:
    """Whether `host` can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def check(host: str, keys: Keys) -> None:
    """Raises BadConfig where a service without keys would be open to other machines."""
    if not keys and not is_loopback(host):
        raise BadConfig(
            f"host {host} can be reached from other machines, and there is no API key: set ATTUNE_API_KEYS "
            "or --api-key-file, or leave --host out"
        )


def _of_file(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"the file of API keys {path} cannot be read: {error}") from error
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not keys:
        raise BadConfig(f"the file of API keys {path} holds none; it needs one a line")
    return keys


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
