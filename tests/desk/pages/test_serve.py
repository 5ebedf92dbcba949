"""`attune serve` as its users have it: the desk beside the service, and the first look."""

from __future__ import annotations

import re
import time
from pathlib import Path

import urllib3
from tests.serve.conftest import running


def test_the_demo_opens_with_the_samples_and_fills_before_ones_eyes(tmp_path: Path) -> None:
    with running(tmp_path, "--demo") as service:
        pool = urllib3.PoolManager(retries=False, timeout=20)
        home = pool.request("GET", service.address + "/", redirect=False)
        assert (home.status, home.headers["location"]) == (307, "/desk/")
        until = time.monotonic() + 60
        while not (found := re.search(rb"<title>\((\d+)\) Queue", _get(pool, service.address + "/desk/"))):
            assert time.monotonic() < until
            time.sleep(0.2)
        assert int(found[1]) > 0
        assert _get(pool, service.address + "/healthz")
        answer = pool.request("GET", service.address + "/desk/", headers={"Host": "evil.test"})
        assert answer.status == 421
        posted = pool.request("POST", service.address + "/desk/next", redirect=False)
        assert posted.status == 403
    assert (tmp_path / "attune-demo" / "demo.db").exists()


def test_without_the_demo_people_log_in(tmp_path: Path) -> None:
    with running(tmp_path, "--engine", "scripted:") as service:
        pool = urllib3.PoolManager(retries=False, timeout=20)
        answer = pool.request("GET", service.address + "/desk/", redirect=False)
        assert (answer.status, answer.headers["location"]) == (303, "/desk/login?to=%2F")
        login = _get(pool, service.address + "/desk/login").decode()
        assert 'action="/desk/login"' in login
        static = re.search(r'href="(/desk/static/\w+/tokens\.css)"', login)
        assert static
        assert b"--accent" in _get(pool, service.address + static[1])


def _get(pool: urllib3.PoolManager, address: str) -> bytes:
    answer = pool.request("GET", address)
    assert answer.status == 200, address
    return bytes(answer.data)
