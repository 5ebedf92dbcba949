"""The reference says the truth: what it promises is tried by a public tool, and its page needs no network."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS
from starlette.testclient import TestClient
from tests.serve.conftest import Make

from attune.serve.application import application
from attune.serve.bounds import Bounds

WIDE = Bounds(max_request_tokens=10**9)


@pytest.fixture
def api(make: Make) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", application(make(bounds=WIDE)))


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
def test_every_page_keeps_what_the_reference_promises(case: schemathesis.Case) -> None:
    case.call_and_validate(headers={"Host": "127.0.0.1"})


def test_the_page_of_the_reference_needs_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for path in client.get("/openapi.json").json()["paths"]:
        assert f" {path}</code>" in page.text
    for found in re.findall(r"(?:src|href)=\"([^\"]*)\"", page.text):
        assert found == "data:," or client.get(f"/{found}").status_code == 200
    assert "<script" not in page.text
    assert "http" not in page.text


def test_all_checks_of_the_tool_are_there() -> None:
    assert len(CHECKS.get_all()) > 5
