"""The errors a user may meet: each message says what happened and what to do next."""

from __future__ import annotations


class AttuneError(Exception):
    """Something the user can mend. Commands print it without a traceback and exit with `exit_code`."""

    exit_code = 2


def told(error: BaseException) -> str:
    """What a library's error says, in one line; its name where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


class BadChat(AttuneError):
    """An input that is not a chat: `field` names what is wrong with it, `why` says how."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


class BadTask(AttuneError):
    """A task definition that cannot be used."""


class BadConfig(AttuneError):
    """A setting that is unknown or out of its range."""


class Misfit(AttuneError):
    """A model's answer that does not fit the fields of its task."""


class EngineError(AttuneError):
    """An engine that cannot be loaded, or failed on a request."""

    exit_code = 3


class BadRequest(EngineError):
    """A request that the engine cannot run, however often it is asked: what is asked for must change."""


class ModelError(AttuneError):
    """A model or an adapter that cannot be fetched, converted or found."""

    exit_code = 3


class StoreError(AttuneError):
    """The database cannot be opened, read or written."""

    exit_code = 4


class TuneError(AttuneError):
    """An adapter cannot be trained as asked."""
