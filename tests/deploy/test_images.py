"""The images' recipe: it is linted, and what it copies, installs and starts is there. None is built here."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.cli.conftest import clean_environment
from tests.deploy.tools import DEPLOY, ROOT, said, tool

from attune.cli import VERBS
from attune.models import POCKET

DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
STAGES = dict(re.findall(r"^FROM (\S+) AS (\w+)$", DOCKERFILE, re.MULTILINE))
"""Each image or stage that something is made FROM, and what it is called."""
NAMES = {name: base for base, name in STAGES.items()}


def test_hadolint_finds_nothing_to_say() -> None:
    done = said(tool("hadolint"), DEPLOY / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_every_image_is_pinned_by_its_digest_or_its_version() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    stages = set(re.findall(r" AS (\w+)$", DOCKERFILE, re.MULTILINE))
    foreign = [base for base in bases if base not in {*stages, "scratch", "${MACHINE}"}]
    assert len(foreign) == 4
    assert all(re.search(r"@sha256:[0-9a-f]{64}$|:\d[\w.-]+$", base) for base in foreign)


def test_what_is_copied_from_the_checkout_is_there_and_not_ignored() -> None:
    kept = [
        line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"
    ]
    copied = [
        source
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for source in sources.split()
    ]
    assert "requirements/worker.txt" in copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(Path(source.rstrip("/")).match(pattern) for pattern in kept), source


def test_what_is_installed_is_pinned_by_hash_and_has_what_the_image_needs() -> None:
    assert DOCKERFILE.count("pip install") == DOCKERFILE.count("--require-hashes") + 1  # our own wheel
    for name, needed in (
        ("worker", ("psycopg", "confluent-kafka", "google-cloud-pubsub", "openvino")),
        ("beam", ("apache-beam", "google-cloud-pubsub")),
    ):
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        assert all(re.search(rf"^{package}==", text, re.MULTILINE) for package in needed)
        assert "http://" not in text
        assert "https://" not in text


def test_the_workers_boot_program_is_of_the_beam_that_is_installed() -> None:
    (boot,) = re.findall(r"beam_python3\.11_sdk:([\d.]+)", DOCKERFILE)
    pinned = (ROOT / "requirements" / "beam.txt").read_text(encoding="utf-8")
    assert re.findall(r"^apache-beam==([\d.]+)", pinned, re.MULTILINE) == [boot]


def test_the_images_command_is_one_of_attunes() -> None:
    assert 'CMD ["attune", "run", "--follow", "--quiet"]' in DOCKERFILE
    assert "run" in VERBS
    assert said(sys.executable, "-m", "attune", "run", "--follow", "--quiet", "--help").returncode == 0


def test_no_image_runs_as_root() -> None:
    last: dict[str, str] = {}
    stage = ""
    for line in DOCKERFILE.splitlines():
        if found := re.match(r"FROM (\S+) AS (\w+)", line):
            stage = found[2]
            last[stage] = last.get(found[1], "0")
        if found := re.match(r"USER (\w+)", line):
            last[stage] = found[1]
    assert {last[stage] for stage in ("worker", "baked", "beam", "template")} == {"10001"}


def start(tmp_path: Path, uri: str, *command: str) -> tuple[int, str]:
    env = clean_environment() | {"MODEL_URI": uri, "MODEL_FOLDER": str(tmp_path / "models" / "model")}
    env.pop("ATTUNE_ENGINE")
    done = said(sys.executable, DEPLOY / "start.py", *command, env=env)
    return done.returncode, done.stdout


def test_a_model_is_fetched_once_and_the_command_is_told_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "model"
    shown = ("sh", "-c", 'echo "$ATTUNE_ENGINE"')
    assert start(tmp_path, POCKET.as_uri(), *shown) == (0, f"openvino:{folder}\n")
    there = sorted(path.relative_to(POCKET) for path in POCKET.rglob("*"))
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == there
    (folder / "config.json").unlink()
    assert start(tmp_path, POCKET.as_uri(), *shown)[0] == 0
    assert not (folder / "config.json").exists(), "it was fetched again"


def test_half_a_model_of_an_earlier_start_is_thrown_away(tmp_path: Path) -> None:
    part = tmp_path / "models" / "model.part"
    part.mkdir(parents=True)
    (part / "old").write_text("half")
    assert start(tmp_path, POCKET.as_uri(), "true") == (0, "")
    assert not part.exists()
    assert not (tmp_path / "models" / "model" / "old").exists()


@pytest.mark.parametrize("uri", ["file:///nowhere/model", "gopher://x", "not an address"])
def test_a_model_that_cannot_be_fetched_is_said_in_words(tmp_path: Path, uri: str) -> None:
    code, text = start(tmp_path, uri, "true")
    assert code == 3
    assert text.startswith(f"start: the model {uri} cannot be fetched to ")
    assert "Traceback" not in text


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, text = start(tmp_path, (tmp_path / "empty").as_uri(), "true")
    assert (code, text.rstrip().endswith("there are no files")) == (3, True)


def test_a_command_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    assert start(tmp_path, "", "no-such-command") == (
        127,
        "start: no-such-command cannot be started: No such file or directory\n",
    )
    assert start(tmp_path, "")[0] == 2


def test_the_version_of_the_chart_is_the_packages() -> None:
    chart = (DEPLOY / "helm" / "attune" / "Chart.yaml").read_text(encoding="utf-8")
    assert f'appVersion: "{version("attune")}"' in chart
