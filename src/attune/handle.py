"""The one act: what the stream, the batch, the service and the pipeline all do with a chat."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from attune.answer import Verdict, parse
from attune.arms import BASE
from attune.chat import Chat
from attune.engines import Engine
from attune.errors import EngineError, Misfit
from attune.outcome import Attempt, Outcome, Place, Reason
from attune.question import Question
from attune.request import Completion, Sampling
from attune.task import Task

_FREEDOM = 0.7


@dataclass(frozen=True, slots=True)
class Act:
    """What is done with a chat: the task, the engine that answers, and how long it is asked.

    Drafts are asked of the `drafter`, where there is one, and drawn by `sampling`. An act is also Acts: the
    one for every chat.
    """

    task: Task
    engine: Engine
    tries: int = 3
    timeout_s: float = 120.0
    arm: str = BASE
    drafter: Engine | None = None
    sampling: Sampling = Sampling()

    @property
    def main(self) -> Act:
        return self

    @property
    def versions(self) -> frozenset[str]:
        return frozenset({self.task.version})

    @property
    def arms(self) -> Mapping[str, Act]:
        return {self.arm: self}

    def act_for(self, key: str) -> Act:
        return self

    @property
    def drafting(self) -> Act:
        """The same, asked of the engine that drafts."""
        return self if self.drafter is None else replace(self, engine=self.drafter)


class Acts(Protocol):
    """Which act each chat is handled by: one for all, or the arms of a split (attune.serving)."""

    @property
    def main(self) -> Act:
        """The act of most chats, and of whatever is no chat; it may be another the next time."""

    @property
    def versions(self) -> frozenset[str]:
        """The versions of the task: a chat that has an outcome of one of them is done."""

    @property
    def arms(self) -> Mapping[str, Act]:
        """Every act, by the name of its arm: also those that no chat comes to."""

    def act_for(self, key: str) -> Act:
        """The act of the chat with the id `key`. Whoever holds an act can ask its engines."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking one task: a verdict, or None and the reason; and every attempt on the way."""

    verdict: Verdict | None
    completion: Completion | None
    attempts: tuple[Attempt, ...]
    reason: Reason | None = None


def handle(chat: Chat, act: Act) -> Outcome:
    """Where `chat` ends: a table row, a review item with a drafted reply, or a dead letter."""
    began = time.monotonic()
    escalation = act.task.escalation
    triage = _put(act.task, chat, act)
    early = _early_draft(triage, chat, act)
    asked = ask(act.task, chat, act, triage)
    if asked.verdict is None:
        outcome = _dead(chat, act, asked)
    elif escalation is None or not escalation.applies(asked.verdict.values):
        outcome = _outcome(Place.TABLE, chat, act, asked)
    else:
        drafted = ask(escalation.draft, chat, act.drafting, early, act.sampling)
        outcome = _with_draft(_outcome(Place.REVIEW, chat, act, asked), chat, escalation.draft, drafted)
    if early is not None:
        early.cancel()
    return replace(outcome, total_s=time.monotonic() - began)


def ask(
    task: Task, chat: Chat, act: Act, first: Question | None = None, sampling: Sampling = Sampling()
) -> Answer:
    """Asks `task` about `chat` until an answer fits, at most `act.tries` times, each with its own seed.

    The first time is as `sampling` says, and `first` may be that question, put already; a model that is asked
    again is given some freedom, or it would say the same.
    """
    attempts: list[Attempt] = []
    reason = Reason.UNREADABLE_ANSWER
    for seed in range(act.tries):
        question = first if first and seed == 0 else _put(task, chat, act, sampling, seed)
        text = ""
        try:
            completion = question.answer()
            text = completion.text
            verdict = parse(task, text, chat)
            attempts.append(Attempt(task.name, seed, text, "", time.monotonic() - question.began))
            return Answer(verdict, completion, tuple(attempts))
        except Misfit as error:
            reason, why = Reason.UNREADABLE_ANSWER, str(error)
        except TimeoutError:
            reason, why = Reason.ENGINE_TIMEOUT, f"no answer within {act.timeout_s:g} s"
        except EngineError as error:
            reason, why = Reason.ENGINE_FAILED, str(error)
        attempts.append(Attempt(task.name, seed, text, why, time.monotonic() - question.began))
    return Answer(None, None, tuple(attempts), reason)


def _put(task: Task, chat: Chat, act: Act, sampling: Sampling = Sampling(), seed: int = 0) -> Question:
    freedom = sampling.temperature or (_FREEDOM if seed else 0.0)
    drawn = replace(sampling, temperature=freedom, seed=seed)
    return Question(act.engine, task.request(chat, drawn), act.timeout_s)


def _early_draft(triage: Question, chat: Chat, act: Act) -> Question | None:
    """The draft's question, put as soon as the choices that ask for it are known: the rest of the
    verdict is still being written then."""
    escalation, known = act.task.escalation, dict[str, Any]()
    if escalation is None:
        return None
    for name, value in triage.choices():
        known[name] = value
        if escalation.when.keys() <= known.keys():
            asked = escalation.applies(known)
            return _put(escalation.draft, chat, act.drafting, act.sampling) if asked else None
    return None


def _outcome(place: Place, chat: Chat, act: Act, asked: Answer) -> Outcome:
    assert asked.verdict is not None
    assert asked.completion is not None
    completion = asked.completion
    dropped = completion.dropped_lines
    shortened = (f"shortened: {dropped} lines left out",) if dropped else ()
    return Outcome(
        place=place,
        key=chat.id,
        digest=chat.digest,
        task=act.task.name,
        task_version=act.task.version,
        chat=chat.to_json(),
        values=asked.verdict.values,
        confidence=completion.probabilities,
        flags=shortened + asked.verdict.flags,
        attempts=asked.attempts,
        model=completion.model,
        arm=act.arm,
        prompt_tokens=completion.prompt_tokens,
        output_tokens=completion.output_tokens,
        first_slot_s=completion.first_slot_s,
    )


def _with_draft(outcome: Outcome, chat: Chat, task: Task, drafted: Answer) -> Outcome:
    """The review item with its draft. Without a readable one it still goes to a person, who must know why."""
    if drafted.verdict is None or drafted.completion is None:
        why = f"no draft: {drafted.attempts[-1].error}"
        return replace(outcome, flags=(*outcome.flags, why), attempts=outcome.attempts + drafted.attempts)
    kind = ("draft: set phrases",) if task.phrases else ()
    return replace(
        outcome,
        draft=task.draft_text(drafted.verdict.values, chat),
        model=" > ".join(dict.fromkeys((outcome.model, drafted.completion.model))),
        flags=(*outcome.flags, *kind, *drafted.verdict.flags),
        attempts=outcome.attempts + drafted.attempts,
        prompt_tokens=outcome.prompt_tokens + drafted.completion.prompt_tokens,
        output_tokens=outcome.output_tokens + drafted.completion.output_tokens,
    )


def _dead(chat: Chat, act: Act, asked: Answer) -> Outcome:
    return Outcome(
        place=Place.DEAD,
        key=chat.id,
        digest=chat.digest,
        task=act.task.name,
        task_version=act.task.version,
        chat=chat.to_json(),
        reason=asked.reason,
        detail=f"{len(asked.attempts)} tries: {asked.attempts[-1].error}",
        attempts=asked.attempts,
        model=act.engine.model,
        arm=act.arm,
    )
