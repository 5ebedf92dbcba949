"""Lessons: what a model should say to a request of the product, token by token, and what of that it decides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lesson:
    """A prompt as the model gets it in serving, and the answer it should give, in tokens.

    A causal model reads the prompt and then the answer; an encoder-decoder reads the prompt in its encoder
    and says the answer. Only the tokens of the answer that are `trained` count: those that the model itself
    decides, the end of its turn among them. Nothing of a prompt is ever trained on.
    """

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    trained: tuple[bool, ...]
    """As long as `answer`."""
    name: str = ""
    """Which example it is, in words for people."""

    def __len__(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + len(self.answer)
