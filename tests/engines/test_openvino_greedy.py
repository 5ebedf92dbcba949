"""The engine computes what the model is: its tokens are those of Transformers in float32."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.engines.asking import Greedy

from attune.engines.openvino import OpenVINOEngine
from attune.engines.paged.sequence import Sequence

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "recorded" / "pocket_greedy.json").read_text(encoding="utf-8")
)


def test_the_record_is_worth_comparing_with() -> None:
    lengths = [len(row["ids"]) for row in RECORDED]
    assert len(RECORDED) >= 20
    assert (min(lengths), max(lengths)) == (1, 1500)
    assert all(len(row["greedy"]) == 64 for row in RECORDED)


@pytest.mark.parametrize("row", RECORDED[::3], ids=lambda row: f"{len(row['ids'])} tokens")
def test_alone_the_greedy_tokens_are_those_of_transformers(
    exact: OpenVINOEngine, row: dict[str, Any]
) -> None:
    writer = Greedy(64)
    exact.enqueue(Sequence(row["ids"], [writer])).result()
    assert writer.ids == row["greedy"]


def test_batched_the_greedy_tokens_are_those_of_transformers(exact: OpenVINOEngine) -> None:
    """All prompts together: the longest are fed in chunks, beside the others' decodes."""
    writers = [Greedy(64) for _ in RECORDED]
    futures = [
        exact.enqueue(Sequence(row["ids"], [writer])) for row, writer in zip(RECORDED, writers, strict=True)
    ]
    for future in futures:
        future.result()
    assert [writer.ids for writer in writers] == [row["greedy"] for row in RECORDED]
