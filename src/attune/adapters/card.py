"""The card of an adapter, README.md in Hugging Face's form: made from its record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from attune.visible import visible


def facts(told: Mapping[str, Any]) -> dict[str, str]:
    """What the record `told` says in single lines, by label; nothing of what it does not say."""
    base, task, data = told["base"], told["task"], told["data"]
    found = {
        "made for": f"{base['model']} ({base['address']})" if base["address"] else base["model"],
        "task": f"{task['name']} {task['version']}".strip(),
        "trained on": f"{data['examples']} examples, {data['held_out']} held out" if data["examples"] else "",
        "languages": ", ".join(data["languages"]),
        "data": data["hash"],
        "chosen epoch": str(told["chosen"] or ""),
        "settings": ", ".join(f"{name} {value}" for name, value in told["settings"].items()),
        "license": told["license"],
        "made": f"{told['created']} by attune {told['attune']}",
    }
    return {label: fact for label, fact in found.items() if fact}


def tables(told: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """The figures of the epochs and of the evaluation, by title: a row of names, then a row each."""
    evaluated = [{"model": side, **figures} for side, figures in told["evaluation"].items()]
    found = {"Epochs": told["epochs"], "Held-out data": evaluated}
    return {title: _rows(rows) for title, rows in found.items() if rows}


def card(told: Mapping[str, Any]) -> str:
    """The card of the record `told`: what the hub reads stands between dashes, then what people read."""
    head = {
        "library_name": "peft",
        "base_model": told["base"]["model"],
        "license": told["license"] or "other",
        "language": list(told["data"]["languages"]),
        "tags": ["lora", "attune"],
    }
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items())]
    lines += ["---", "", f"# {_plain(told['name'])}", ""]
    lines += [f"- {label}: {_plain(fact)}" for label, fact in facts(told).items()]
    for title, (names, *rows) in tables(told).items():
        lines += ["", f"## {title}", ""]
        lines += ["| " + " | ".join(map(_plain, row)) + " |" for row in (names, ["---"] * len(names), *rows)]
    return "\n".join([*lines, ""])


def _rows(rows: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [names, *([_cell(row.get(name, "")) for name in names] for row in rows)]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """`text` as Markdown that shows nothing but its letters: names and settings are anybody's."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#!&" else sign for sign in visible(text))
