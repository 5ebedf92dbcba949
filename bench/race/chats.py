"""The chats of the race and the questions about them, for both models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from attune import connect, prompt
from attune.answer import parse
from attune.chat import Chat
from attune.engines.http.schema import gbnf, regex
from attune.engines.paged.folder import described
from attune.engines.paged.tokens import Tokens
from attune.errors import Misfit
from attune.request import Choice, Fixed, Free, Number, Pick, Request, Slot
from attune.task import Task
from bench.pipeline import sample
from bench.race import work
from bench.race.work import WARM, Answer, Job, Question

POCKET, SHAPE = "pocket", "shape"
FORCED = 40
"""Tokens of an answer of the model with random weights, where no grammar ends it."""
_SUMMARY_CHARS = 140
"""So long may the summary of the model with random weights be: its words have five characters each, so that
one that a grammar ends has about FORCED tokens too."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A chat and its questions: triage, and a reply where the customer is taken to be unhappy."""

    chat: Chat
    triage: Request
    reply: Request | None


def tasks(model: str) -> tuple[Task, Task]:
    """Triage, and the reply that it escalates to."""
    triage = connect.task("triage", "pocket" if model == POCKET else "openvino:")
    assert triage.escalation is not None
    return triage, triage.escalation.draft


def chats(count: int) -> list[Chat]:
    """The sample chats in their order, `count` of them and some to warm up with. Those that come a second
    time begin with a number, so that no engine has read them before."""
    made, seen = [], set()
    for number, chat in enumerate(sample(count + WARM)):
        first, *others = chat.turns
        if chat.text in seen:
            first = replace(first, text=f"{number}: {first.text}")
        seen.add(chat.text)
        made.append(replace(chat, id=str(number), turns=(first, *others)))
    return made


def unhappy(number: int) -> bool:
    """Every third chat is answered, whatever a model would say: all have the same work."""
    return number % 3 == 0


def questions(model: str, count: int) -> list[Asked]:
    """For each chat, those to warm up with included, what is asked about it."""
    triage, reply = tasks(model)
    made = []
    for number, chat in enumerate(chats(count)):
        first, second = triage.request(chat), reply.request(chat)
        if any(isinstance(slot, Pick) and not slot.options for slot in (*first.slots, *second.slots)):
            continue  # nothing of the customer's to quote
        if model == SHAPE:
            first = replace(first, slots=tuple(map(_short, first.slots)))
            second = replace(second, slots=(Free("reply", 10**6, FORCED, json=False),))
        made.append(Asked(chat, first, second if unhappy(number) else None))
    return made


def write_work(model: str, folder: Path, count: int, path: Path) -> int:
    """Writes the jobs of `count` chats for the runners, and says how many. The tokenizer is `folder`'s."""
    tokens = tokens_of(folder)
    forced = FORCED if model == SHAPE else 0
    jobs = [
        Job(
            number,
            _question(asked.triage, tokens, forced),
            _question(asked.reply, tokens, forced) if asked.reply else None,
        )
        for number, asked in enumerate(questions(model, count))
    ]
    work.write(path, jobs, sorted(tokens.ends))
    return len(jobs) - WARM


def tokens_of(folder: Path) -> Tokens:
    found = described(folder)
    return Tokens(found.tokenizer, found.ends, found.bos, found.vocabulary)


def valid(model: str, count: int, tokens: Tokens, answers: Sequence[tuple[int, bool, Answer]]) -> int:
    """How many of the answers fit their task."""
    both, asked = tasks(model), questions(model, count)
    return sum(
        _fits(both[reply], _text(answer, tokens), asked[number].chat) for number, reply, answer in answers
    )


def _fits(task: Task, text: str, chat: Chat) -> bool:
    try:
        parse(task, text, chat)
    except Misfit:
        return False
    return True


def _text(answer: Answer, tokens: Tokens) -> str:
    if isinstance(answer, str):
        return answer
    end = next((place for place, token in enumerate(answer) if token in tokens.ends), len(answer))
    return b"".join(tokens.pieces[token] for token in answer[:end]).decode("utf-8", "replace")


def _short(slot: Slot) -> Slot:
    if not isinstance(slot, Free):
        return slot
    return replace(slot, max_chars=_SUMMARY_CHARS, max_tokens=FORCED, grounds=None)


def _question(request: Request, tokens: Tokens, forced: int) -> Question:
    parts = prompt.render(request.prompt, tokens.style)
    ids = tokens.encode_prompt(parts.head, "\n".join(parts.lines), parts.tail)
    bound = any(not isinstance(slot, Free) for slot in request.slots)
    most = sum(_most(slot, tokens) for slot in request.slots)
    grammar = (regex(request.slots), gbnf(request.slots)) if bound else ("", "")
    return Question(ids, most, *grammar, forced=forced)


def _most(slot: Slot, tokens: Tokens) -> int:
    """The tokens of the longest text that fits `slot`."""
    longest: Callable[[Sequence[str]], int] = lambda texts: max(len(tokens.encode(text)) for text in texts)  # noqa: E731
    match slot:
        case Fixed(text=text):
            return longest([text])
        case Choice(options=options) | Pick(options=options):
            return longest(options)
        case Number(low=low, high=high, end=end):
            return longest([f" {number}{end}" for number in (low, high)])
        case Free(max_tokens=max_tokens):
            return max_tokens
