"""Card: what a model that was made here is, what it was taught, and how well it does."""

from __future__ import annotations

import json
from pathlib import Path

from recipes.pocket import evaluate
from recipes.pocket.evaluate import Figure
from recipes.pocket.shape import SHAPES
from recipes.pocket.sources import SOURCES

_CARD = """# pocket ({size})

A Gemma 3 text model (`Gemma3ForCausalLM`) trained from scratch by `recipes/pocket`, without any of
Google's weights: {parameters:.1f} million parameters, width {shape.width}, {shape.layers} layers,
{shape.heads} heads of {shape.head}, {shape.kv_heads} key-value heads, a window of {shape.window} tokens
in five layers of six, {shape.vocabulary:,} tokens (BPE, spaces as ▁, bytes for what is not in the
vocabulary). Licence: Apache-2.0.

## What it was taught

{taught}

| data | licence | by |
|---|---|---|
{data}
| conversations | Apache-2.0 | attune |

## How well it does

On the dev conversations, which it never saw; the messy public texts it may have read before, without labels:

{figures}
"""


def write(folder: Path, work: Path, size: str) -> None:
    """Writes CARD.md, with the figures of evaluate where there are some."""
    shape = SHAPES[size]
    rows = "\n".join(f"| {each.folder} | {each.licence} | {each.attribution} |" for each in SOURCES)
    text = _CARD.format(
        size=size,
        shape=shape,
        parameters=shape.parameters / 1e6,
        taught=_taught(work, size),
        data=rows,
        figures=_figures(work / f"figures-{size}.json"),
    )
    (folder / "CARD.md").write_text(text, encoding="utf-8")


def _taught(work: Path, size: str) -> str:
    said = []
    for step, what in (
        ("pretrain", "next-token training on text and exercises"),
        ("tune", "the product's tasks"),
    ):
        log = work / f"{step}-{size}" / "log.jsonl"
        if not log.exists():  # tuned on, with tune --from
            said.append(f"- {what}: as the weights that it went on from")
            continue
        lines = log.read_text(encoding="utf-8").splitlines()
        steps = [record for record in map(json.loads, lines) if "tokens" in record]
        last, loss = steps[-1], sum(record["loss"] for record in steps[-20:]) / len(steps[-20:])
        minutes, tokens = last["seconds"] / 60, last["tokens"] / 1e6
        said.append(f"- {what}: {tokens:.1f} million tokens in {minutes:.0f} minutes, loss {loss:.2f}")
    return "\n".join(said)


def _figures(path: Path) -> str:
    if not path.exists():
        return "Not measured yet: run the step evaluate, then export again."
    return evaluate.table([Figure(**each) for each in json.loads(path.read_text(encoding="utf-8"))])
