"""`/healthz`, `/readyz`, `/metrics` and `/v1/models`: what those who watch over the service ask."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.responses import Response

from attune.serve.refusal import RESPONSES, Refusal
from attune.serve.service import Service, Serving

router = APIRouter()
_FAILED = 20
"""So many chats in a row that the engine failed on: it is not the chats."""


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Model(BaseModel):
    """OpenAI's model."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "attune"


class Models(BaseModel):
    """OpenAI's list of models."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/healthz", tags=["health"])
async def healthz() -> Health:
    """The process is alive; whether it can work is another question."""
    return Health()


@router.get("/readyz", tags=["health"], responses=RESPONSES)
async def readyz(service: Serving) -> Health:
    """The engine answers, the store can be written, and the service is not stopping."""
    if service.traffic.draining:
        raise Refusal(503, "The service is stopping.", "draining")
    if service.intake.failures >= _FAILED:
        raise Refusal(503, f"The engine failed on the last {service.intake.failures} chats.", "engine_failed")
    await asyncio.to_thread(_write_to_store, service)
    return Health()


@router.get(
    "/metrics",
    tags=["health"],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **RESPONSES},
)
def metrics(service: Serving) -> Response:
    """Prometheus metrics."""
    return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/models", tags=["OpenAI"], responses=RESPONSES)
async def models(service: Serving) -> Models:
    """The model that is loaded."""
    return Models(data=[Model(id=service.act.engine.model)])


@router.get("/v1/models/{model}", tags=["OpenAI"], responses=RESPONSES)
async def model(model: str, service: Serving) -> Model:
    """A model, if it is the one that is loaded."""
    if model != (known := service.act.engine.model):
        raise Refusal(404, f"model: {model!r:.80} is not here; there is {known}", "model_not_found")
    return Model(id=known)


def _write_to_store(service: Service) -> None:
    """Raises StoreError where nothing can be written."""
    service.intake.settle_left()
    service.store.renew("nobody", 1.0)
