"""The review desk beside the service: its pages, and the sender of what is approved there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from attune import connect
from attune.config import Config
from attune.errors import BadConfig
from attune.folding import Folding
from attune.handle import Acts
from attune.pages.app import beside
from attune.pages.desk import Desk
from attune.pages.drafting import Drafting
from attune.pages.settings import Settings, phrases_of
from attune.sending import Sending
from attune.serve import keys
from attune.store import Store

DESK = ("claim_s", "undo_s", "target_s", "reject_reasons", "phrases", "reviewer_language", "desk_key")
OUT = ("replies", "webhook_secret_file")
"""The options of the desk, and of what sends its replies."""


@contextmanager
def reviewed(config: Config, store: Store, acts: Acts, alone: str) -> Iterator[Callable[[Any], Any]]:
    """Sends what is approved and counts what is settled while the block lasts; gives what puts the desk's
    pages beside others.

    `alone` names the one person of one-user mode; "" is a desk whose people log in.
    """
    translate = connect.task("translate", config.engine)
    desk = Desk(store, Drafting(acts, translate), _settings(config, alone))
    outlet = connect.replies(config.replies, config.webhook_secret_file)
    with closing(Sending(outlet, store)), closing(Folding(store)):
        yield partial(beside, desk)


def _settings(config: Config, alone: str) -> Settings:
    here = keys.is_loopback(config.host)
    if alone and not here:
        raise BadConfig("one-user mode lets anybody in who reaches it: leave --host out, or --demo")
    settings = Settings(
        lease_s=config.claim_s,
        undo_s=config.undo_s,
        target_s=config.target_s,
        reviewer_language=config.reviewer_language,
        reasons=tuple(reason.strip() for reason in config.reject_reasons.split(",") if reason.strip()),
        phrases=phrases_of(Path(config.phrases)) if config.phrases else (),
        secure=not here,
        alone=alone,
    )
    return replace(settings, key=config.desk_key.encode()) if config.desk_key else settings
