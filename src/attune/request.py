"""What an engine is given and what it gives back.

A request is a prompt, in parts that say what is ours and what is the customer's, and the answer
as a list of slots. An engine that can fills the slots one after the other, so that the answer is
valid by construction; one that can't (a remote server) writes freely, and the parser judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt before any model's control tokens are around it.

    `preamble` is the same for every chat, so its prefix can be shared; `lines` are the chat, a line
    per turn, and always data; `cue` names the task. `preamble` and `cue` come from the task alone.
    """

    preamble: str
    lines: tuple[str, ...]
    cue: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """Known text: fed to the model, never decoded."""

    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly one of `options`: at temperature 0 the likeliest by a walk over its tokens.

    An option that is the beginning of another is an error: each ends in its own punctuation. The
    probability of what was taken is that of its tokens among those that some option allows.
    """

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number from `low` to `high`, after a space, in decimal digits, then `end`, one character."""

    name: str
    low: int
    high: int
    end: str


@dataclass(frozen=True, slots=True)
class Pick:
    """Exactly one of `options`, long texts: the likeliest per token; of two as likely, the longer one."""

    name: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Free:
    """Text that the model writes, at most `max_chars` characters and `max_tokens` tokens.

    In a JSON string (`json`) it ends before the first unescaped quote and is escaped when it becomes
    part of the answer; otherwise it ends with the model's turn. Control characters become spaces, line
    feeds in a JSON string too. Text that meets a limit is cut back to its last whole sentence, or word.
    """

    name: str
    max_chars: int
    max_tokens: int
    json: bool = True


Slot = Fixed | Choice | Number | Pick | Free


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. Temperature 0 is greedy, and then the seed says nothing."""

    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """One question to an engine. `task` and `chat_id` are for logs, not for the model."""

    prompt: Prompt
    slots: tuple[Slot, ...]
    sampling: Sampling = Sampling()
    task: str = ""
    chat_id: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """An engine's answer to one request. Times are seconds since the request was submitted."""

    text: str
    model: str
    finish: str = "stop"
    """"stop", or "limit" where a free text met its limit and was cut back."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """For each choice by its name: the probability of the option that was taken."""
    prompt_tokens: int = 0
    output_tokens: int = 0
    """All tokens of the answer, those of known text included."""
    cached_tokens: int = 0
    dropped_lines: int = 0
    """Lines of the chat left out (or cut) because the prompt was longer than the model's context."""
    first_slot_s: float = 0.0
    """When the first choice was known: for triage, the sentiment."""
    total_s: float = 0.0
