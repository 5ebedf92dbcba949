"""The bounds of the service: how much of what a client may ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """As attune.config declares them, where each is explained."""

    max_body_bytes: int = 16_000_000
    max_file_bytes: int = 500_000_000
    max_list: int = 256
    max_request_tokens: int = 65_536
    max_requests: int = 256
    timeout_s: float = 120.0
    body_timeout_s: float = 30.0
    drain_s: float = 60.0
