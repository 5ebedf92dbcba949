"""The compose page: a text of one's own, a task, an instruction, and the answer as it is written.

Nothing is kept between two requests: what a person typed is in their form, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from attune.chat import Chat
from attune.desk.refusal import Refused
from attune.errors import AttuneError
from attune.pages import words
from attune.pages.asked import Asked
from attune.pages.compose_ask import Ask, Way, asks, letter, spoken, ways
from attune.pages.compose_letter import MAX_BYTES, MAX_CHARS, read
from attune.pages.compose_samples import Sample, samples
from attune.pages.compose_stream import Done, Piece, Said, Waiting, written
from attune.pages.drafting import MAX_CHARS as MAX_INSTRUCTION

_MOST_OUTPUT = 20_000


@dataclass(frozen=True, slots=True)
class View:
    """What the template shows."""

    asked: Asked

    @property
    def model(self) -> str:
        return self.asked.desk.drafting.act.engine.model

    @property
    def writes(self) -> bool:
        return self.asked.desk.drafting.writes

    @property
    def asks(self) -> tuple[Ask, ...]:
        return _asks(self.asked)

    @property
    def tasks(self) -> list[tuple[str, str]]:
        return [(each.key, each.label) for each in self.asks]

    @property
    def free(self) -> str:
        """The tasks that take an instruction."""
        return " ".join(each.key for each in self.asks if each.free)

    @property
    def ways(self) -> list[tuple[str, str]]:
        return [(each.key, each.label) for each in ways(self.model)]

    @property
    def languages(self) -> list[tuple[str, str]]:
        return words.pairs(list(words.LANGUAGES), words.LANGUAGES, "Found by itself")

    @property
    def samples(self) -> tuple[Sample, ...]:
        return samples()

    @property
    def max_chars(self) -> int:
        return MAX_CHARS

    @property
    def max_instruction(self) -> int:
        return MAX_INSTRUCTION


def show(asked: Asked) -> Response:
    return asked.page("compose.html", "Compose", compose=View(asked))


def upload(asked: Asked) -> Response:
    """The words of a file, for the form: the file itself is not kept."""
    file = asked.form.get("file")
    if not isinstance(file, UploadFile):
        raise Refused("There is no file.")
    with file.file as opened:
        found = read(file.filename or "the file", opened.read(MAX_BYTES + 1))
    return JSONResponse({"subject": found.subject, "text": found.text})


def write(asked: Asked) -> Response:
    """The answer as lines of JSON: pieces, signs of waiting, at the end the whole or why there is none."""
    chat, ask = _chat(asked), _ask(asked)
    task, way = ask.instructed(asked.said("instruction")), _way(asked)
    said = written(asked.desk.drafting.act, task, chat, way.sampling)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(said, ask, chat), headers=headers, media_type="application/x-ndjson")


def save(asked: Asked) -> Response:
    """Keep the text and the answer that is wanted for it as an example."""
    chat, ask, output = _chat(asked), _ask(asked), asked.said("output").strip()
    if not output or len(output) > _MOST_OUTPUT:
        raise Refused(f"An example needs an answer, of at most {_MOST_OUTPUT:,} characters.")
    instruction = asked.said("instruction").strip() if ask.free else ""
    kept = asked.desk.store.examples.save(
        ask.task.name, instruction, chat.text, ask.checked(output, chat), spoken(chat), asked.person
    )
    return PlainTextResponse(f"Saved as example {kept}, in {words.language(spoken(chat))}.")


async def _lines(said: AsyncGenerator[Said], ask: Ask, chat: Chat) -> AsyncGenerator[bytes]:
    async with aclosing(said) as coming:
        try:
            async for each in coming:
                yield _line(_shown(each, ask, chat))
        except TimeoutError:
            yield _line({"refused": "The model did not answer in time. Your text is still here: ask again."})
        except AttuneError as error:
            yield _line({"refused": f"The model gave nothing that can be used: {error}"})


def _shown(said: Said, ask: Ask, chat: Chat) -> dict[str, Any]:
    if isinstance(said, Piece):
        return {"again": True} if said.again else {"piece": said.text}
    if isinstance(said, Waiting):
        return {"waits": said.seconds}
    return {"done": _whole(said, ask, chat)}


def _whole(done: Done, ask: Ask, chat: Chat) -> dict[str, Any]:
    completion, verdict = done.completion, done.verdict
    sure = completion.probabilities
    shown = verdict.values if ask.values else {}
    facts = [
        {
            "name": name.replace("_", " ").capitalize(),
            "value": words.mood(verdict.values).name if name == "sentiment" else str(value),
            "sure": f"{sure[name]:.0%} sure" if name in sure else "",
        }
        for name, value in shown.items()
    ]
    told = (
        f"{completion.model}, {completion.total_s:.1f} s, {words.several(completion.output_tokens, 'token')}"
    )
    dropped = [f"shortened: {completion.dropped_lines} lines left out"] if completion.dropped_lines else []
    flags = [words.flag(each) for each in (*dropped, *verdict.flags)]
    return {"text": ask.text(verdict, chat), "facts": facts, "flags": flags, "told": told}


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _chat(asked: Asked) -> Chat:
    return letter(asked.said("subject"), asked.said("text"), asked.said("language"), asked.person)


def _asks(asked: Asked) -> tuple[Ask, ...]:
    return asks(asked.desk.drafting, asked.desk.settings.reviewer_language)


def _ask(asked: Asked) -> Ask:
    found = [each for each in _asks(asked) if each.key == asked.said("task")]
    if not found:
        raise Refused("There is no such task here any more: load the page again; your text is kept.")
    return found[0]


def _way(asked: Asked) -> Way:
    known = ways(asked.desk.drafting.act.engine.model)
    return next((each for each in known if each.key == asked.said("way")), known[0])
