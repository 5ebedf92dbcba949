"""The card of an adapter, README.md in Hugging Face's form: made from its record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attune.visible import visible


def card(told: Mapping[str, Any]) -> str:
    """The card of the record `told`: what the hub reads stands between dashes, then what people read."""
    base, task, data = told["base"], told["task"], told["data"]
    head = {
        "library_name": "peft",
        "base_model": base["model"],
        "license": told["license"] or "other",
        "language": list(data["languages"]),
        "tags": ["lora", "attune"],
    }
    facts = {
        "made for": f"{base['model']} ({base['address']})" if base["address"] else base["model"],
        "task": f"{task['name']} {task['version']}".strip(),
        "trained on": f"{data['examples']} examples, {data['held_out']} held out" if data["examples"] else "",
        "data": data["hash"],
        "chosen epoch": str(told["chosen"] or ""),
        "settings": ", ".join(f"{name} {value}" for name, value in told["settings"].items()),
        "made": f"{told['created']} by attune {told['attune']}",
    }
    lines = [
        "---",
        *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()),
        "---",
        "",
    ]
    lines += [f"# {_plain(told['name'])}", ""]
    lines += [f"- {label}: {_plain(fact)}" for label, fact in facts.items() if fact]
    lines += _table("Epochs", told["epochs"])
    lines += _table("Held-out data", [{"": side, **figures} for side, figures in told["evaluation"].items()])
    return "\n".join([*lines, ""])


def _table(title: str, rows: Any) -> list[str]:
    if not rows:
        return []
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [
        columns,
        ["---"] * len(columns),
        *([_cell(row.get(name, "")) for name in columns] for row in rows),
    ]
    return ["", f"## {title}", "", *("| " + " | ".join(map(_plain, row)) + " |" for row in cells)]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """`text` as Markdown that shows nothing but its letters: names and settings are anybody's."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#!&" else sign for sign in visible(text))
