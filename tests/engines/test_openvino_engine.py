"""The running batch: nobody waits for ever, nobody's trouble is another's, and every block comes back."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import Future, wait
from pathlib import Path

import pytest
from tests.engines.asking import CHAT, SKELETON, Broken, Greedy, ask, free

from attune.engines import Engine
from attune.engines.openvino import OpenVINOEngine
from attune.engines.paged.blocks import BlockPool
from attune.engines.paged.sequence import Sequence
from attune.errors import EngineError
from attune.models import POCKET
from attune.request import Completion, Fixed, Request, Sampling

ROOT = Path(__file__).parents[2]


def crowd(count: int) -> list[Request]:
    """Requests of every kind and length, most of them sampled."""
    slots = [SKELETON, free(30).slots, SKELETON[:4], SKELETON[6:]]
    return [
        ask(CHAT[: 1 + index % 3] * (1 + index % 7), slots[index % 4], Sampling(index % 5 / 4, index))
        for index in range(count)
    ]


def test_it_is_an_engine(exact: OpenVINOEngine) -> None:
    engine: Engine = exact
    assert engine.model == "pocket"


def test_an_answer_is_the_same_alone_and_among_thirty_others(exact: OpenVINOEngine) -> None:
    requests = crowd(31)
    alone = [exact.submit(request).result() for request in requests]
    together = [future.result() for future in [exact.submit(request) for request in requests]]
    assert [answer.text for answer in together] == [answer.text for answer in alone]
    assert [answer.finish for answer in together] == [answer.finish for answer in alone]


def test_another_seed_gives_another_answer(exact: OpenVINOEngine) -> None:
    texts = {exact.submit(ask(sampling=Sampling(1.0, seed))).result().text for seed in range(4)}
    assert len(texts) > 1


def test_an_answer_that_is_known_needs_no_model(exact: OpenVINOEngine) -> None:
    answer = exact.submit(ask(slots=(Fixed("{"), Fixed("}")))).result(timeout=0)
    assert (answer.text, answer.model) == ("{}", "pocket")


def test_requests_wait_for_room_in_a_full_cache(small: OpenVINOEngine) -> None:
    requests = [ask(CHAT * 2, SKELETON[6:]) for _ in range(12)]
    futures = [small.submit(request) for request in requests]
    assert len({future.result().text for future in futures}) == 1


def test_a_cancelled_request_gives_its_blocks_back(small: OpenVINOEngine) -> None:
    futures = [small.submit(free(100, 2000)) for _ in range(12)]
    cancelled = [future for future in futures[::2] if future.cancel()]
    assert cancelled
    for future in futures[1::2]:
        assert future.result().text
    small.submit(ask()).result()
    assert wait(cancelled, timeout=10).not_done == set()
    assert small.free_blocks == small.blocks


def test_a_request_cancelled_while_it_runs_gives_its_blocks_back(small: OpenVINOEngine) -> None:
    running = small.submit(free(150, 4000))
    while small.free_blocks == small.blocks:
        time.sleep(0.001)
    assert running.cancel()
    assert small.submit(ask()).result().text
    assert small.free_blocks == small.blocks


def test_a_request_in_trouble_ends_alone(exact: OpenVINOEngine) -> None:
    good = [exact.submit(free(20)) for _ in range(4)]
    bad = exact.enqueue(Sequence([2, 300, 301], [Broken(3)]))
    with pytest.raises(EngineError, match="no such thing") as caught:
        bad.result()
    assert isinstance(caught.value.__cause__, ValueError)
    assert all(future.result().text for future in good)


def test_a_step_that_fails_ends_its_requests_and_the_next_go_on(exact: OpenVINOEngine) -> None:
    unfeedable = [2**70]
    bad = exact.enqueue(Sequence(unfeedable, [Greedy(3)]))
    with pytest.raises(EngineError) as caught:
        bad.result()
    assert caught.value.__cause__ is not None
    assert exact.submit(ask()).result().text
    assert exact.free_blocks == exact.blocks


def test_a_program_may_end_without_close() -> None:
    program = (
        "from attune.engines.openvino import OpenVINOEngine\n"
        "from attune.models import POCKET\n"
        "from tests.engines.asking import free\n"
        "engine = OpenVINOEngine(POCKET)\n"
        "print([engine.submit(free(300, 3000)) for _ in range(20)][0].result().finish)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_one_waits_for_an_engine_whose_thread_has_ended() -> None:
    engine = OpenVINOEngine(POCKET, cache_mb=0)
    others = [engine.submit(free(100, 4000)) for _ in range(4)]
    nothing_to_feed = engine.enqueue(Sequence([], [Greedy(3)]))
    for future in [*others, nothing_to_feed]:
        assert future.exception() is None or isinstance(future.exception(), EngineError)
    with pytest.raises(EngineError, match="closed"):
        engine.submit(ask()).result()
    assert engine.free_blocks == engine.blocks


def test_close_ends_what_is_in_flight_and_lets_nothing_in() -> None:
    engine = OpenVINOEngine(POCKET, "mine", cache_mb=0)
    futures: list[Future[Completion]] = [engine.submit(free(500, 4000)) for _ in range(20)]
    engine.close()
    engine.close()
    for future in futures:
        with pytest.raises(EngineError, match="closed"):
            future.result()
    with pytest.raises(EngineError, match="closed"):
        engine.submit(ask()).result()
    assert engine.free_blocks == engine.blocks


def test_the_usual_precision_answers_too() -> None:
    engine = OpenVINOEngine(POCKET, cache_mb=16)
    answers = [future.result() for future in [engine.submit(request) for request in crowd(8)]]
    engine.close()
    assert all(answer.text and answer.prompt_tokens and answer.output_tokens for answer in answers)


def test_a_pool_hands_out_each_block_once_and_only_all_or_nothing() -> None:
    pool = BlockPool(5)
    first, second = pool.take(2), pool.take(3)
    assert first is not None
    assert second is not None
    assert sorted(first + second) == [0, 1, 2, 3, 4]
    assert pool.take(1) is None
    pool.give_back(first)
    assert (first, pool.free, pool.take(3)) == ([], 2, None)


def test_an_engine_says_what_it_has_done() -> None:
    engine = OpenVINOEngine(POCKET, cache_mb=0)
    first, again = (engine.submit(ask()).result() for _ in range(2))
    stats = engine.stats()
    engine.close()
    assert stats.prompt_tokens == first.prompt_tokens + again.prompt_tokens
    assert stats.cached_tokens == again.cached_tokens == again.prompt_tokens
    assert stats.hit_rate == 0.5
    assert (stats.running, stats.waiting, stats.preemptions) == (0, 0, 0)
    assert stats.free_blocks == stats.blocks
    assert 0 < stats.infer_s < stats.step_s
    assert stats.fed_tokens > stats.steps > 2
