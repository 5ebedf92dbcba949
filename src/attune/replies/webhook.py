"""Replies as signed HTTP requests, in the form of Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from attune.errors import BadConfig
from attune.replies import NotSent, NotWanted

TIMEOUT_S = 10.0
MIN_SECRET_BYTES = 24
_PREFIX = "whsec_"
_TRANSIENT = frozenset({408, 425, 429})


class Webhook:
    """A POST for each reply: JSON, with the headers webhook-id (the idempotency key, and so Idempotency-Key),
    webhook-timestamp and webhook-signature.

    The signature is "v1," and the base64 of HMAC-SHA256 over "id.timestamp.body" under the secret. Any 2xx
    is an arrival; 408, 425, 429, 5xx and no answer are tried again; all else, redirects too, is a refusal.
    """

    def __init__(self, url: str, secret: str, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadConfig(f"{parts.scheme}: is no address like https://host/path")
        if parts.username or parts.password:
            raise BadConfig("a webhook's address holds no password: its requests are signed instead")
        self._url, self._secret = url, secret_bytes(secret)
        self._name = f"{parts.scheme}://{parts.netloc}{parts.path}"
        self._pool = urllib3.PoolManager(timeout=timeout_s, retries=False)

    @property
    def name(self) -> str:
        return self._name

    def send(self, reply: Mapping[str, Any]) -> None:
        body = json.dumps(dict(reply), ensure_ascii=False).encode()
        headers = signed(self._secret, str(reply["idempotency_key"]), int(time.time()), body)
        try:
            # What the receiver answers besides its status is nobody's: it is not read, however long it is.
            answer = self._pool.request(
                "POST", self._url, body=body, headers=headers, redirect=False, preload_content=False
            )
            answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise NotSent(f"{self.name} gave no answer: {type(error).__name__}") from error
        if 200 <= answer.status < 300:
            return
        told = f"{self.name} answered {answer.status}"
        if answer.status >= 500 or answer.status in _TRANSIENT:
            raise NotSent(told)
        raise NotWanted(told)

    def close(self) -> None:
        self._pool.clear()


def signed(secret: bytes, key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a request."""
    said = f"{key}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, said, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "idempotency-key": key,
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def secret_bytes(secret: str) -> bytes:
    """The key in a secret "whsec_" + base64, of 24 bytes or more. Raises BadConfig."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(_PREFIX) or len(key) < MIN_SECRET_BYTES:
        raise BadConfig(
            f"the secret of a webhook must be {_PREFIX} and the base64 of {MIN_SECRET_BYTES} bytes or more. "
            "Make one: echo whsec_$(openssl rand -base64 32) > webhook.secret"
        )
    return key
