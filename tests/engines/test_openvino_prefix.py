"""What one request has left in the cache serves the next, and changes no answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.engines.asking import CHAT, SKELETON, Greedy, free

from attune.engines.openvino import OpenVINOEngine
from attune.engines.paged.blocks import BlockPool
from attune.engines.paged.sequence import Sequence
from attune.models import POCKET
from attune.request import Prompt, Request

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "recorded" / "pocket_greedy.json").read_text(encoding="utf-8")
)
PREAMBLE = "Read the chat below and answer in the form that the last line asks for. " * 4


def about(chat: str, cue: str) -> Request:
    return Request(Prompt(PREAMBLE, (*CHAT, chat), cue), SKELETON)


def test_a_second_question_about_a_chat_reads_only_its_cue() -> None:
    engine = OpenVINOEngine(POCKET, cache_mb=16, exact=True)
    triage = engine.submit(about("Customer: It was order 7.", "Triage this chat.")).result()
    reply = engine.submit(about("Customer: It was order 7.", "Reply to the customer.")).result()
    engine.close()
    assert triage.cached_tokens == 0
    assert 0 <= reply.prompt_tokens - reply.cached_tokens <= 16


def test_chats_share_their_instructions_also_when_they_come_together() -> None:
    engine = OpenVINOEngine(POCKET, cache_mb=16, exact=True)
    asked = [engine.submit(about(f"Customer: It was order {number}.", "Triage.")) for number in range(6)]
    first, *others = [future.result() for future in asked]
    engine.close()
    assert first.cached_tokens == 0
    assert all(each.cached_tokens >= 96 for each in others)


def test_answers_are_the_same_with_the_cache_full_of_them_and_empty() -> None:
    requests = [replace(about(f"Customer: No {n % 3}.", f"Cue {n}."), slots=free(20).slots) for n in range(8)]
    alone = []
    for request in requests:
        engine = OpenVINOEngine(POCKET, cache_mb=0, context_tokens=512, exact=True)
        alone.append(engine.submit(request).result().text)
        engine.close()
    engine = OpenVINOEngine(POCKET, cache_mb=8, exact=True)
    for _ in range(2):
        answers = [future.result() for future in [engine.submit(request) for request in requests]]
        assert [answer.text for answer in answers] == alone
    assert all(answer.cached_tokens == answer.prompt_tokens - 1 for answer in answers)
    engine.close()


def test_greedy_tokens_are_those_of_transformers_in_small_steps_and_a_cache_too_small_for_all() -> None:
    engine = OpenVINOEngine(POCKET, cache_mb=0, context_tokens=640, step_tokens=100, exact=True)
    rows = [row for row in RECORDED if len(row["ids"]) < 500]
    writers = [Greedy(64) for _ in rows]
    futures = [
        engine.enqueue(Sequence(row["ids"], [writer])) for row, writer in zip(rows, writers, strict=True)
    ]
    for future in futures:
        future.result()
    stats = engine.stats()
    engine.close()
    assert stats.preemptions > 0
    assert [writer.ids for writer in writers] == [row["greedy"] for row in rows]


def test_blocks_that_hold_nothing_are_handed_out_first_then_the_longest_idle() -> None:
    pool = BlockPool(4)
    taken = pool.take(3)
    assert taken == [0, 1, 2]
    pool.publish(0, b"", (1, 2))
    pool.publish(2, b"", (1, 3))
    later, sooner = [0], [1, 2]
    pool.give_back(sooner)
    pool.give_back(later)
    assert pool.find(b"", (1, 2, 3)) == (0, 2)
    assert pool.take(4) == [1, 3, 2, 0]
    assert pool.find(b"", (1, 2, 3))[1] == 0


def test_a_block_is_found_by_the_longest_beginning_it_shares() -> None:
    pool = BlockPool(4)
    pool.take(3)
    pool.publish(0, b"", (1, 2, 3))
    pool.publish(1, b"", (1, 2, 4, 5))
    pool.publish(2, b"other", (1, 2, 4, 6))
    assert pool.find(b"", (1, 2, 4, 6)) == (1, 3)
    assert pool.find(b"", (1, 2, 3)) == (0, 3)
    assert pool.find(b"", (7,))[1] == 0
    assert pool.find(b"none", (1,))[1] == 0
    pool.publish(1, b"", (1, 2, 4, 5, 6))
    assert pool.find(b"", (1, 2, 4, 5, 6)) == (1, 5)
