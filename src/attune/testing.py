"""For tests and dry runs: an engine that answers by rule, and the contract that every engine keeps."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl

from attune import prompt
from attune.chat import Chat, Role, Turn
from attune.engines import BEAMS, Engine, as_engine_error, refused
from attune.errors import BadConfig, EngineError
from attune.request import (
    Choice,
    Completion,
    Fixed,
    Free,
    Number,
    Pick,
    Prompt,
    Request,
    Sampling,
    Slot,
    literal,
)

Answer = Callable[[Request], str]


@dataclass(frozen=True, slots=True)
class Script:
    """How the scripted engine behaves. The shares are of chats, drawn by a hash of their words: the same
    chat always gets the same treatment, whatever is around it and however often the run is restarted."""

    delay_ms: float = 0.0
    unreadable: float = 0.0
    """Share of chats whose every answer is no JSON."""
    second_try: float = 0.0
    """Share of chats whose first answer is no JSON, and the next one fits."""
    fail: float = 0.0
    """Share of chats on which the engine raises."""
    hang: float = 0.0
    """Share of chats that never get an answer."""
    dies_after: float = 0.0
    """After so many requests the engine raises on every one, as a dead one does; 0 is never."""
    hangs_after: float = 0.0
    """After so many requests the engine answers none."""


class ScriptedEngine:
    """Fills the slots of any request by a hash of the chat, or answers what `answer` returns or raises.

    Deterministic, instant unless `delay_ms` is set, and as concurrent as asked: delays run side by side.
    """

    def __init__(self, answer: Answer | None = None, script: Script = Script()) -> None:
        self._answer = answer or fill
        self._script = script
        self._clock = _Clock() if script.delay_ms else None
        self._waiting: set[Future[Completion]] = set()
        self._closed = False
        self._asked = itertools.count(1)

    @classmethod
    def from_options(cls, options: str) -> ScriptedEngine:
        """The engine of an address like `scripted:delay_ms=5&fail=0.01`."""
        known = {part.name for part in fields(Script)}
        given = dict(parse_qsl(options))
        for name in given:
            if name not in known:
                raise BadConfig(
                    f"scripted engine: unknown option {name!r}; there are {', '.join(sorted(known))}"
                )
        try:
            return cls(script=Script(**{name: float(value) for name, value in given.items()}))
        except ValueError as error:
            raise BadConfig(f"scripted engine: {error}") from error

    @property
    def model(self) -> str:
        return "scripted"

    @property
    def lacks(self) -> frozenset[str]:
        return BEAMS

    def submit(self, request: Request) -> Future[Completion]:
        future: Future[Completion] = Future()
        asked = next(self._asked)
        if (refusal := refused(request, self.lacks, self.model)) is not None:
            future.set_exception(refusal)
        elif self._closed or 0 < self._script.dies_after < asked:
            future.set_exception(EngineError(f"the engine is {'closed' if self._closed else 'dead'}"))
        elif _share(request, "hang") < self._script.hang or 0 < self._script.hangs_after < asked:
            self._waiting.add(future)
        elif self._clock is None:
            self._finish(future, request, 0.0)
        else:
            delay_s = self._script.delay_ms / 1000
            self._clock.call_later(delay_s, lambda: self._finish(future, request, delay_s))
        return future

    def close(self) -> None:
        self._closed = True
        if self._clock is not None:
            self._clock.close()
        for future in self._waiting:
            if not future.done():
                future.set_exception(EngineError("the engine is closed"))
        self._waiting.clear()

    def _finish(self, future: Future[Completion], request: Request, seconds: float) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            text = self._text(request)
            _tell(request, text)
            if request.written is not None:
                request.written(text)
        except Exception as error:  # noqa: BLE001 - the boundary: `known` is the caller's, and ends its request
            future.set_exception(as_engine_error(error))
            return
        future.set_result(
            Completion(text, self.model, output_tokens=len(text) // 4, first_slot_s=seconds, total_s=seconds)
        )

    def _text(self, request: Request) -> str:
        if self._closed:
            raise EngineError("the engine is closed")
        if _share(request, "fail") < self._script.fail:
            raise EngineError("the script says this one fails")
        first_time = not request.sampling.seed
        share = _share(request, "unreadable")
        bad = share < self._script.unreadable
        bad_once = share < self._script.unreadable + self._script.second_try and first_time
        return "I would rather not say." if bad or bad_once else self._answer(request)


def fill(request: Request) -> str:
    """A valid answer to any request, each slot's value by a hash of the chat's words."""
    return "".join(_value(slot, request) for slot in request.slots)


def _tell(request: Request, text: str) -> None:
    """Calls the request's `known` for every choice whose value `text` has, if it is JSON."""
    try:
        answer = json.loads(text)
    except ValueError:
        return
    for slot in request.slots:
        if isinstance(slot, Choice) and request.known is not None:
            value = answer
            for name in slot.name.split("."):
                value = value.get(name) if isinstance(value, dict) else None
            said = json.dumps(value, ensure_ascii=False)
            if said in map(literal, slot.options):
                request.known(slot.name, said)


