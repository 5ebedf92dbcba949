"""What goes wrong on the way to a server is tried again, waited for or told in words, and loses nothing."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.engines.faulty import Faulty, Handler, completion, faulty, hangs_up, piece, refuses, says

from attune.engines.http import HTTPEngine, Server
from attune.errors import BadConfig, BadRequest, EngineError
from attune.request import Sampling
from attune.testing import a_request, a_text

ANSWER = '{"feels": "good", "stars": 3, "quote": "The soup was cold.", "note": "Cold."}'


@contextmanager
def engine_of(server: Faulty, options: str = "", **environment: str) -> Iterator[HTTPEngine]:
    engine = HTTPEngine(Server.of(server.address + options, environment))
    try:
        yield engine
    finally:
        engine.close()


def test_a_server_that_fails_or_hangs_up_is_asked_again() -> None:
    def cut(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"choices"')
        hangs_up(handler)

    script = (refuses(500), hangs_up, cut, lambda handler: handler.say(200, b"<html>gateway</html>"))
    with faulty(*script) as server, engine_of(server) as engine:
        done = engine.submit(a_text()).result(30)
    assert done.text == "Fine."
    assert (done.prompt_tokens, done.output_tokens, done.cached_tokens) == (7, 3, 5)
    assert len(server.asked) == 5


def test_what_never_works_ends_in_words_after_five_tries() -> None:
    with faulty(else_=refuses(502, "no backend")) as server, engine_of(server) as engine:
        error = engine.submit(a_text()).exception(30)
    assert isinstance(error, EngineError)
    assert not isinstance(error, BadRequest)
    assert "answered 502: no backend" in str(error)
    assert len(server.asked) == 5


def test_a_server_that_is_down_does_not_meet_every_request_five_times() -> None:
    with faulty(else_=refuses(500)) as server, engine_of(server) as engine:
        futures = [engine.submit(a_text()) for _ in range(100)]
        assert all(isinstance(future.exception(60), EngineError) for future in futures)
    assert 100 < len(server.asked) <= 151


def test_who_counts_requests_is_waited_for_by_all() -> None:
    """No request goes out before its time, and none is lost."""
    with faulty(refuses(429, retry_after="0.6")) as server, engine_of(server) as engine:
        began = time.monotonic()
        first = engine.submit(a_text())
        while not server.asked:
            time.sleep(0.01)
        time.sleep(0.2)
        second = engine.submit(a_text())
        assert second.result(30).text == first.result(30).text == "Fine."
        assert time.monotonic() - began > 0.6
    assert len(server.asked) == 3


def test_an_answer_that_says_there_is_no_more_room_holds_the_next_one_back() -> None:
    headers = {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "500ms"}
    with faulty(says("First.", **headers)) as server, engine_of(server) as engine:
        began = time.monotonic()
        assert engine.submit(a_text()).result(30).text == "First."
        assert engine.submit(a_text()).result(30).text == "Fine."
        assert time.monotonic() - began > 0.45


def test_who_is_to_be_waited_for_until_tomorrow_is_not() -> None:
    with faulty(refuses(429, "quota", retry_after="86400")) as server, engine_of(server) as engine:
        error = engine.submit(a_text()).exception(30)
    assert "answered 429: quota" in str(error)


def test_silence_is_not_waited_for_longer_than_said() -> None:
    def silent(handler: Handler) -> None:
        handler.gone(5)
        handler.close_connection = True

    with faulty(silent) as server, engine_of(server, "?read_s=0.2") as engine:
        assert engine.submit(a_text()).result(30).text == "Fine."
    assert len(server.asked) == 2


def test_an_answer_that_drips_is_not_waited_for_longer_than_said() -> None:
    def drips(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not handler.gone(0.05):
            handler.wfile.write(b" ")

    with faulty(drips) as server, engine_of(server, "?total_s=0.4") as engine:
        assert engine.submit(a_text()).result(30).text == "Fine."


def test_a_huge_answer_is_not_read_to_its_end() -> None:
    def huge(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * 1_000_000)

    with faulty(huge) as server, engine_of(server) as engine:
        error = engine.submit(a_text()).exception(30)
    assert "longer than 16,000,000 bytes" in str(error)


def test_what_is_no_completion_is_told_in_words() -> None:
    said = b'{"choices": [{"message": {"content": 5}}]}'
    bodies = itertools.cycle([b"", b"[]", b'{"choices": 5}', b'{"choices": [5]}', said, b"[" * 99999])
    with faulty(else_=lambda handler: handler.say(200, next(bodies))) as server, engine_of(server) as engine:
        errors = [future.exception(30) for future in [engine.submit(a_text()) for _ in range(6)]]
    for error in errors:
        assert isinstance(error, EngineError)
        assert str(error).startswith("The server's answer")


def test_a_stream_that_breaks_off_after_pieces_were_told_is_no_text() -> None:
    """The pieces cannot be taken back, so nothing may be told a second time."""
    told: list[str] = []
    asked = replace(a_text(whole=False), written=told.append)
    with faulty(lambda handler: handler.stream(piece("Good "), piece("morning"))) as server:
        with engine_of(server) as engine:
            error = engine.submit(asked).exception(30)
        assert "broke off" in str(error)
        assert "".join(told) == "Good morning"
        assert len(server.asked) == 1


def test_a_stream_that_ends_in_an_error_is_asked_for_again() -> None:
    told: list[str] = []
    events = (piece(""), {"error": {"message": "out of memory"}})
    ends = lambda handler: handler.stream(piece("Fine."), piece("", "stop"), "[DONE]")  # noqa: E731
    with faulty(lambda handler: handler.stream(*events), ends) as server, engine_of(server) as engine:
        assert engine.submit(replace(a_text(), written=told.append)).result(30).text == "Fine."
    assert told == ["Fine."]


def test_a_request_that_is_cancelled_closes_its_connection() -> None:
    gone = threading.Event()
    waiting = threading.Event()

    def waits(handler: Handler) -> None:
        waiting.set()
        if handler.gone(20):
            gone.set()
        handler.close_connection = True

    with faulty(waits) as server, engine_of(server) as engine:
        future = engine.submit(a_text())
        assert waiting.wait(20)
        assert future.cancel()
        assert gone.wait(20)
        assert engine.submit(a_text()).result(30).text == "Fine."


def test_the_key_is_sent_and_told_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    key = "sk-very-secret"
    echo = refuses(400, f"seed: not for the key {key}")
    wrong = refuses(401, f"Incorrect API key provided: {key}")
    with faulty(echo, wrong) as server, engine_of(server, "?key=OTHER_KEY", OTHER_KEY=key) as engine:
        error = engine.submit(a_text()).exception(30)
        assert key not in repr(engine.__dict__)
    assert [headers["Authorization"] for headers in server.headers] == [f"Bearer {key}"] * 3
    assert "the key in OTHER_KEY is not accepted" in str(error)
    assert "Incorrect API key provided: …" in str(error)
    assert "is asked without" in caplog.text
    assert key not in caplog.text


def test_a_wrong_address_is_told_before_any_chat_is_asked() -> None:
    with faulty() as server:
        server.models += [{"id": "models/gemini", "object": "model"}]
        for options, told in (
            ("?model=other", r"has no model 'other'; there are: toy, models/gemini"),
            ("", r"has several models: name one, …\?model=NAME; there are: toy"),
        ):
            with pytest.raises(EngineError, match=told), engine_of(server, options):
                pass
        with engine_of(server, "?model=gemini") as engine:
            assert engine.model == "models/gemini"
        for options, told in (
            ("?modell=toy", "unknown option 'modell'; there are: concurrency"),
            ("?key=NOT_SET", "the variable that key= names is not set"),
            ("?read_s=soon", "read_s='soon' is no number"),
        ):
            with pytest.raises(BadConfig, match=told):
                Server.of(server.address + options, {})
        server.status = 401
        with pytest.raises(EngineError, match="a key is needed: set ATTUNE_ENGINE_KEY"), engine_of(server):
            pass
    with pytest.raises(EngineError, match="Is the server running"):
        HTTPEngine(Server.of(server.address, {}))
    with pytest.raises(BadConfig, match="holds no key"):
        Server.of("http://user:secret@127.0.0.1/v1", {})


def test_a_server_that_goes_away_is_told_by_each_request() -> None:
    with faulty() as server, engine_of(server) as engine:
        server.shutdown()
        server.server_close()
        error = engine.submit(a_text()).exception(30)
    assert "no connection" in str(error)
    assert "Is the server running?" in str(error)


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
        "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
        "The input token count (5000) exceeds the maximum number of tokens allowed (4096).",
        "The messages are 5000 tokens and there is room for 4096 beside the answer: shorten them.",
    ],
)
def test_a_chat_that_has_no_room_loses_lines_of_its_middle(message: str) -> None:
    def short(handler: Handler) -> None:
        if len(handler.asked["messages"][0]["content"]) > 600:
            handler.say(400, {"error": {"message": message}})
        else:
            handler.say(200, completion(ANSWER))

    request = a_request()
    lines = tuple(f"Customer: This is line {number}." for number in range(50))
    long = replace(request, prompt=replace(request.prompt, lines=lines))
    with faulty(else_=short) as server, engine_of(server) as engine:
        done = engine.submit(long).result(30)
        said = server.asked[-1]["messages"][0]["content"]
        assert lines[0] in said
        assert lines[-1] in said
        assert done.dropped_lines == 50 - said.count("Customer:")
        talk = replace(long, prompt=replace(request.prompt, lines=(), preamble="x" * 700))
        error = engine.submit(talk).exception(30)
        assert isinstance(error, BadRequest)
        assert message[:30] in str(error)


def test_what_a_server_does_not_know_is_left_out_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    def picky(handler: Handler) -> None:
        unknown = [name for name in ("response_format", "logprobs") if name in handler.asked]
        if unknown:
            handler.say(400, {"error": {"message": f"Unknown name {unknown[0]!r}"}})
        else:
            handler.say(200, completion(f"Sure! {ANSWER}"))

    with faulty(else_=picky) as server, engine_of(server) as engine, caplog.at_level(logging.WARNING):
        texts = [engine.submit(a_request()).result(30).text for _ in range(3)]
    assert texts == [f"Sure! {ANSWER}"] * 3
    assert len(server.asked) == 5
    assert [record.getMessage()[:50] for record in caplog.records] == [
        "The server does not take response_format, and is a",
        "The server does not take logprobs, top_logprobs, a",
    ]


def test_gemini_s_words_for_what_it_does_not_know_are_understood() -> None:
    """As its users report them: one error in a list, its fields under other names."""

    def gemini(handler: Handler) -> None:
        said = {
            "seed": 'Invalid JSON payload received. Unknown name \\"seed\\": Cannot find field.',
            "logprobs": "Logprobs is not enabled for models/gemini-2.5-flash",
            "response_format": "Unknown name 'minLength' at 'generation_config.response_schema'",
        }
        if unknown := [name for name in said if name in handler.asked]:
            handler.say(400, [{"error": {"code": 400, "message": said[unknown[0]]}}])
        else:
            handler.say(200, completion(ANSWER))

    drawn = replace(a_request(), sampling=Sampling(0.5, seed=1))
    with faulty(else_=gemini) as server, engine_of(server) as engine:
        assert [engine.submit(drawn).result(30).text for _ in range(2)] == [ANSWER] * 2
    assert len(server.asked) == 5
    assert "top_logprobs" not in server.asked[2]


def test_what_a_server_refuses_for_one_chat_is_not_left_out_of_the_next() -> None:
    fine = says(ANSWER)
    complex_ = refuses(400, "response_format: too complex")
    with faulty(fine, complex_, else_=fine) as server, engine_of(server) as engine:
        for _ in range(3):
            assert engine.submit(a_request()).result(30).text == ANSWER
    assert ["response_format" in asked for asked in server.asked] == [True, True, False, True]


def test_no_more_are_out_than_the_server_bears() -> None:
    """A server that takes four at once refuses few, and all are answered."""
    lock, inside, refused_ = threading.Lock(), [0], [0]

    def four(handler: Handler) -> None:
        with lock:
            room = inside[0] < 4
            inside[0] += room
            refused_[0] += not room
        if not room:
            handler.say(429, {"error": {"message": "busy"}})
            return
        time.sleep(0.02)
        with lock:
            inside[0] -= 1
        handler.say(200, completion(ANSWER))

    with faulty(else_=four) as server, engine_of(server) as engine:
        futures = [engine.submit(a_request(str(number))) for number in range(150)]
        assert {future.result(60).text for future in futures} == {ANSWER}
    assert len(server.asked) == 150 + refused_[0]
    assert refused_[0] < 100


def test_the_answer_s_end_is_told_as_it_was() -> None:
    script = (says("Good morning. And good", "length"), says("", "content_filter"))
    with faulty(*script) as server, engine_of(server) as engine:
        cut = engine.submit(a_text()).result(30)
        assert (cut.text, cut.finish) == ("Good morning.", "limit")
        assert "content filter" in str(engine.submit(a_text()).exception(30))


def test_a_choice_s_probability_is_that_among_its_options() -> None:
    def token(text: str, **likely: float) -> dict[str, Any]:
        told = [{"token": other, "logprob": logprob} for other, logprob in likely.items()]
        return {"token": text, "logprob": -0.5, "top_logprobs": [{"token": text, "logprob": -0.5}, *told]}

    text = '{"feels": "bad", "stars": 3, "quote": "The soup was cold.", "note": "Cold ❄."}'
    tokens = [
        token('{"feels"'),
        token(":"),
        {"token": ' "', "logprob": -0.1, "top_logprobs": [{"token": ' "', "logprob": -0.1}]},
        {
            "token": "b",
            "logprob": -1.0,
            "top_logprobs": [
                {"token": "b", "logprob": -1.0},
                {"token": "great", "logprob": -0.9},
                {"token": "go", "logprob": -1.0},
                {"token": "good", "logprob": -3.0},
            ],
        },
        token("ad"),
        token('", "stars": 3, "quote": "The soup was cold.", "note": "Cold '),
        *(token("\ufffd") for _ in "❄".encode()),
        token('."}'),
    ]
    answer = completion(text, logprobs={"content": tokens})
    with faulty(else_=lambda handler: handler.say(200, answer)) as server, engine_of(server) as engine:
        done = engine.submit(a_request()).result(30)
    assert done.probabilities == {"feels": pytest.approx(1 / (2 + 0.1353352832366127))}
    assert server.asked[0]["logprobs"] is True
    assert json.loads(done.text)["feels"] == "bad"
