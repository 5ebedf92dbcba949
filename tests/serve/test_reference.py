"""The reference says the truth: what it promises is tried by a public tool, and its page needs no network."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.testclient import TestClient
from tests.serve.conftest import Make

from attune.serve.application import application
from attune.serve.bounds import Bounds

HERE = {"Host": "127.0.0.1"}
IN_WORDS = ("/invocations", "/v1/chat/completions")
"""Which parameters go together, and which schemas can be answered, is told in words alone."""
FORMS = ("/v1/files",)
"""In a form a number is a text like any other: what is wrong by the document can be right on the wire."""
WIDE = Bounds(max_request_tokens=10**9)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_page_keeps_what_the_reference_promises(make: Make, mode: GenerationMode) -> None:
    """What fits the document is answered as it says, and what does not is refused."""
    app = application(make(bounds=WIDE))
    pages: Any = schemathesis.openapi.from_asgi("/openapi.json", app, headers=HERE).get_all_operations()
    tried = 0
    for page in pages:
        try_out(page.ok(), mode)
        tried += 1
    assert tried >= 10


def try_out(page: Any, mode: GenerationMode) -> None:
    left_out = [positive_data_acceptance] if page.path in IN_WORDS else []
    left_out += [negative_data_rejection] if page.path in FORMS else []

    @given(case=page.as_strategy(generation_mode=mode))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck), derandomize=True)
    def holds(case: Any) -> None:
        case.call_and_validate(headers=HERE, excluded_checks=left_out)

    with contextlib.suppress(Unsatisfiable):  # a page without a body or parameters has none that is wrong
        holds()


def test_the_page_of_the_reference_needs_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for path in client.get("/openapi.json").json()["paths"]:
        assert f" {path}</code>" in page.text
    for found in re.findall(r"(?:src|href)=\"([^\"]*)\"", page.text):
        assert found == "data:," or client.get(f"/{found}").status_code == 200
    assert "<script" not in page.text
    assert "http" not in page.text
