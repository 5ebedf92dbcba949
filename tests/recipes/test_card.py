"""The card tells what a model was taught, also where it went on from another."""

from __future__ import annotations

import json
from pathlib import Path

from recipes.pocket import card


def test_a_model_that_went_on_from_another_has_a_card(tmp_path: Path) -> None:
    (tmp_path / "tune-small").mkdir()
    record = {"step": 1, "tokens": 2_000_000, "loss": 0.5, "seconds": 120.0}
    (tmp_path / "tune-small" / "log.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    card.write(tmp_path, tmp_path, "small")
    text = (tmp_path / "CARD.md").read_text(encoding="utf-8")
    assert "exercises: as the weights that it went on from" in text
    assert "tasks: 2.0 million tokens in 2 minutes, loss 0.50" in text
