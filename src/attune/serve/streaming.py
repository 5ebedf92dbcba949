"""Text as it is written: from the engine's thread to the client's, piece by piece."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from attune.engines import Engine
from attune.generation import Generation, ask
from attune.request import Completion, Prompt, Slot
from attune.serve.leaving import Leash


@dataclass(frozen=True, slots=True)
class Written:
    """A piece of the text `index`, or at its end the completion that the pieces together are."""

    index: int
    said: str | Completion


async def written(
    engine: Engine,
    prompts: Sequence[Prompt],
    generation: Generation,
    slots: tuple[Slot, ...],
    timeout_s: float,
) -> AsyncGenerator[Written]:
    """All texts of all prompts, in pieces as they come. To close it gives up what is still being written.

    Raises what the engine raises, and TimeoutError when the whole does not come in time.
    """
    loop = asyncio.get_running_loop()
    coming: asyncio.Queue[tuple[int, str | Future[Completion]]] = asyncio.Queue()

    def put(index: int, said: str | Future[Completion]) -> None:
        loop.call_soon_threadsafe(coming.put_nowait, (index, said))

    leash = Leash(engine, put)
    until = loop.time() + timeout_s
    try:
        futures = await asyncio.to_thread(
            lambda: [each for prompt in prompts for each in ask(leash, prompt, generation, slots)]
        )
        for index, future in enumerate(futures):
            future.add_done_callback(partial(put, index))
        left, lengths = len(futures), [0] * len(futures)
        while left:
            index, said = await asyncio.wait_for(coming.get(), max(0.0, until - loop.time()))
            if isinstance(said, Future):
                left -= 1
                if rest := said.result().text[lengths[index] :]:
                    yield Written(index, rest)
                yield Written(index, said.result())
            else:
                lengths[index] += len(said)
                yield Written(index, said)
    finally:
        leash.give_up()


def event(data: Mapping[str, Any]) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"
