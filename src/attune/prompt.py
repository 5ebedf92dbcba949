"""Prompts: a task's words and a chat as the parts a model reads, what is ours apart from theirs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from attune.chat import Chat, Role
from attune.request import Message, Prompt

_SPEAKERS = {Role.CUSTOMER: "Customer", Role.AGENT: "Agent", Role.BOT: "Bot"}


class Style(StrEnum):
    """Which words a model wants around a turn."""

    GEMMA = "gemma"
    GEMMA4 = "gemma4"
    CHATML = "chatml"
    LLAMA3 = "llama3"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class _Turns:
    """What begins a prompt, opens a turn and ends it, and how the roles are called.

    Where the system is called nothing, its words stand at the beginning of the user's turn.
    """

    begin: str
    opens: str
    ends: str
    system: str = ""
    model: str = "assistant"

    def open(self, role: str) -> str:
        return self.opens.format({"system": self.system, "model": self.model}.get(role, role))


_TURNS = {
    Style.GEMMA: _Turns("<bos>", "<start_of_turn>{}\n", "<end_of_turn>\n", model="model"),
    Style.GEMMA4: _Turns("<bos>", "<|turn>{}\n", "<turn|>\n", "system", "model"),
    Style.CHATML: _Turns("", "<|im_start|>{}\n", "<|im_end|>\n", "system"),
    Style.LLAMA3: _Turns(
        "<|begin_of_text|>", "<|start_header_id|>{}<|end_header_id|>\n\n", "<|eot_id|>", "system"
    ),
    Style.PLAIN: _Turns("", "", "\n"),
}
"""As the models' makers document it."""
OPENINGS = tuple(sign for turns in _TURNS.values() if (sign := turns.opens.partition("{")[0]))
"""The control tokens that open a turn, of all styles."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt for one model. Only `head`, `tail` and the second text of each pair in `turns` may become
    control tokens; the first of a pair, and `lines`, joined by line feeds, are encoded as plain text,
    whatever they hold."""

    head: str
    lines: tuple[str, ...]
    tail: str
    turns: tuple[tuple[str, str], ...] = ()
    """After `head`: what was said, and what stands between that and the next."""

    def around(self, body: str) -> tuple[str, ...]:
        """The prompt with `body` for its lines, in parts: ours and theirs by turns, ours first."""
        return (self.head, *chain.from_iterable(self.turns), body, self.tail)


def build(preamble: str, chat: Chat, cue: str) -> Prompt:
    """The prompt that asks for `cue` about `chat`.

    Each turn is one line: white space inside a turn becomes single spaces, so no customer can begin
    a line of the agent's, or end the chat and go on in our voice.
    """
    lines = [f"{_SPEAKERS[turn.role]}: {' '.join(turn.text.split())}" for turn in chat.turns if turn.text]
    if chat.subject:
        lines.insert(0, f"Subject: {' '.join(chat.subject.split())}")
    return Prompt(preamble, tuple(lines), cue)


def converse(messages: Iterable[Message], bare: bool = False) -> Prompt:
    """The prompt of a conversation with the model itself, or with `bare` of a text to go on with."""
    return Prompt("", (), "", tuple(messages), bare)


def closing(style: Style) -> str:
    """The control token that ends the model's turn; "" where the style has none."""
    return _TURNS[style].ends.strip()


def render(prompt: Prompt, style: Style) -> Rendered:
    """`prompt` with the turn tokens of `style` around it."""
    turns = _TURNS[style]
    if prompt.bare:
        return Rendered("", (), "", tuple((message.text, "") for message in prompt.messages))
    if prompt.messages:
        return _conversation(_merged(prompt.messages, bool(turns.system)), turns)
    preamble = f"{prompt.preamble}\n\n" if prompt.preamble else ""
    cue = f"\n\n{prompt.cue}" if prompt.cue else ""
    closed = turns.ends + turns.open("model")
    return Rendered(turns.begin + turns.open("user") + preamble, prompt.lines, cue + closed)


def _conversation(said: list[Message], turns: _Turns) -> Rendered:
    following = [turns.ends + turns.open(role) for role in [*(message.role for message in said[1:]), "model"]]
    texts = [message.text for message in said]
    head = turns.begin + turns.open(said[0].role)
    return Rendered(head, (), "", tuple(zip(texts, following, strict=True)))


def _merged(messages: tuple[Message, ...], system: bool) -> list[Message]:
    """Turns that alternate: neighbours of one role are one, and the system is the user where it has none."""
    merged: list[Message] = []
    for message in messages:
        role = "user" if message.role == "system" and not system else message.role
        if merged and merged[-1].role == role:
            text = f"{merged.pop().text}\n\n{message.text.strip()}"
            merged.append(Message(role, text))
        else:
            merged.append(Message(role, message.text.strip()))
    return merged
