"""Batches in OpenAI's shape, by the public client: in the background, cancelled, and after a kill."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import running


def requests(count: int, url: str = "/v1/chat/completions") -> bytes:
    """A file of requests, of which number 3 is a bad one."""
    body = {"model": "any", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5}
    lines = [
        {"custom_id": f"r{n}", "method": "GET" if n == 3 else "POST", "url": url, "body": body}
        for n in range(count)
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def public(address: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="any", max_retries=0)


def begun(client: openai.OpenAI, count: int) -> str:
    file = client.files.create(file=("requests.jsonl", requests(count)), purpose="batch")
    made = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"for": "the test"},
    )
    assert made.status in ("validating", "in_progress")
    return made.id


def awaited(client: openai.OpenAI, name: str, fits: Callable[[Any], bool]) -> Any:
    until = time.monotonic() + 60
    while not fits(batch := client.batches.retrieve(name)):
        assert time.monotonic() < until, batch
        time.sleep(0.05)
    return batch


def answered(client: openai.OpenAI, file: str | None) -> list[str]:
    assert file is not None
    return sorted(json.loads(line)["custom_id"] for line in client.files.content(file).text.splitlines())


def test_a_batch_is_worked_through_cancelled_and_gone_on_with_after_a_kill(tmp_path: Path) -> None:
    slow = {"ATTUNE_ENGINE": "scripted:delay_ms=200", "ATTUNE_IN_FLIGHT": "4"}
    with running(tmp_path, **slow) as service, public(service.address) as client:
        name, other = begun(client, 40), begun(client, 400)
        awaited(client, name, lambda batch: 4 <= batch.request_counts.completed < 36)
        assert client.batches.cancel(other).status in ("cancelling", "cancelled")
        service.stop(signal.SIGKILL)
    with running(tmp_path, **slow) as service, public(service.address) as client:
        done = awaited(client, name, lambda batch: batch.status == "completed")
        assert (done.request_counts.total, done.request_counts.completed) == (40, 39)
        assert done.request_counts.failed == 1
        assert done.metadata == {"for": "the test"}
        assert answered(client, done.output_file_id) == sorted(f"r{n}" for n in range(40) if n != 3)
        assert answered(client, done.error_file_id) == ["r3"]
        ended = awaited(client, other, lambda batch: batch.status == "cancelled")
        assert ended.request_counts.completed < 400
        assert [batch.id for batch in client.batches.list()] == [other, name]
        running_one = begun(client, 400)
        awaited(client, running_one, lambda batch: batch.request_counts.completed > 3)
        client.batches.cancel(running_one)
        stopped = awaited(client, running_one, lambda batch: batch.status == "cancelled")
        assert 0 < len(answered(client, stopped.output_file_id)) < 400
        assert service.stop() == 0


def test_files_are_kept_listed_and_removed(client: TestClient) -> None:
    upload = {"file": ("../../etc/passwd", b"content\n")}
    made = client.post("/v1/files", files=upload, data={"purpose": "batch"}).json()
    assert (made["bytes"], made["purpose"]) == (8, "batch")
    assert client.get(f"/v1/files/{made['id']}/content").content == b"content\n"
    assert [each["id"] for each in client.get("/v1/files").json()["data"]] == [made["id"]]
    assert client.delete(f"/v1/files/{made['id']}").json()["deleted"]
    assert client.get(f"/v1/files/{made['id']}").status_code == 404


@pytest.mark.parametrize("name", ["file-0", "..%2F..%2Fetc%2Fpasswd", "file-" + "0" * 24, "%2e%2e"])
def test_no_name_leads_out_of_the_folder(client: TestClient, name: str) -> None:
    for path in (f"/v1/files/{name}", f"/v1/files/{name}/content", f"/v1/batches/{name}"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("content", [b"", b"{", b'{"id": 1}\n', b"[1]\n"])
def test_a_file_of_no_requests_is_no_batch(client: TestClient, content: bytes) -> None:
    made = client.post("/v1/files", files={"file": ("a.jsonl", content)}, data={"purpose": "batch"}).json()
    asked = {"input_file_id": made["id"], "endpoint": "/v1/completions", "completion_window": "24h"}
    refused = client.post("/v1/batches", json=asked)
    assert refused.status_code == 400
    assert "input_file_id" in refused.json()["error"]["message"]
    assert client.post("/v1/batches", json={**asked, "endpoint": "/v1/embeddings"}).status_code == 400
    assert client.post("/v1/batches", json={**asked, "input_file_id": "file-x"}).status_code == 404
