"""Roles, and what each may do: one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    REVIEWER = "reviewer"
    LEAD = "lead"
    ADMIN = "admin"


class Right(StrEnum):
    """What a person can be allowed."""

    REVIEW = "review"
    """Claim, decide, undo, hand over, rate, correct."""
    COMPOSE = "compose"
    """Draft for a text of one's own, and save it as an example."""
    INSIGHT = "insight"
    """The pictures, the search and a chat's page."""
    ASSIGN = "assign"
    """Give anybody's item to anybody, or back to all."""
    EXPORT = "export"
    """Take the figures, the found chats and the examples elsewhere."""
    RESEND = "resend"
    """Send a reply again that could not be sent."""
    AUDIT = "audit"
    USERS = "users"


_ALL = frozenset(Role)
_LEADS = frozenset({Role.LEAD, Role.ADMIN})
MAY: Mapping[Right, frozenset[Role]] = {
    Right.REVIEW: _ALL,
    Right.COMPOSE: _ALL,
    Right.INSIGHT: _ALL,
    Right.ASSIGN: _LEADS,
    Right.EXPORT: _LEADS,
    Right.RESEND: _LEADS,
    Right.AUDIT: _LEADS,
    Right.USERS: frozenset({Role.ADMIN}),
}


def may(role: Role, right: Right) -> bool:
    return role in MAY[right]
