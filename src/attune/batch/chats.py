"""Chats: each through the one act, with the outcomes and values that `attune run` gives."""

from __future__ import annotations

from attune import export
from attune.batch.job import Job
from attune.batch.rows import Row
from attune.batch.written import Failed, encoded
from attune.chat import parse_chat
from attune.handle import handle
from attune.outcome import Place
from attune.store.outcomes import columns_of, stored

_TIMES = ("first_slot_s", "total_s", "created_at")
"""Left out: the rows of a job that was killed and gone on with are those of one left in peace."""


def answer(raw: bytes, number: int, job: Job) -> Row:
    """The row of a chat: the columns of `attune results`. Raises BadChat, or Failed for a dead letter."""
    outcome = handle(parse_chat(raw, job.limits.max_chat_bytes), job.act)
    if outcome.place is Place.DEAD:
        assert outcome.reason is not None
        raise Failed(outcome.reason, outcome.detail)
    columns = export.row(stored(columns_of(outcome) | {"created_at": 0.0}), job.act.task)
    row = {name: value for name, value in columns.items() if name not in _TIMES}
    line = encoded({"record": number, **row, "review_draft": outcome.draft})
    return Row(number, line, outcome.prompt_tokens, outcome.output_tokens)
