"""What the pages of the service share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from attune.handle import Act, Acts
from attune.metrics import Metrics
from attune.serve.background import Background
from attune.serve.bounds import Bounds
from attune.serve.intake import Intake
from attune.serve.keys import Keys
from attune.serve.shelf import Shelf
from attune.serve.traffic import Traffic
from attune.store import Store


@dataclass(frozen=True, slots=True)
class Service:
    """One process's engines, store and rules. `local`: bound to this machine alone."""

    acts: Acts
    store: Store
    bounds: Bounds
    keys: Keys
    intake: Intake
    metrics: Metrics
    traffic: Traffic
    shelf: Shelf
    background: Background
    local: bool = True

    @property
    def act(self) -> Act:
        """What answers whatever is no chat of the stream."""
        return self.acts.main


def _of(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Serving = Annotated[Service, Depends(_of)]
"""A page's parameter that is the service it belongs to."""
