"""The one act: every chat ends in one place, with every question that was put about it."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from attune.chat import Chat, Role, Turn
from attune.errors import EngineError
from attune.handle import Act, handle
from attune.outcome import Outcome, Place, Reason
from attune.request import Completion, Request
from attune.task import Task, find, load
from attune.testing import EngineContract, Script, ScriptedEngine

CHAT = Chat("7", "8", (Turn(Role.CUSTOMER, "My soup was cold, order 4821."),), "en")


@pytest.fixture(scope="module")
def triage() -> Task:
    return load(find("triage"))


def answers(*texts: str | Exception) -> Callable[[Request], str]:
    """Gives `texts` one after the other; an exception is raised."""
    left: Iterator[str | Exception] = iter(texts)

    def answer(_: Request) -> str:
        said = next(left)
        if isinstance(said, Exception):
            raise said
        return said

    return answer


def verdict(sentiment: object, summary: str = "Cold soup.") -> str:
    return json.dumps({"sentiment": sentiment, "summary": summary})


def handled(task: Task, *texts: str | Exception) -> Outcome:
    return handle(CHAT, Act(task, ScriptedEngine(answers(*texts))))


@pytest.mark.parametrize("sentiment", [0, 1])
def test_happy_and_neutral_chats_go_to_the_table(triage: Task, sentiment: int) -> None:
    outcome = handled(triage, verdict(sentiment))
    assert outcome.place is Place.TABLE
    assert outcome.values == {"sentiment": sentiment, "summary": "Cold soup."}
    assert (outcome.draft, outcome.reason, len(outcome.attempts)) == (None, None, 1)


def test_an_unhappy_chat_goes_to_review_with_a_draft(triage: Task) -> None:
    outcome = handled(triage, verdict(-1), "Sorry about your soup.")
    assert outcome.place is Place.REVIEW
    assert outcome.draft == "Sorry about your soup."
    assert [attempt.task for attempt in outcome.attempts] == ["triage", "reply"]


def test_an_answer_that_does_not_fit_is_asked_again_with_another_seed(triage: Task) -> None:
    outcome = handled(triage, "I feel good", verdict("-1"), verdict(1))
    assert outcome.place is Place.TABLE
    assert [attempt.seed for attempt in outcome.attempts] == [0, 1, 2]
    assert outcome.attempts[1].error == 'sentiment: "-1" is none of -1, 0, 1'


def test_a_chat_whose_answers_never_fit_is_a_dead_letter_with_every_text(triage: Task) -> None:
    outcome = handled(triage, "a", "b", "c")
    assert (outcome.place, outcome.reason) == (Place.DEAD, Reason.UNREADABLE_ANSWER)
    assert [attempt.text for attempt in outcome.attempts] == ["a", "b", "c"]
    assert "3 tries" in outcome.detail


def test_an_unhappy_chat_without_a_readable_draft_still_goes_to_a_person(triage: Task) -> None:
    outcome = handled(triage, verdict(-1), "", "", "")
    assert (outcome.place, outcome.draft) == (Place.REVIEW, None)
    assert outcome.flags == ("no draft: reply: empty",)
    assert len(outcome.attempts) == 4


@pytest.mark.parametrize("error", [EngineError("out of memory"), ValueError("out of memory")])
def test_an_engine_that_raises_costs_a_try_then_the_chat_is_dead_with_the_reason(
    triage: Task, error: Exception
) -> None:
    class Raising:
        model = "raising"
        lacks: frozenset[str] = frozenset()

        def submit(self, request: Request) -> Future[Completion]:
            raise error

        def close(self) -> None: ...

    outcome = handle(CHAT, Act(triage, Raising()))
    assert outcome.reason is Reason.ENGINE_FAILED
    assert "out of memory" in outcome.detail


def test_an_engine_that_never_answers_is_left_after_the_timeout(triage: Task) -> None:
    engine = ScriptedEngine(script=Script(hang=1.0))
    outcome = handle(CHAT, Act(triage, engine, tries=2, timeout_s=0.05))
    assert outcome.reason is Reason.ENGINE_TIMEOUT
    assert outcome.detail == "2 tries: no answer within 0.05 s"
    engine.close()


class Telling(ScriptedEngine):
    """Tells the sentiment at once, and gives the verdict only when something else was asked meanwhile."""

    def __init__(self, told: str, final: int) -> None:
        super().__init__(answers("Sorry about your soup."))
        self._told, self._final = told, final
        self.asked: list[str] = []
        self.triage: Future[Completion] = Future()

    def submit(self, request: Request) -> Future[Completion]:
        self.asked.append(request.task)
        if request.task == "triage":
            assert request.known is not None
            request.known("sentiment", self._told)
            return self.triage
        self.triage.set_result(Completion(verdict(self._final), "telling"))
        return super().submit(request)


def test_the_reply_is_asked_for_while_the_summary_is_still_being_written(triage: Task) -> None:
    engine = Telling("-1", -1)
    outcome = handle(CHAT, Act(triage, engine, timeout_s=10))
    assert engine.asked == ["triage", "reply"]
    assert (outcome.place, outcome.draft) == (Place.REVIEW, "Sorry about your soup.")


def test_a_reply_asked_for_too_early_is_dropped_when_the_verdict_turns_out_otherwise(triage: Task) -> None:
    outcome = handle(CHAT, Act(triage, Telling("-1", 1), timeout_s=10))
    assert (outcome.place, outcome.draft) == (Place.TABLE, None)


def test_what_was_invented_or_left_out_is_on_the_row(triage: Task) -> None:
    class Short(ScriptedEngine):
        def submit(self, request: Request) -> Future[Completion]:
            future: Future[Completion] = Future()
            future.set_result(Completion(verdict(1, "Order 99."), "short", dropped_lines=3))
            return future

    assert handle(CHAT, Act(triage, Short())).flags == (
        "shortened: 3 lines left out",
        "ungrounded: summary: 99",
    )


def test_the_same_chat_gets_the_same_outcome_from_many_threads(triage: Task) -> None:
    act = Act(triage, ScriptedEngine(script=Script(delay_ms=2)))
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(handle(CHAT, act))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    act.engine.close()
    assert len({json.dumps(dict(outcome.values)) for outcome in outcomes}) == 1
    assert len(outcomes) == 8


class TestScriptedEngine(EngineContract):
    def make(self) -> ScriptedEngine:
        return ScriptedEngine()


class TestDelayedScriptedEngine(EngineContract):
    def make(self) -> ScriptedEngine:
        return ScriptedEngine(script=Script(delay_ms=3))