def _value(slot: Slot, request: Request) -> str:
    match slot:
        case Fixed(text=text):
            return text
        case Choice(name=name, options=options) | Pick(name=name, options=options):
            return options[int(_share(request, name) * len(options))]
        case Number(name=name, low=low, high=high, end=end):
            return f" {low + int(_share(request, name) * (high - low + 1))}{end}"
        case Free(max_chars=max_chars, json=in_json):
            words = " ".join(" ".join(_said(request)).split()[:20])[:max_chars].strip()
            return json.dumps(words, ensure_ascii=False)[1:-1] if in_json else words


def _said(request: Request) -> tuple[str, ...]:
    return (*request.prompt.lines, *(message.text for message in request.prompt.messages))


def _share(request: Request, salt: str) -> float:
    """A number from 0 to 1 that depends on the chat's words and `salt` alone."""
    words = "\n".join((salt, *_said(request))).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(words, digest_size=6).digest()) / 2**48


class _Clock:
    """Calls things later, all from one thread."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._change = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="attune-scripted", daemon=True)
        self._thread.start()

    def call_later(self, delay_s: float, call: Callable[[], None]) -> None:
        with self._change:
            heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._order), call))
            self._change.notify()

    def close(self) -> None:
        """Makes every call that is still due at once, then ends."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            with self._change:
                while not self._closed and (not self._due or self._due[0][0] > time.monotonic()):
                    self._change.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if not self._due:
                    return
                call = heapq.heappop(self._due)[2]
            call()


