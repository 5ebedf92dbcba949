"""Records of OpenAI's batch files: `{"custom_id", "method", "url", "body"}`, answered in its shape."""

from __future__ import annotations

from typing import Any

from attune import openai
from attune.batch.job import Job
from attune.batch.rows import OPENAI_ID, Row
from attune.batch.texts import answers_of
from attune.batch.written import encoded
from attune.errors import BadConfig
from attune.given import lay, settle

_URLS = (openai.CHAT, openai.COMPLETIONS)
_KEYS = frozenset({"custom_id", "method", "url", "body"})


def answer(record: dict[str, Any], number: int, job: Job) -> Row:
    """The row of a request. Raises BadConfig, EngineError or TimeoutError."""
    url, body = _checked(record)
    asked = openai.read_body(url, body)
    generation = settle(lay(lay(openai.DEFAULTS, job.given), asked.given))
    answers = answers_of(asked.prompts, generation, job.act, asked.slots)
    name = f"{number:012d}"
    response = openai.response(url, answers, name, job.created, job.act.engine.model)
    row = _row(record.get("custom_id"), number, 200, response)
    return Row(
        number, encoded(row), response["usage"]["prompt_tokens"], response["usage"]["completion_tokens"]
    )


def failure(custom_id: Any, number: int, reason: str, why: str, ours: bool) -> dict[str, Any]:
    """The row of a request that failed, by a fault of `ours` or of the request."""
    kind = "server_error" if ours else "invalid_request_error"
    shown = custom_id if isinstance(custom_id, str) else None
    return _row(shown, number, 500 if ours else 400, openai.error(why, kind, reason))


def _row(custom_id: str | None, number: int, status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{OPENAI_ID}{number:012d}",
        "custom_id": custom_id,
        "response": {"status_code": status, "request_id": f"req_{number:012d}", "body": body},
        "error": None,
    }


def _checked(record: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if unknown := sorted(record.keys() - _KEYS):
        raise BadConfig(f"{unknown[0]}: not a key of a request; there are {', '.join(sorted(_KEYS))}")
    if not isinstance(record.get("custom_id"), str) or not record["custom_id"]:
        raise BadConfig("custom_id: a text is needed, another one for each request")
    if record.get("method") != "POST":
        raise BadConfig("method: it must be POST")
    if record.get("url") not in _URLS:
        raise BadConfig(f"url: {record.get('url')!r:.60} is none of {', '.join(_URLS)}")
    if not isinstance(record.get("body"), dict):
        raise BadConfig("body: an object is needed")
    return record["url"], record["body"]
