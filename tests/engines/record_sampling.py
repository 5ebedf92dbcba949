"""Records what Transformers' logits processors make of some logits.

Run by hand, in an environment with torch and transformers:

    python tests/engines/record_sampling.py
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

torch: Any = import_module("torch")  # no dependency of ours, so unknown to the type checker
transformers: Any = import_module("transformers")

RECORDED = Path(__file__).parent / "recorded" / "sampling.json"
SIZE = 48
STANDING = [7, 3, 9, 3, 9, 12, 7, 3, 41, 9, 3, 9, 3]


def main() -> None:
    noise = np.random.default_rng(5)
    cases = []
    for _ in range(24):
        rules: list[dict[str, Any]] = [
            {"top_k": int(noise.integers(1, 20))},
            {"top_p": round(noise.uniform(0.05, 0.999), 3)},
            {"min_p": round(noise.uniform(0.001, 0.9), 3)},
            {"top_k": 12, "top_p": 0.8},
            {"top_k": 30, "top_p": 0.95, "min_p": 0.05},
            {"repetition_penalty": round(noise.uniform(0.5, 2), 2)},
            {"no_repeat_ngram_size": int(noise.integers(1, 4))},
            {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "top_p": 0.9},
        ]
        given = rules[int(noise.integers(len(rules)))]
        temperature = float(noise.choice([0.5, 0.8, 1.0, 1.7]))
        logits = noise.normal(0, 2.5, SIZE).round(3)
        standing = STANDING[: int(noise.integers(1, len(STANDING) + 1))]
        scores = processed(logits, standing, temperature, given)
        cases.append(
            {
                "sampling": {"temperature": temperature, **given},
                "logits": logits.tolist(),
                "standing": standing,
                "scores": [None if score == -np.inf else round(float(score), 5) for score in scores],
            }
        )
    RECORDED.write_text(json.dumps({"transformers": transformers.__version__, "cases": cases}) + "\n")


def processed(logits: Any, standing: list[int], temperature: float, given: dict[str, Any]) -> Any:
    ids = torch.tensor([standing])
    scores = torch.tensor(logits)[None]
    for processor in [
        transformers.RepetitionPenaltyLogitsProcessor(given.get("repetition_penalty", 1.0)),
        transformers.NoRepeatNGramLogitsProcessor(given.get("no_repeat_ngram_size", 10**6)),
        transformers.TemperatureLogitsWarper(temperature),
        transformers.TopKLogitsWarper(given.get("top_k", SIZE)),
        transformers.TopPLogitsWarper(given.get("top_p", 1.0)),
        transformers.MinPLogitsWarper(given.get("min_p", 0.0)),
    ]:
        scores = processor(ids, scores)
    return scores[0].numpy()


if __name__ == "__main__":
    main()
