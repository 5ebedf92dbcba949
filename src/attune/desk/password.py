"""Passwords, kept as Argon2id hashes with the parameters of RFC 9106's second choice (64 MiB, 3 passes)."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from attune.desk.refusal import Refused

MIN_CHARS, MAX_CHARS = 10, 1000
_HASHER = PasswordHasher()


def hashed(password: str) -> str:
    """The hash to keep. Raises Refused for a password of fewer than MIN_CHARS characters."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        raise Refused(
            f"A password has {MIN_CHARS} to {MAX_CHARS:,} characters; this one has {len(password):,}."
        )
    return _HASHER.hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Whether `password` made the hash `kept`. None, for a name nobody has, takes as long and is False."""
    try:
        _HASHER.verify(_nobody() if kept is None else kept, password[: MAX_CHARS + 1])
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_old(kept: str) -> bool:
    """Whether the hash was made with other parameters than those of today."""
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobody() -> str:
    return _HASHER.hash("a password that nobody has")
