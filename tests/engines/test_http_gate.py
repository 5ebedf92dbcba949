"""How many are out at once, and how long they are held back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest

from attune.engines.http.gate import Budget, Gate, asked_s


def apart(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What it gives, in a thread of its own: in this one a browser of another test may have its loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def test_more_and_more_are_let_out_and_half_after_a_refusal() -> None:
    async def run(*rounds: bool) -> list[int]:
        """The limit after each round of as many as are let out, all of them answered or all refused."""
        gate = Gate(100)
        limits = [gate.limit]
        for well in rounds:
            let_out = [await gate.enter() for _ in range(gate.limit)]
            for since in let_out:
                if well:
                    gate.answered()
                else:
                    gate.congested(since)
            for _ in let_out:
                gate.leave()
            limits.append(gate.limit)
        return limits

    assert apart(run(True, True, False, True, True)) == [16, 32, 64, 32, 32, 33]
    assert apart(run(True, True, True, *[False] * 8)) == [16, 32, 64, 100, 50, 25, 12, 6, 3, 1, 1, 1]


def test_one_that_gives_up_its_place_holds_nobody_back() -> None:
    async def run() -> None:
        gate = Gate(1)
        await gate.enter()
        gone, next_ = (asyncio.create_task(gate.enter()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        gate.leave()
        await asyncio.wait_for(next_, 5)

    apart(run())


def test_one_that_gives_up_when_its_turn_has_come_passes_it_on() -> None:
    async def run() -> None:
        gate = Gate(1)
        await gate.enter()
        gone, next_ = (asyncio.create_task(gate.enter()) for _ in range(2))
        await asyncio.sleep(0)
        gate.leave()
        gone.cancel()
        await asyncio.wait_for(next_, 5)

    apart(run())


def test_answers_pay_for_tries() -> None:
    budget = Budget()
    tries = [budget.failed() for _ in range(60)]
    assert tries == [True] * 49 + [False] * 11
    for _ in range(120):
        budget.answered()
    assert budget.failed()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Retry-After": "3"}, 3),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "-1"}, 0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-tokens": "1", "x-ratelimit-reset-tokens": "1h"}, 0),
        (
            {
                "retry-after": "1.5",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1m2.5s",
            },
            62.5,
        ),
    ],
)
def test_what_a_server_asks_for_is_read(headers: dict[str, str], seconds: float) -> None:
    assert asked_s(headers) == pytest.approx(seconds)


def test_a_date_to_come_again_is_read() -> None:
    assert asked_s({"Retry-After": formatdate(time.time() + 30, usegmt=True)}) == pytest.approx(30, abs=2)
    assert asked_s({"Retry-After": formatdate(time.time() - 30, usegmt=True)}) == 0
