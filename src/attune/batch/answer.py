"""One line of a batch's input, and the row it ends as: whatever is in it, and whatever comes of it."""

from __future__ import annotations

import logging
from typing import Any

from attune.batch import chats, requests, texts
from attune.batch.job import Job
from attune.batch.record import Kind, Line, kept, kind_of, load, original
from attune.batch.rows import Row
from attune.batch.written import Failed, encoded
from attune.errors import BadChat, BadConfig, BadRequest, EngineError, told
from attune.outcome import ENGINE_REASONS, Reason

log = logging.getLogger(__name__)

_FAULT = "fault"
"""The reason of a record that met a fault of ours."""


def answer(line: Line, job: Job) -> Row:
    """The row of a line: an answer, or why there is none. Never raises: one record never stops the others."""
    raw = original(line.raw)
    record: dict[str, Any] = {}
    try:
        record = load(raw, job.limits.max_chat_bytes)
        return _answer(record, raw, line.number, job)
    except (BadConfig, BadChat, BadRequest) as error:
        reason, why = str(Reason.BAD_INPUT), str(error)
    except Failed as error:
        reason, why = str(error.reason), str(error)
    except TimeoutError:
        reason, why = str(Reason.ENGINE_TIMEOUT), f"no answer within {job.act.timeout_s:g} s"
    except EngineError as error:
        reason, why = str(Reason.ENGINE_FAILED), str(error)
    except Exception as error:  # a fault of ours: on this row, and the other records go on
        log.warning("A record met a fault", extra={"action": "batch_fault", "ref": line.ref}, exc_info=error)
        reason, why = _FAULT, f"{type(error).__name__}: {told(error)}"
    return _failure(line, raw, record, job, reason, why)


def _answer(record: dict[str, Any], raw: bytes, number: int, job: Job) -> Row:
    kind = kind_of(record, job.template.keys)
    if kind is not job.kind:
        is_one = f"this is a {kind} record" if kind else "this is none: there is no text_inputs"
        raise BadConfig(f"the job's records are of kind {job.kind}, as its first, and {is_one}")
    if kind is Kind.CHAT:
        return chats.answer(raw, number, job)
    if kind is Kind.OPENAI:
        return requests.answer(record, number, job)
    return texts.answer(record, number, job)


def _failure(line: Line, raw: bytes, record: dict[str, Any], job: Job, reason: str, why: str) -> Row:
    if job.kind is Kind.OPENAI:
        ours = reason in ENGINE_REASONS or reason == _FAULT
        row = requests.failure(record.get("custom_id"), line.number, reason, why, ours)
    else:
        known = {"id": record["id"]} if isinstance(record.get("id"), int | str) else {}
        row = {"record": line.number, **known, "reason": reason, "error": why, "ref": line.ref}
    return Row(line.number, encoded({**row, **kept(raw)}), reason=reason)
