"""What of deploy/ is written from the code: `python -m tests.deploy.written` writes it anew.

The chart's `settings` are attune's options, the flex template's parameters the flags of `attune beam run`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click import Option as Flag

from attune.cli.beam import run
from attune.config import Option, options

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
SCHEMA = DEPLOY / "helm" / "attune" / "values.schema.json"
METADATA = DEPLOY / "dataflow" / "metadata.json"
_ELSEWHERE = ("store", "metrics_port")
"""Options that the chart sets itself."""
_NOT_ASKED = ("--runner", "--dry-run", "--config")
"""Flags that make no sense in a template: it is for one runner, and there is no file beside it."""
_LABELS = {"source": "Where chats come from", "sink": "Where outcomes go: STORE, TOPIC or FORM:FOLDER"}


def settings() -> dict[str, Any]:
    """The schema of the chart's `settings`."""
    properties = {name: _of_option(option) for name, option in options().items() if name not in _ELSEWHERE}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def parameters() -> list[dict[str, Any]]:
    """The parameters of the flex template."""
    flags = [flag for flag in run.params if isinstance(flag, Flag) and flag.opts[0] not in _NOT_ASKED]
    return [_of_flag(flag) for flag in flags]


def schema() -> str:
    found = json.loads(SCHEMA.read_text(encoding="utf-8"))
    found["properties"]["settings"] = settings()
    return json.dumps(found, indent=2) + "\n"


def metadata() -> str:
    told = {
        "name": "attune",
        "description": "Reads finished customer chats: happy and neutral ones become rows, unhappy ones "
        "review items with a drafted reply, and what cannot be read a dead letter.",
        "parameters": parameters(),
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _of_option(option: Option) -> dict[str, Any]:
    if option.among:
        return {"description": option.help, "enum": list(option.among)}
    if option.kind is str:
        return {"description": option.help, "type": "string", "minLength": 1}
    kind = "integer" if option.kind is int else "number"
    return {"description": option.help, "type": kind, "minimum": option.low, "maximum": option.high}


def _of_flag(flag: Flag) -> dict[str, Any]:
    name = flag.opts[0].removeprefix("--").replace("-", "_")
    told = f"{flag.help} Several with spaces between." if flag.multiple else f"{flag.help}"
    label = _LABELS.get(name, name.replace("_", " ").capitalize())
    return {"name": name, "label": label, "helpText": told, "isOptional": not flag.required}


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
    METADATA.write_text(metadata(), encoding="utf-8")
