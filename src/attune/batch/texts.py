"""Text records: `{"id", "text_inputs", parameters}`, answered by `{"id", "generated_texts"}`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

from attune.batch.job import Job
from attune.batch.prompts import TEXT
from attune.batch.rows import Row
from attune.batch.written import encoded
from attune.chat import clean
from attune.errors import BadConfig, BadRequest, EngineError, told
from attune.generation import Generation, ask, lacking, texts
from attune.given import lay, read, settle
from attune.handle import Act
from attune.openai import finish_reason, usage
from attune.prompt import converse
from attune.request import Completion, Message, Prompt, Slot


def answer(record: dict[str, Any], number: int, job: Job) -> Row:
    """The row of a text record. Raises BadConfig, EngineError or TimeoutError."""
    several = isinstance(record.get(TEXT), list)
    prompts = [converse([Message("user", clean(text))]) for text in _filled(record, job)]
    given = {name: value for name, value in record.items() if name not in job.template.keys | {"id", TEXT}}
    generation = settle(lay(job.given, read(given)))
    answers = answers_of(prompts, generation, job.act)
    tokens = usage(answers)
    row = {
        "record": number,
        **({"id": _id(record["id"])} if "id" in record else {}),
        "generated_texts": _in_shape([texts(each) for each in answers], several),
        "finish_reasons": _in_shape([_reasons(each) for each in answers], several),
        "prompt_tokens": tokens["prompt_tokens"],
        "output_tokens": tokens["completion_tokens"],
        "model": answers[0][0].model,
    }
    return Row(number, encoded(row), tokens["prompt_tokens"], tokens["completion_tokens"])


def answers_of(
    prompts: Sequence[Prompt], generation: Generation, act: Act, slots: tuple[Slot, ...] = ()
) -> list[list[Completion]]:
    """The completions of each prompt, with `slots` answers of theirs.

    An engine that fails or is late is asked again, `tries` times in all. Raises BadRequest for what the
    engine cannot do, EngineError or TimeoutError as the last try ended.
    """
    if why := lacking(generation, act.engine):
        raise BadRequest(why)
    tries = act.tries
    while True:
        tries -= 1
        try:
            return _asked(prompts, generation, act, slots)
        except BadRequest:
            raise
        except (EngineError, TimeoutError):
            if not tries:
                raise


def _asked(
    prompts: Sequence[Prompt], generation: Generation, act: Act, slots: tuple[Slot, ...]
) -> list[list[Completion]]:
    until = time.monotonic() + act.timeout_s
    futures = [ask(act.engine, prompt, generation, slots) for prompt in prompts]
    try:
        return [[_result(future, until) for future in of_prompt] for of_prompt in futures]
    finally:
        for future in (future for of_prompt in futures for future in of_prompt):
            future.cancel()


def _result(future: Future[Completion], until: float) -> Completion:
    try:
        return future.result(timeout=max(0.0, until - time.monotonic()))
    except (EngineError, TimeoutError):
        raise
    except CancelledError as error:
        raise EngineError("the engine gave the request up") from error
    except Exception as error:
        raise EngineError(f"{type(error).__name__}: {told(error)}") from error


def _filled(record: dict[str, Any], job: Job) -> list[str]:
    """The record's prompts, one for each of its texts."""
    if TEXT not in record:
        return [job.template.fill(record)]
    said = record[TEXT] if isinstance(record[TEXT], list) else [record[TEXT]]
    if not said or not all(isinstance(text, str) for text in said):
        raise BadConfig(f"{TEXT}: a text is needed, or a list of texts, at least one")
    return [job.template.fill({**record, TEXT: text}) for text in said]


def _id(value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadConfig("id: a whole number or a string is needed")
    return clean(value) if isinstance(value, str) else value


def _in_shape(of_prompts: list[list[str]], several: bool) -> list[str] | list[list[str]]:
    """A list for one text; for a list of texts one of as many, each a list itself where it has several."""
    if not several:
        return of_prompts[0]
    return [each[0] for each in of_prompts] if all(len(each) == 1 for each in of_prompts) else of_prompts


def _reasons(completions: Sequence[Completion]) -> list[str]:
    return [finish_reason(each) for each in completions for _ in (each.text, *each.others)]
