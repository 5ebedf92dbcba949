"""The chats of the race and the questions about them, for both models."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from attune import connect, prompt
from attune.chat import Chat
from attune.engines.openvino import OpenVINOEngine
from attune.engines.openvino.folder import open_folder
from attune.engines.paged.tokens import Tokens
from attune.request import Choice, Fixed, Free, Pick, Request, Slot
from bench.race.work import WARM, Job
from bench.pipeline import sample

POCKET, SHAPE = "pocket", "shape270"
ANSWER = 40
"""Tokens of every answer of the model with random weights."""
_BEFORE, _BETWEEN, _AFTER = '{"sentiment":', ' "summary": "', '"}'
_OPTIONS = (" -1,", " 0,", " 1,")
_NO_LIMIT = 100_000


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


def questions(model: str, count: int, tokens: Tokens, way: str = "") -> list[tuple[Request, Request | None]]:
    """For each chat its triage question, and its reply question where there is one, warm-up included.

    `way` "plain" asks for whole answers, token by token, as any engine can write them.
    """
    name = "pocket" if model == POCKET else "openvino:"
    triage = connect.task("triage", name)
    assert triage.escalation is not None
    reply = triage.escalation.draft
    made: list[tuple[Request, Request | None]] = []
    for number, chat in enumerate(chats(count)):
        first, second = triage.request(chat), reply.request(chat)
        if any(isinstance(slot, Pick) and not slot.options for slot in (*first.slots, *second.slots)):
            continue  # nothing of the customer's to quote
        if model == SHAPE:
            first = replace(first, slots=_slots(tokens) if way != "plain" else (_free("answer", ANSWER),))
            second = replace(second, slots=(_free("reply", ANSWER),))
        made.append((first, second if unhappy(number) else None))
    return made


def write_work(model: str, folder: Path, count: int, path: Path) -> int:
    """Writes the jobs of `count` chats for the rivals, and says how many there are. An answer of the embedded
    model is as long as ours to the same question is."""
    found = open_folder(folder)
    tokens = Tokens(found.tokenizer, found.ends, found.bos, _vocabulary(folder))
    asked = questions(model, count, tokens)
    lengths = _lengths(folder, asked) if model == POCKET else [(ANSWER, ANSWER)] * len(asked)
    known_at = len(tokens.encode(_BEFORE)) + len(tokens.encode(_OPTIONS[0]))
    jobs = [
        Job(_ids(first, tokens), length[0], _ids(second, tokens) if second else None, length[1], known_at)
        for (first, second), length in zip(asked, lengths, strict=True)
    ]
    path.write_text("".join(json.dumps(asdict(job)) + "\n" for job in jobs), encoding="utf-8")
    return len(jobs) - WARM


def _slots(tokens: Tokens) -> tuple[Slot, ...]:
    """Triage in ANSWER tokens: what is known, one choice, and the rest as free text."""
    known = sum(len(tokens.encode(text)) for text in (_BEFORE, _BETWEEN, _AFTER, _OPTIONS[0]))
    summary = Free("summary", _NO_LIMIT, ANSWER - known)
    return Fixed(_BEFORE), Choice("sentiment", _OPTIONS), Fixed(_BETWEEN), summary, Fixed(_AFTER)


def _free(name: str, tokens: int) -> Free:
    return Free(name, _NO_LIMIT, tokens, json=False)


def _ids(request: Request, tokens: Tokens) -> list[int]:
    parts = prompt.render(request.prompt, tokens.style)
    return tokens.encode_prompt(parts.head, "\n".join(parts.lines), parts.tail)


def _lengths(folder: Path, asked: list[tuple[Request, Request | None]]) -> list[tuple[int, int]]:
    engine = OpenVINOEngine(folder)
    futures = [[engine.submit(request) for request in pair if request] for pair in asked]
    answers = [[future.result().output_tokens for future in pair] for pair in futures]
    engine.close()
    return [(pair[0], pair[-1]) for pair in answers]


def _vocabulary(folder: Path) -> int:
    return int(json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"])
