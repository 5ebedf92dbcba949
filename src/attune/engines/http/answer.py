"""From what a server sends, whole or piece by piece, to the completion."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from typing import Any

from attune.decode.shorten import settled, standing
from attune.engines.http import schema
from attune.engines.http.body import plain
from attune.errors import EngineError
from attune.request import Choice, Completion, Request, literal


class Garbled(EngineError):
    """An answer that is none, or ends before it is whole: it may come whole the next time."""


class Answer:
    """An answer in the making. `add` takes bodies of completions, or chunks of a stream, and tells the
    request's listeners what is new; `completion` is the whole. Raises what a listener raises."""

    def __init__(self, request: Request) -> None:
        self._began = time.perf_counter()
        self._request = request
        self._free = plain(request)
        self._choices = schema.choices(request.slots)
        self._known: set[str] = set()
        self._first_slot_s = 0.0
        self._written = 0
        self.again()

    def again(self) -> bool:
        """Forgets what came, to be asked once more; False if some of it was told and cannot be taken back."""
        self._text, self._finish = "", ""
        self._tokens: list[Mapping[str, Any]] = []
        self._usage: Mapping[str, Any] = {}
        self._probabilities: Mapping[str, float] = {}
        return not self._written

    def add(self, part: Any) -> None:
        """Raises Garbled for what is no part of a completion."""
        if not isinstance(part, dict) or not isinstance(part.get("choices"), list):
            raise Garbled("The server's answer is no completion in OpenAI's form.")
        self._usage = part.get("usage") or self._usage
        for choice in part["choices"][:1]:
            self._read(choice)
        self._tell(self._finish != "")

    def completion(self, model: str, dropped_lines: int) -> Completion:
        """Raises Garbled where the answer has not come to its end, EngineError where the server cut it."""
        if not self._finish:
            raise Garbled("The server's answer broke off before its end.")
        if self._finish == "content_filter":
            raise EngineError("The server's content filter ended the answer.")
        text, limit = self._value() if self._free else (self._text, self._finish == "length")
        details = self._usage.get("prompt_tokens_details") or {}
        return Completion(
            text,
            model,
            "limit" if limit else "stop",
            probabilities=self._probabilities or self._judged(),
            logprobs=self._logprobs(text),
            prompt_tokens=_count(self._usage.get("prompt_tokens")),
            output_tokens=_count(self._usage.get("completion_tokens")),
            cached_tokens=_count(details.get("cached_tokens")),
            dropped_lines=dropped_lines,
            first_slot_s=self._first_slot_s,
            total_s=time.perf_counter() - self._began,
        )

    def _read(self, choice: Any) -> None:
        try:
            said = choice.get("delta") or choice.get("message") or {}
            text = said.get("content") if "text" not in choice else choice["text"]
            self._text += text or ""
            self._finish = choice.get("finish_reason") or self._finish
            self._tokens += (choice.get("logprobs") or {}).get("content") or ()
            self._probabilities = choice.get("probabilities") or self._probabilities
        except (AttributeError, TypeError) as error:
            raise Garbled("The server's answer is no completion in OpenAI's form.") from error

    def _tell(self, ended: bool) -> None:
        if self._request.written is not None and self._free:
            stands = (
                self._value()[0] if ended else standing(self._text, self._free, self._request.sampling.stop)
            )
            if len(stands) > self._written:
                piece, self._written = stands[self._written :], len(stands)
                self._request.written(piece)
        for choice in self._choices:
            if choice.name in self._known:
                continue
            found = schema.span(self._request.slots, choice, self._text)
            if found is None:
                break
            self._known.add(choice.name)
            self._first_slot_s = self._first_slot_s or time.perf_counter() - self._began
            if self._request.known is not None:
                self._request.known(choice.name, self._text[slice(*found)])

    def _value(self) -> tuple[str, bool]:
        """The text of a free answer as it stands in the end, and whether it met a limit."""
        assert self._free is not None
        return settled(self._text, self._free, self._request.sampling.stop, self._finish == "length")

    def _judged(self) -> dict[str, float]:
        """The probability of each choice, by the tokens the server told."""
        judged = {choice.name: self._probability(choice) for choice in self._choices if self._tokens}
        return {name: value for name, value in judged.items() if value is not None}

    def _probability(self, choice: Choice) -> float | None:
        """That of its tokens, each among those of the likeliest that some option allows.

        None where that cannot be told, as where tokens are pieces of characters.
        """
        found = schema.span(self._request.slots, choice, self._text)
        told = "".join(str(token["token"]) for token in self._tokens)
        if found is None:
            return None
        begins = told.find(self._text[: found[1]])  # some servers tell white space that is not in the text
        if begins < 0:
            return None
        first, last = begins + found[0], begins + found[1]
        wanted = [told[:first] + literal(option) for option in choice.options]
        at, product = 0, 1.0
        for token in self._tokens:
            ends = at + len(str(token["token"]))
            if at < last and ends > first:
                share = _share(token, told[:at], wanted)
                if share is None:
                    return None
                product *= share
            at = ends
        return product

    def _logprobs(self, text: str) -> dict[str, tuple[float, ...]]:
        """Of the tokens of free text, those that are left of it."""
        if not self._request.logprobs or self._free is None:
            return {}
        kept: list[float] = []
        size = 0
        for token in self._tokens:
            size += len(str(token["token"]))
            if size > len(text):
                break
            kept.append(float(token["logprob"]))
        return {self._free.name: tuple(kept)}


def _share(token: Mapping[str, Any], before: str, wanted: list[str]) -> float | None:
    """The probability of `token` after `before` among those after which some of `wanted` is still left.

    None if it is not among those told: of two that are unlikely nobody knows which is likelier.
    """
    told = {str(each["token"]): float(each["logprob"]) for each in token.get("top_logprobs") or ()}
    taken = str(token["token"])
    if taken not in told:
        return None
    left = [
        math.exp(logprob)
        for piece, logprob in told.items()
        if any((before + piece).startswith(each) or each.startswith(before + piece) for each in wanted)
    ]
    return math.exp(told[taken]) / max(sum(left), sys.float_info.min)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
