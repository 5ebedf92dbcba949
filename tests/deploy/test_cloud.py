"""The flex template and the Terraform files: their own tools' checks, and that they name what exists."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest
from tests.deploy import written
from tests.deploy.tools import DEPLOY, said, tool

from attune.cli.beam import run

TERRAFORM = DEPLOY / "terraform"
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in sorted(TERRAFORM.glob("*.tf")))


def command(*arguments: str) -> list[str]:
    spec = importlib.util.spec_from_file_location("launch", DEPLOY / "dataflow" / "launch.py")
    assert spec is not None
    assert spec.loader is not None
    launch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(launch)
    found = launch.command(arguments)
    assert isinstance(found, list)
    return found


def test_the_templates_parameters_are_the_flags_of_attune_beam_run() -> None:
    assert written.METADATA.read_text(encoding="utf-8") == written.metadata(), (
        "run: python -m tests.deploy.written"
    )


def test_the_metadata_has_what_dataflow_asks_of_it() -> None:
    found = json.loads(written.METADATA.read_text(encoding="utf-8"))
    assert found.keys() >= {"name", "description", "parameters"}
    for each in found["parameters"]:
        assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]+", each["name"])
        assert each["label"]
        assert each["helpText"]
    assert {each["name"] for each in found["parameters"] if not each["isOptional"]} == {"source", "sink"}


def test_every_parameter_becomes_its_flag_and_the_rest_is_beams() -> None:
    names = [each["name"] for each in written.parameters()]
    given = [f"--{name}=1" for name in names]
    asked = command("--runner=DataflowRunner", "--project=p", *given, "--template_location=gs://x/y")
    split = asked.index("--")
    assert asked[:4] == ["attune", "beam", "run", "--runner=dataflow"]
    assert asked[4:split] == [f"--{name.replace('_', '-')}=1" for name in names]
    assert asked[split + 1 :] == ["--project=p", "--template_location=gs://x/y"]


def test_several_sinks_are_several_flags_that_the_command_takes() -> None:
    asked = command("--source=a=b.jsonl", "--sink=parquet:gs://x jsonl:gs://y", "--in_flight=7")
    with run.make_context("run", asked[3:]) as context:
        assert context.params["sources"] == ("a=b.jsonl",)
        assert context.params["sinks"] == ("parquet:gs://x", "jsonl:gs://y")
        assert (context.params["runner"], context.params["in_flight"]) == ("dataflow", "7")


def test_terraform_files_are_formatted_and_can_be_parsed(tmp_path: Path) -> None:
    nobodys = {"HOME": str(tmp_path)}
    done = said(tool("tofu"), "fmt", "-check", "-diff", "-recursive", TERRAFORM, env=nobodys)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_variable_and_resource_that_is_named_is_there_and_every_variable_used() -> None:
    variables = set(re.findall(r'^variable "(\w+)"', TEXT, re.MULTILINE))
    assert set(re.findall(r"\bvar\.(\w+)", TEXT)) == variables
    resources = {
        f"{kind}.{name}" for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', TEXT, re.MULTILINE)
    }
    assert set(re.findall(r"(?<!data\.)\b(google_\w+\.\w+)", TEXT)) <= resources
    assert len(resources) >= 12


@pytest.mark.parametrize("kind", ["variable", "output"])
def test_everything_that_a_user_meets_is_described(kind: str) -> None:
    for name, body in re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}', TEXT, re.MULTILINE | re.DOTALL):
        assert re.search(r"^  description += \".+\.\"$", body, re.MULTILINE), name


def test_dead_letters_are_kept() -> None:
    """Without a subscription of their own Pub/Sub throws them away; without its agent's rights, none come."""
    assert re.search(
        r'subscription" "dead" {[^}]+topic += google_pubsub_topic.dead.id', re.sub(r"\${.+?}", "", TEXT)
    )
    assert "dead_letter_topic     = google_pubsub_topic.dead.id" in TEXT
    assert TEXT.count("member       = local.pubsub_agent") + TEXT.count("member = local.pubsub_agent") == 2
