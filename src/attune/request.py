"""What an engine is given and what it gives back.

A request is a prompt, in parts that say what is ours and what is the customer's, and the answer
as a list of slots. An engine that can fills the slots one after the other, so that the answer is
valid by construction; one that can't (a remote server) writes freely, and the parser judges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from attune.errors import BadRequest

TOKENS_PER_CHAR = 1.5
"""So many tokens have room for text by default: scripts written in bytes (three tokens a character) end early
by tokens, all others by characters."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with the model itself: data, as a chat is."""

    role: Literal["system", "user", "model"]
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt before any model's control tokens are around it.

    `preamble` is the same for every chat, so its prefix can be shared; `lines` are the chat, a line
    per turn, and always data; `cue` names the task. `preamble` and `cue` come from the task alone.
    """

    preamble: str
    lines: tuple[str, ...]
    cue: str
    messages: tuple[Message, ...] = ()
    """Instead of all that: what the user, and the model before, have said. Unlike lines of a chat, none is
    ever left out: what is too long is refused."""
    bare: bool = False
    """No turns are put around the messages: the model goes on with their text."""


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


def literal(option: str) -> str:
    """The value in an option of a Choice, without the space before it and the punctuation after it."""
    return option.strip().rstrip(",}")


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
class Grounds:
    """What grounded text may tell: numbers and codes that `source` holds, and its names if `names` count."""

    source: str
    names: bool = True


@dataclass(frozen=True, slots=True)
class Free:
    """Text that the model writes, at most `max_chars` characters and `max_tokens` tokens.

    In a JSON string (`json`) it ends before the first unescaped quote and is escaped when it becomes
    part of the answer; otherwise it ends with the model's turn. Control characters become spaces, line
    feeds in a JSON string too. Text that meets a limit is cut back to its last whole sentence, or word.
    If it need not be `whole`, it just ends there.
    With `grounds`, an engine that has the logits lets digits, codes and names only be copied from there
    (`attune.ground` says what counts), and white space at its beginning is left out.
    """

    name: str
    max_chars: int
    max_tokens: int
    json: bool = True
    grounds: Grounds | None = None
    whole: bool = True


Slot = Fixed | Choice | Number | Pick | Free


def joined(slots: Iterable[Slot]) -> tuple[Slot, ...]:
    """`slots`, neighbouring known texts as one: their tokens do not depend on how they were put together."""
    joined: list[Slot] = []
    for slot in slots:
        if isinstance(slot, Fixed) and joined and isinstance(joined[-1], Fixed):
            joined[-1] = Fixed(joined[-1].text + slot.text)
        else:
            joined.append(slot)
    return tuple(joined)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. Choices and numbers heed temperature and seed alone, free text all of it.

    In this order, as in Transformers: the two rules on what stands already, temperature, `top_k`,
    `top_p`, `min_p`. Raises BadRequest for a value out of its range.
    """

    temperature: float = 0.0
    """Logits are divided by it; 0 takes the likeliest token, and then the seed says nothing."""
    seed: int | None = 0
    """The same seed, request and model give the same text; any whole number. None leaves it to the engine:
    texts drawn without one differ from time to time."""
    top_k: int = 0
    """Only the k likeliest tokens may be drawn (and those as likely as the last of them); 0 is all."""
    top_p: float = 1.0
    """Only the fewest likeliest tokens whose probabilities sum to p or more (nucleus sampling)."""
    min_p: float = 0.0
    """Only tokens at least p times as probable as the likeliest one."""
    repetition_penalty: float = 1.0
    """A positive logit of a token in prompt or answer is divided by it, a negative one multiplied (CTRL)."""
    no_repeat_ngram_size: int = 0
    """No run of so many tokens occurs twice in prompt and answer, if anything else may follow; 0 is off."""
    stop: tuple[str, ...] = ()
    """Free text ends before the first of these in it."""
    num_beams: int = 1
    """So many of the likeliest beginnings are gone on with side by side (beam search); 1 is off."""
    length_penalty: float = 1.0
    """A beam's sum of log-probabilities is divided by its length to this power: above 0 favours long ones."""
    early_stopping: bool = False
    """Whether beam search ends as soon as `num_beams` whole answers are there."""

    def __post_init__(self) -> None:
        for name, fits, shape in (
            ("temperature", 0 <= self.temperature < float("inf"), "0 or more"),
            ("top_k", self.top_k >= 0, "0 or more"),
            ("top_p", 0 < self.top_p <= 1, "more than 0 and at most 1"),
            ("min_p", 0 <= self.min_p <= 1, "from 0 to 1"),
            ("repetition_penalty", 0 < self.repetition_penalty < float("inf"), "more than 0"),
            ("no_repeat_ngram_size", self.no_repeat_ngram_size >= 0, "0 or more"),
            ("stop", all(self.stop) and not isinstance(self.stop, str), "a tuple of texts, none empty"),
            ("num_beams", self.num_beams >= 1, "1 or more"),
            ("length_penalty", -float("inf") < self.length_penalty < float("inf"), "a number"),
        ):
            if not fits:
                raise BadRequest(f"A {name} of {getattr(self, name)!r}: it must be {shape}.")


@dataclass(frozen=True, slots=True)
class Ask:
    """One field of a task as a question of its own, for models that are asked one thing at a time."""

    question: str
    labels: tuple[str, ...] = ()
    """What such a model chooses among, a word for each option of a choice; empty: the options themselves."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to an engine. `task` and `chat_id` are for logs, not for the model."""

    prompt: Prompt
    slots: tuple[Slot, ...]
    sampling: Sampling = Sampling()
    task: str = ""
    chat_id: str = ""
    asks: Mapping[str, Ask] = field(default_factory=dict)
    """By the name of a field: its question, for engines that ask one field at a time; the others read the
    prompt alone."""
    logprobs: bool = False
    """Whether the completion is to have the log-probabilities of its free texts' tokens."""
    sequences: int = 1
    """How many texts beam search is to give, at most `num_beams`; to draw several, see `submit_many`."""
    written: Callable[[str], None] | None = field(default=None, compare=False, repr=False)
    """Called with each piece of a free text as it is written, for requests of one free text without JSON:
    the pieces together are the answer. By the engine's thread, like `known`; an engine that cannot tell
    pieces calls it once, with the whole."""
    known: Callable[[str, str], None] | None = field(default=None, compare=False, repr=False)
    """Called with a choice's name and the literal that was taken ("-1") as soon as that is decided, while
    the rest is still being written: by the engine's thread, so it must return at once. If it raises,
    this request ends, with that error."""


@dataclass(frozen=True, slots=True)
class Completion:
    """An engine's answer to one request. Times are seconds since the request was submitted."""

    text: str
    model: str
    finish: str = "stop"
    """"stop", or "limit" where a free text met its limit and was cut back."""
    others: tuple[str, ...] = ()
    """The texts after the best, where several `sequences` were asked for."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """For each choice by its name: the probability of the option that was taken."""
    logprobs: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """For each free text by its name, where asked for: the log-probability that the model itself gave each
    of the tokens it wrote there, before any rule or temperature. Of a text cut back, those that are left."""
    prompt_tokens: int = 0
    output_tokens: int = 0
    """All tokens of the answer, those of known text included."""
    cached_tokens: int = 0
    dropped_lines: int = 0
    """Lines of the chat left out (or cut) because the prompt was longer than the model's context."""
    first_slot_s: float = 0.0
    """When the first choice was known: for triage, the sentiment."""
    total_s: float = 0.0
