"""Prompts: a task's words and a chat as the parts a model reads, what is ours apart from theirs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from attune.chat import Chat, Role
from attune.request import Prompt

_SPEAKERS = {Role.CUSTOMER: "Customer", Role.AGENT: "Agent", Role.BOT: "Bot"}


class Style(StrEnum):
    """Which words a model wants around a turn."""

    GEMMA = "gemma"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt for one model. Only `head` and `tail` may become control tokens; `lines`, joined by
    line feeds, are encoded as plain text, whatever they hold."""

    head: str
    lines: tuple[str, ...]
    tail: str


def build(preamble: str, chat: Chat, cue: str) -> Prompt:
    """The prompt that asks for `cue` about `chat`.

    Each turn is one line: white space inside a turn becomes single spaces, so no customer can begin
    a line of the agent's, or end the chat and go on in our voice.
    """
    lines = [f"{_SPEAKERS[turn.role]}: {' '.join(turn.text.split())}" for turn in chat.turns if turn.text]
    if chat.subject:
        lines.insert(0, f"Subject: {' '.join(chat.subject.split())}")
    return Prompt(preamble, tuple(lines), cue)


def render(prompt: Prompt, style: Style) -> Rendered:
    """`prompt` with the turn tokens of `style` around it."""
    preamble = f"{prompt.preamble}\n\n" if prompt.preamble else ""
    if style is Style.PLAIN:
        return Rendered(preamble, prompt.lines, f"\n\n{prompt.cue}\n")
    return Rendered(
        f"<bos><start_of_turn>user\n{preamble}",
        prompt.lines,
        f"\n\n{prompt.cue}<end_of_turn>\n<start_of_turn>model\n",
    )
