"""The model in training is Gemma 3, and a run that is stopped goes on as if it had not been."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipes.pocket.shape import Shape

torch: Any = pytest.importorskip("torch")
SHAPE = Shape(width=32, layers=6, heads=4, kv_heads=2, head=16, inner=64, vocabulary=300, window=16)
ROWS = np.random.default_rng(0).integers(6, 300, (64, 40)).astype(np.uint16)


def model() -> Any:
    from recipes.pocket.model import Pocket

    torch.manual_seed(3)
    return Pocket(SHAPE)


def run(folder: Path, tokens: int, piece: float = float("inf")) -> Any:
    from recipes.pocket.training import Budget, Rates, Run, next_tokens

    def batches(step: int) -> list[Any]:
        return [next_tokens(ROWS[(step * 4 + start) % 64 :][:2]) for start in (0, 2)]

    budget = Budget(tokens=tokens, piece=piece)
    made = Run(model(), folder, batches, budget, Rates(), next_tokens(ROWS[:2]), compiled=False)
    made.train()
    return made


def test_it_says_what_hugging_faces_gemma_says() -> None:
    transformers: Any = pytest.importorskip("transformers")
    ours = model()
    with torch.no_grad():
        for each in ours.parameters():
            each.add_(0.05 * torch.randn_like(each))
    config = transformers.Gemma3TextConfig(**SHAPE.config() | {"dtype": "float32"})
    theirs = transformers.Gemma3ForCausalLM(config).eval()
    weights = {f"model.{name}": each for name, each in ours.state_dict().items()}
    theirs.load_state_dict(weights | {"lm_head.weight": ours.embed_tokens.weight})
    ids = torch.from_numpy(ROWS[:2].astype(np.int64))
    with torch.no_grad():
        logits = ours(ids) @ ours.embed_tokens.weight.T
        assert torch.allclose(logits, theirs(ids).logits, atol=1e-4)


def test_the_loss_and_its_gradients_are_those_of_cross_entropy() -> None:
    from recipes.pocket.model import Loss

    hidden, table = torch.randn(700, 8, requires_grad=True), torch.randn(50, 8, requires_grad=True)
    targets, shares = torch.randint(0, 50, (700,)), torch.rand(700)
    plain = (torch.nn.functional.cross_entropy(hidden @ table.T, targets, reduction="none") * shares).sum()
    wanted = torch.autograd.grad(plain, (hidden, table))
    ours = Loss.apply(hidden, table, targets, shares)
    found = torch.autograd.grad(ours, (hidden, table))
    assert torch.allclose(ours, plain, rtol=1e-4)
    assert all(torch.allclose(one, other, atol=1e-4) for one, other in zip(found, wanted, strict=True))


def test_a_run_that_was_stopped_ends_as_it_would_have(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", 4 * 39 * 12)
    for _ in range(3):  # each sitting ends after one step
        run(tmp_path / "parts", 4 * 39 * 12, piece=0.0)
    parts = run(tmp_path / "parts", 4 * 39 * 12)
    assert parts.progress.step == whole.progress.step == 12
    for one, other in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_run_that_was_done_goes_on_with_a_longer_budget_and_its_rates(tmp_path: Path) -> None:
    from recipes.pocket.training import schedule

    run(tmp_path, 4 * 39 * 6)
    assert run(tmp_path, 4 * 39 * 12).progress.step == 12
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    rates = [line["rate"] for line in lines if "rate" in line]
    assert rates[6:] == [schedule(step / 12) for step in range(6, 12)]
    assert rates[6] > rates[5]


def test_tuning_goes_on_from_the_hugging_face_files_of_a_tuned_model(tmp_path: Path) -> None:
    from recipes.pocket import rows, tune
    from recipes.pocket.model import Pocket
    from recipes.pocket.shape import SHAPES
    from recipes.pocket.training import Budget
    from safetensors.torch import load_file, save_file

    tuned = tmp_path / "hf"
    tuned.mkdir()
    given = Pocket(SHAPES["small"]).weights()
    save_file(given, tuned / "model.safetensors")
    rows.write_lessons(tmp_path, [[7] * 48], [[1] * 48])
    with torch.compiler.set_stance("force_eager"):
        assert tune.tune(tmp_path, "small", Budget(tokens=1), 5, 1, 1, tuned)
    made = load_file(tune.weights(tmp_path, "small"))
    assert made.keys() == given.keys()
    assert all(torch.allclose(made[name], each, atol=1e-2) for name, each in given.items())
    assert any(not torch.equal(made[name], each) for name, each in given.items())


def test_it_learns_and_draws_its_curve(tmp_path: Path) -> None:
    run(tmp_path, 4 * 39 * 40)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < losses[0]
    assert "<polyline" in (tmp_path / "curve.svg").read_text(encoding="utf-8")
