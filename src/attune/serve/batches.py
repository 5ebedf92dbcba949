"""`/v1/files` and `/v1/batches`: batches in OpenAI's shape, worked through in the background."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import FileResponse

from attune.serve.background import Batch
from attune.serve.refusal import RESPONSES
from attune.serve.service import Serving
from attune.serve.shelf import Kept

router = APIRouter(tags=["OpenAI"])
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/jsonl": {"schema": {"type": "string"}}}},
    **RESPONSES,
}
Most = Annotated[int, Query(ge=1, le=100)]


class File(BaseModel):
    """OpenAI's file."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"


class Deleted(BaseModel):
    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


class Page(BaseModel):
    """A list of OpenAI's files or batches, the newest first."""

    object: Literal["list"] = "list"
    data: list[Any]
    first_id: str | None
    last_id: str | None
    has_more: bool


class NewBatch(BaseModel):
    """What a batch is to be."""

    model_config = ConfigDict(extra="forbid", strict=True)
    input_file_id: str
    endpoint: Literal["/v1/chat/completions", "/v1/completions"]
    completion_window: Literal["24h"] = Field(description="A batch never expires here.")
    metadata: dict[str, str] | None = None


@router.post("/v1/files", responses=RESPONSES)
async def upload(service: Serving, file: UploadFile, purpose: Annotated[Literal["batch"], Form()]) -> File:
    """Keeps a file of requests for a batch."""
    name = (file.filename or "requests.jsonl")[:200]
    return _file(await asyncio.to_thread(service.shelf.put, file.file, name, purpose))


@router.get("/v1/files", responses=RESPONSES)
def files(service: Serving, limit: Most = 100, after: str = "") -> Page:
    """The files that are kept."""
    return _page([_file(kept).model_dump() for kept in service.shelf.all()], limit, after)


@router.get("/v1/files/{name}", responses=RESPONSES)
def file(name: str, service: Serving) -> File:
    """What is known of a file."""
    return _file(service.shelf.get(name))


@router.get("/v1/files/{name}/content", response_class=FileResponse, responses=_CONTENT)
def content(name: str, service: Serving) -> FileResponse:
    """The file itself."""
    return FileResponse(service.shelf.content(name), media_type="application/jsonl")


@router.delete("/v1/files/{name}", responses=RESPONSES)
def delete(name: str, service: Serving) -> Deleted:
    """Removes a file."""
    service.shelf.delete(name)
    return Deleted(id=name)


@router.post("/v1/batches", responses=RESPONSES)
def create(asked: NewBatch, service: Serving) -> dict[str, Any]:
    """Begins a batch. After a restart of the service it goes on at the first request without a row."""
    made = service.background.create(asked.endpoint, asked.input_file_id, asked.metadata)
    return made.to_json()


@router.get("/v1/batches", responses=RESPONSES)
def batches(service: Serving, limit: Most = 20, after: str = "") -> Page:
    """All batches."""
    return _page([each.to_json() for each in service.background.all()], limit, after)


@router.get("/v1/batches/{name}", responses=RESPONSES)
def batch(name: str, service: Serving) -> dict[str, Any]:
    """How far a batch is, and when it is done the ids of the files that it has written."""
    return service.background.get(name).to_json()


@router.post("/v1/batches/{name}/cancel", responses=RESPONSES)
def cancel(name: str, service: Serving) -> dict[str, Any]:
    """Ends a batch; the rows it has are kept."""
    cancelled: Batch = service.background.cancel(name)
    return cancelled.to_json()


def _file(kept: Kept) -> File:
    shown = ("id", "bytes", "created_at", "filename", "purpose")
    return File(**{name: getattr(kept, name) for name in shown})


def _page(found: list[dict[str, Any]], limit: int, after: str) -> Page:
    ids = [each["id"] for each in found]
    rest = found[ids.index(after) + 1 :] if after in ids else found
    data = rest[:limit]
    ends = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return Page(data=data, first_id=ends[0], last_id=ends[1], has_more=len(rest) > limit)
