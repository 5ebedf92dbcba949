"""The application: the pages put together, behind the gate."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from attune.errors import AttuneError
from attune.serve import batches, chats, completions, health, hosting, reference
from attune.serve.gate import Gate
from attune.serve.refusal import on_error, on_fault, on_invalid, on_refusal
from attune.serve.service import Service

_PAGES = (chats, completions, batches, hosting, health, reference)
_ABOUT = "Reads finished customer conversations with a language model that you run yourself."


def application(service: Service) -> FastAPI:
    """All pages of `service`. Whoever adds some gives them a router and a place in `_PAGES`."""
    app = FastAPI(
        title="attune",
        version=_version(),
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        **_security(service),
    )
    app.state.service = service
    for page in _PAGES:
        app.include_router(page.router)
    app.add_middleware(
        Gate, bounds=service.bounds, keys=service.keys, traffic=service.traffic, local=service.local
    )
    app.add_exception_handler(HTTPException, on_refusal)
    app.add_exception_handler(RequestValidationError, on_invalid)
    for kind in (AttuneError, TimeoutError):
        app.add_exception_handler(kind, on_error)
    app.add_exception_handler(Exception, on_fault)
    return app


def _security(service: Service) -> dict[str, Any]:
    from fastapi import Depends
    from fastapi.security import HTTPBearer

    return {"dependencies": [Depends(HTTPBearer(auto_error=False))]} if service.keys else {}


def _version() -> str:
    try:
        return version("attune")
    except PackageNotFoundError:
        return "0"
