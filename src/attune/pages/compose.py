"""The compose page: a text of one's own, a task, an instruction, and the answer as it is written.

Nothing is kept between two requests: what a person typed is in their form, and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from attune.chat import Chat
from attune.desk.refusal import Refused
from attune.errors import AttuneError
from attune.pages import words
from attune.pages.asked import Asked
from attune.pages.compose_ask import Ask, Way, letter, spoken, ways
from attune.pages.compose_letter import MAX_BYTES, MAX_CHARS, read
from attune.pages.compose_samples import Sample, samples
from attune.pages.compose_stream import Done, Piece, Said, Waiting, written
from attune.pages.drafting import MAX_CHARS as MAX_INSTRUCTION

_MOST_OUTPUT = 20_000


@dataclass(frozen=True)
class View:
    """What the template shows."""

    asked: Asked

    @cached_property
    def ways(self) -> tuple[Way, ...]:
        return _ways(self.asked)

    @property
    def second(self) -> str:
        """Who answers beside the first: another arm, or the same more freely."""
        return self.ways[1].key

    @property
    def arms(self) -> int:
        return len(self.asked.desk.drafting.acts.arms)

    @property
    def model(self) -> str:
        return self.ways[0].label

    @property
    def writes(self) -> bool:
        return any(way.free for way in self.ways)

    @property
    def tasks(self) -> list[tuple[str, str]]:
        """What any arm can be asked."""
        return list({each.key: each.label for way in reversed(self.ways) for each in way.asks}.items())

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
    chat, way = _chat(asked), _way(asked)
    ask = way.ask(asked.said("task"))
    task = ask.instructed(asked.said("instruction"))
    said = written(ask.act, task, chat, way.sampling or ask.sampling)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(said, ask, chat), headers=headers, media_type="application/x-ndjson")


def save(asked: Asked) -> Response:
    """Keep the text and the answer that is wanted for it as an example."""
    chat, output = _chat(asked), asked.said("output").strip()
    ask = _way(asked).ask(asked.said("task"))
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


def _ways(asked: Asked) -> tuple[Way, ...]:
    return ways(asked.desk.drafting, asked.desk.settings.reviewer_language)


def _way(asked: Asked) -> Way:
    """The one that is chosen. Arms come and go while a page is open: raises Refused for one that is gone."""
    for each in (known := _ways(asked)):
        if each.key == asked.said("way"):
            return each
    if not asked.said("way"):
        return known[0]
    raise Refused("This arm is not here any more. Load the page again and choose another; your text is kept.")
