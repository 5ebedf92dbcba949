"""Which language a chat is in: what its source said, else what its words look like."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from attune.chat import Chat, Role


def language_of(chat: Chat, among: Collection[str]) -> str:
    """The code, out of `among`, of the language the customer wrote in.

    The chat's own `language` counts where it is one of them ("pt-BR" is "pt"); else the likeliest
    by py3langid's n-grams; `among` must not be empty.
    """
    declared = (chat.language or "").lower().replace("_", "-").split("-")[0]
    if declared in among:
        return declared
    said = " ".join(turn.text for turn in chat.turns if turn.role is Role.CUSTOMER) or chat.text
    return guessed(said, among)


def guessed(text: str, among: Collection[str] = ()) -> str:
    """The code of the language that `text` looks like, out of `among`, or of all that py3langid knows."""
    language, _ = _identifier(tuple(sorted(among))).classify(text[:2000])
    return str(language)


@lru_cache(maxsize=8)
def _identifier(languages: tuple[str, ...]) -> Any:
    # Imported here: its tables take a tenth of a second to load, and most chats say their language.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    if languages:
        identifier.set_languages(list(languages))
    return identifier
