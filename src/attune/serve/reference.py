"""`/docs`: the reference as a page, made from the OpenAPI document; it needs nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

router = APIRouter()
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>attune: reference</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/style.css"></head><body><main>
<h1>attune</h1><p>{about} The same as a document for programs: <a href="openapi.json">openapi.json</a></p>
{pages}</main></body></html>
"""
_STYLE = """:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 50rem; padding: 0 1rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { overflow-x: auto; border: 1px solid #8888; border-radius: 4px; padding: .5rem; }
section { border-top: 1px solid #8888; margin-top: 1.5rem; }
"""


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    document = request.app.openapi()
    pages = "".join(_sections(document))
    page = _PAGE.format(about=escape(document["info"]["description"]), pages=pages)
    return HTMLResponse(
        page, headers={"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:"}
    )


@router.get("/docs/style.css", include_in_schema=False)
async def style() -> HTMLResponse:
    return HTMLResponse(_STYLE, media_type="text/css")


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            about = "".join(f"<p>{escape(part)}</p>" for part in told.get("description", "").split("\n\n"))
            yield f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>{about}"
            yield from _bodies(told)
            yield "</section>"


def _bodies(told: Mapping[str, Any]) -> Iterator[str]:
    for kind, content in told.get("requestBody", {}).get("content", {}).items():
        shape = escape(json.dumps(content["schema"], indent=2))
        yield f"<details><summary>Body: {escape(kind)}</summary><pre>{shape}</pre></details>"
