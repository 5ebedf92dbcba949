"""Beams and several texts of one search, as a user asks for them: by a batch and by the service."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from tests.cli.conftest import Attune, attune, environment
from tests.engines.small_t5 import SAID, folder
from tests.serve.conftest import running

from attune.engines.seq2seq.tokens import Tokens

__all__ = ["attune", "environment"]

ENGINE = f"ctranslate2:{folder()}?compute_type=float32"
ASKED: dict[str, Any] = {"num_beams": 4, "num_return_sequences": 2, "early_stopping": True, "max_length": 32}
PROMPTS = [row["prompt"] for row in SAID[:4]]


def best_two() -> list[list[str]]:
    """What Transformers found for each prompt."""
    tokens = Tokens(folder())
    return [[tokens.decode(ids) for ids in row["beams_early"][:2]] for row in SAID[:4]]


def test_a_batch_gives_the_best_two_of_four_beams(attune: Attune) -> None:
    records = [{"id": number, "text_inputs": text, **ASKED} for number, text in enumerate(PROMPTS)]
    lines = "".join(f"{json.dumps(record)}\n" for record in records)
    (attune.folder / "in.jsonl").write_text(lines, encoding="utf-8")
    done = attune("batch", "in.jsonl", "out.jsonl", "--engine", ENGINE, "--ordered", "--quiet")
    assert done.lines[0] == "in 4 = ok 4 + failed 0", done.err
    rows = [json.loads(line) for line in (attune.folder / "out.jsonl").read_bytes().splitlines()]
    assert [row["generated_texts"] for row in rows] == best_two()


def test_the_service_gives_the_best_two_of_four_beams(tmp_path: Path) -> None:
    with running(tmp_path, ATTUNE_ENGINE=ENGINE) as service:
        body = json.dumps({"text_inputs": PROMPTS, **ASKED}).encode()
        asked = urllib.request.Request(
            f"{service.address}/invocations", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            texts = json.load(answer)["generated_texts"]
    assert texts == [text for both in best_two() for text in both]