class EngineContract:
    """What every engine must keep. A test class inherits it and says how its engine is made."""

    def make(self) -> Engine:
        raise NotImplementedError

    def test_an_answer_has_every_slot_in_order(self) -> None:
        engine = self.make()
        try:
            completion = engine.submit(a_request()).result(timeout=60)
        finally:
            engine.close()
        answer = json.loads(completion.text)
        assert answer["feels"] in ("good", "bad")
        assert 1 <= answer["stars"] <= 12
        assert answer["quote"] in ("The soup was cold.", 'He said "no".')
        assert isinstance(answer["note"], str) and len(answer["note"]) <= 40
        assert completion.model == engine.model

    def test_many_requests_in_flight_each_get_their_own_answer(self) -> None:
        engine = self.make()
        requests = [a_request(f"Order {number}: the soup was cold.") for number in range(24)]
        try:
            alone = [engine.submit(request).result(timeout=60).text for request in requests[:6]]
            together = [future.result(timeout=120).text for future in [engine.submit(r) for r in requests]]
        finally:
            engine.close()
        assert together[:6] == alone

    def test_closing_ends_what_is_in_flight_and_lets_nothing_in(self) -> None:
        engine = self.make()
        futures = [engine.submit(a_request(f"Chat {number}")) for number in range(8)]
        engine.close()
        engine.close()
        late = engine.submit(a_request())
        for future in (*futures, late):
            assert future.done()
        assert isinstance(late.exception(timeout=0), EngineError)

    def test_a_cancelled_request_hinders_nobody(self) -> None:
        engine = self.make()
        try:
            futures = [engine.submit(a_request(f"Chat {number}")) for number in range(8)]
            for future in futures[::2]:
                future.cancel()
            for future in futures[1::2]:
                assert json.loads(future.result(timeout=60).text)
        finally:
            engine.close()

    def test_a_choice_is_told_once_and_before_the_answer_is_there(self) -> None:
        engine = self.make()
        told: list[tuple[str, ...]] = []
        ended = threading.Event()

        def end(future: Future[Completion]) -> None:
            told.append(("ended", str(future.exception())))
            ended.set()

        try:
            future = engine.submit(replace(a_request(), known=lambda *choice: told.append(choice)))
            future.add_done_callback(end)
            answer = json.loads(future.result(timeout=60).text)
            ended.wait(60)
        finally:
            engine.close()
        assert told == [("feels", json.dumps(answer["feels"])), ("ended", "None")]

    def test_a_setting_that_the_engine_lacks_is_refused_in_words(self) -> None:
        engine = self.make()
        settings: dict[str, Any] = {
            "num_beams": 2,
            "length_penalty": 0.5,
            "early_stopping": True,
            "min_p": 0.1,
            "top_k": 5,
            "repetition_penalty": 1.1,
            "no_repeat_ngram_size": 2,
        }
        plain = a_request()
        try:
            for name in sorted(engine.lacks):
                asked = replace(plain, sampling=replace(plain.sampling, **{name: settings[name]}))
                error = engine.submit(asked).exception(timeout=60)
                assert isinstance(error, EngineError)
                assert name in str(error)
        finally:
            engine.close()

    def test_the_pieces_of_a_text_as_it_is_written_are_the_text(self) -> None:
        engine = self.make()
        try:
            for whole, stop in itertools.product((True, False), ((), ("e ", "a"), ("soup was",))):
                pieces: list[str] = []
                asked = replace(a_text(stop, whole), written=pieces.append)
                text = engine.submit(asked).result(timeout=60).text
                assert "".join(pieces) == text
        finally:
            engine.close()

    def test_a_request_whose_listener_raises_ends_alone(self) -> None:
        def known(name: str, value: str) -> None:
            raise ValueError(f"{name} {value} was not wanted")

        engine = self.make()
        try:
            bad = engine.submit(replace(a_request(), known=known))
            good = engine.submit(a_request())
            assert json.loads(good.result(timeout=60).text)
            error = bad.exception(timeout=60)
        finally:
            engine.close()
        assert isinstance(error, EngineError)
        assert "was not wanted" in str(error)


def a_request(said: str = "The soup was cold.", task: str = "contract") -> Request:
    """A request with a slot of each kind about a chat of one turn."""
    chat = Chat(id="1", user_id="2", turns=(Turn(Role.CUSTOMER, said),))
    slots: tuple[Slot, ...] = (
        Fixed('{"feels":'),
        Choice("feels", (' "good",', ' "bad",')),
        Fixed(' "stars":'),
        Number("stars", 1, 12, ","),
        Fixed(' "quote": "'),
        Pick("quote", ("The soup was cold.", 'He said \\"no\\".')),
        Fixed('", "note": "'),
        Free("note", 40, 30),
        Fixed('"}'),
    )
    asked: Prompt = prompt.build("Answer in JSON.", chat, "How was it?")
    return Request(asked, slots, task=task, chat_id=chat.id)


def a_text(stop: tuple[str, ...] = (), whole: bool = True) -> Request:
    """A request for free text alone, drawn."""
    slot = Free("text", 200, 24, json=False, whole=whole)
    sampling = Sampling(temperature=1.5, seed=3, stop=stop)
    return replace(a_request(), slots=(slot,), sampling=sampling)
