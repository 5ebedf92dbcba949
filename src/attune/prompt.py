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
    GEMMA4 = "gemma4"
    CHATML = "chatml"
    LLAMA3 = "llama3"
    PLAIN = "plain"


_TURNS = {
    Style.GEMMA: ("<bos><start_of_turn>user\n", "<end_of_turn>\n<start_of_turn>model\n"),
    Style.GEMMA4: ("<bos><|turn>user\n", "<turn|>\n<|turn>model\n"),
    Style.CHATML: ("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"),
    Style.LLAMA3: (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n",
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    Style.PLAIN: ("", "\n"),
}
"""What opens the user's turn, and what closes it and opens the model's, as the models' makers document it."""


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
    opened, closed = _TURNS[style]
    return Rendered(opened + preamble, prompt.lines, f"\n\n{prompt.cue}{closed}")
