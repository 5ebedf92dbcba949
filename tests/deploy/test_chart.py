"""The chart: what Helm makes of it, and what Kubernetes and KEDA would say of that."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.conftest import clean_environment
from tests.deploy import written
from tests.deploy.tools import CHART, DEPLOY, KUBERNETES, ROOT, TOOLS, said, tool

from attune.config import load, options
from attune.store import Input, Store

VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
ALL_ON = ("modelUri=gs://bucket/model", "serviceAccount.annotations.a=b", "settings.max_chat_bytes=8000000")


def rendered(*sets: str, files: Sequence[Path] = ()) -> list[dict[str, Any]]:
    asked = [part for each in sets for part in ("--set", each)]
    asked += [part for each in files for part in ("--values", str(each))]
    done = said(tool("helm"), "template", "x", CHART, "--kube-version", KUBERNETES, *asked)
    assert done.returncode == 0, done.stdout
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def kind(name: str, *sets: str, files: Sequence[Path] = ()) -> dict[str, Any]:
    (found,) = [each for each in rendered(*sets, files=files) if each["kind"] == name]
    return found


def pod(*sets: str, files: Sequence[Path] = ()) -> dict[str, Any]:
    spec = kind("Deployment", *sets, files=files)["spec"]["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


def test_the_settings_of_the_values_are_attunes_options() -> None:
    assert written.SCHEMA.read_text(encoding="utf-8") == written.schema(), (
        "run: python -m tests.deploy.written"
    )
    assert VALUES["settings"].keys() <= options().keys()


def test_the_workers_that_the_capacity_page_advises_are_the_charts() -> None:
    page = (ROOT / "docs" / "capacity.md").read_text(encoding="utf-8")
    (chats,) = re.findall(r"\*\*(\d+) chats\*\*", page)
    assert VALUES["keda"]["chatsPerWorker"] == int(chats)


def test_helm_finds_nothing_to_say() -> None:
    done = said(tool("helm"), "lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "wrong", ["settings.in_fligth=3", "settings.tries=99", "store.secrt=x", "modelUri=/x"]
)
def test_a_value_that_does_not_exist_or_fit_is_refused(wrong: str) -> None:
    done = said(tool("helm"), "template", "x", CHART, "--kube-version", KUBERNETES, "--set", wrong)
    assert done.returncode != 0
    assert "values don't meet the specifications" in done.stdout


@pytest.mark.parametrize("sets", [(), ALL_ON, ("keda.enabled=false", "networkPolicy.enabled=false")])
def test_kubernetes_and_keda_would_take_it(sets: tuple[str, ...], tmp_path: Path) -> None:
    schemas = TOOLS / "schemas"
    if not schemas.exists():
        pytest.skip("there are no schemas of Kubernetes: make lint-deploy makes them")
    manifest = tmp_path / "all.yaml"
    manifest.write_text(yaml.safe_dump_all(rendered(*sets)), encoding="utf-8")
    pattern = f"{schemas}/{{{{ .ResourceKind }}}}-{{{{ .ResourceAPIVersion }}}}.json"
    done = said(tool("kubeconform"), "-strict", "-summary", "-schema-location", pattern, manifest)
    assert done.returncode == 0, done.stdout
    assert "Skipped: 0" in done.stdout


def test_the_pod_gives_attune_settings_that_it_takes(tmp_path: Path) -> None:
    """Helm reads a whole number of a file as a float."""
    values = tmp_path / "values.yaml"
    values.write_text("settings: {max_chat_bytes: 8000000, timeout_s: 1.5}\n", encoding="utf-8")
    spec = pod("modelUri=gs://bucket/model", files=(values,))
    given = {each["name"]: each.get("value", "postgresql://x") for each in spec["containers"][0]["env"]}
    assert given.pop("MODEL_URI") == "gs://bucket/model"
    config = load({}, given)
    assert (config.max_chat_bytes, config.timeout_s, config.metrics_port) == (8_000_000, 1.5, 9464)


def test_the_pod_is_not_root_writes_nothing_and_knows_no_other_service() -> None:
    spec = pod()
    (worker,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert worker["securityContext"]["readOnlyRootFilesystem"] is True
    assert worker["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["enableServiceLinks"] is False
    assert spec["automountServiceAccountToken"] is False


def test_no_manifest_holds_a_password() -> None:
    (store,) = [each for each in pod()["containers"][0]["env"] if each["name"] == "ATTUNE_STORE"]
    assert store["valueFrom"]["secretKeyRef"] == {"name": "attune-store", "key": "address"}
    assert not [each for each in rendered() if each["kind"] == "Secret"]


def test_keda_asks_the_store_for_its_backlog(postgres: str) -> None:
    query = kind("ScaledObject")["spec"]["triggers"][0]["metadata"]["query"]
    with Store.open(postgres) as store:
        store.enqueue([Input(f"{n}", "d", b"{}", "x:1") for n in range(3)])
    from sqlalchemy import create_engine, text

    engine = create_engine(postgres.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert connection.execute(text(query)).scalar_one() == 3
    engine.dispose()


def test_the_probe_succeeds_while_a_worker_follows_its_queue_and_fails_after(tmp_path: Path) -> None:
    template = (CHART / "templates" / "_names.tpl").read_text(encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    (probe,) = re.findall(r"- (import .*)", template)
    with Store.open(tmp_path / "attune.db"):
        pass
    settings = {"ATTUNE_STORE": "attune.db", "ATTUNE_METRICS_PORT": port, "ATTUNE_ENGINE": "scripted:"}
    asking = [sys.executable, "-c", probe.replace("9464", port)]
    with subprocess.Popen(
        [sys.executable, "-m", "attune", "run", "--follow", "--quiet"],
        cwd=tmp_path,
        env=clean_environment() | settings,
        stdout=subprocess.DEVNULL,
    ) as worker:
        deadline = time.monotonic() + 30
        while (answer := said(*asking)).returncode and time.monotonic() < deadline:
            time.sleep(0.2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics?name[]=attune_in_flight") as page:
            metrics = page.read().decode()
        worker.terminate()
    assert answer.returncode == 0, answer.stdout
    assert "attune_in_flight 0.0" in metrics
    assert "attune_backlog" not in metrics
    assert worker.returncode == 143
    assert said(*asking).returncode != 0


def test_systemd_would_take_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "systemd" / "attune.service").read_text(encoding="utf-8")
    program = re.findall(r"^ExecStart=(\S+) run ", unit, re.MULTILINE)
    assert program == ["/opt/attune/bin/attune"]
    copy = tmp_path / "attune.service"
    copy.write_text(unit.replace(program[0], "/bin/true"), encoding="utf-8")
    done = said(tool("systemd-analyze"), "verify", "--man=no", copy, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 0, done.stdout
    assert done.stdout == ""
