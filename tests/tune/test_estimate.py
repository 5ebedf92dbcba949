"""The estimate is near what a training takes, and one that cannot fit is refused before it begins."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.tune.small import FAMILIES, lessons, small

from attune.errors import TuneError
from attune.tune.estimate import Memory, estimate, fits, memory
from attune.tune.lesson import Lesson
from attune.tune.model import load
from attune.tune.settings import Settings

_PEAK = """
import re, sys
from pathlib import Path
from tests.tune.small import lessons
from attune.tune.model import load
from attune.tune.settings import Settings
model = load(Path(sys.argv[1]), Settings())
def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
Path("/proc/self/clear_refs").write_text("5")  # loading had a peak of its own
before = peak()
model.learn(lessons(16, longest=400), 1.0)
print(peak() - before)
"""


@pytest.mark.parametrize("family", FAMILIES)
def test_the_parts_are_those_of_the_model(family: str, tmp_path: Path) -> None:
    settings = Settings(batch=4)
    base = small(family, tmp_path)
    needed = memory(base, lessons(8), settings)
    model = load(base, settings)
    added = sum(each.numel() for each in model.trainable)
    held = sum(each.numel() * each.element_size() for each in model.core.parameters())
    assert needed.adapter == 16 * added
    assert needed.weights == pytest.approx(held - 4 * added, rel=0.35), "T5 keeps some weights in float32"
    twice = memory(base, lessons(8), replace(settings, batch=8))
    assert 1.2 * needed.activations < twice.activations < 3 * needed.activations
    less = memory(base, lessons(8), replace(settings, gradient_checkpointing=True))
    assert less.activations < 0.8 * needed.activations


def test_activations_are_near_the_measured_peak(tmp_path: Path) -> None:
    base = small("gemma3", tmp_path)
    needed = memory(base, lessons(16, longest=400), Settings(batch=16))
    run = [sys.executable, "-W", "ignore", "-c", _PEAK, str(base)]
    root = Path(__file__).parents[2]
    done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=root)
    peak = int(done.stdout)
    assert 0.4 < (needed.activations + needed.logits) / peak < 2.5


def test_what_does_not_fit_is_refused_with_what_to_change() -> None:
    with pytest.raises(
        TuneError, match=r"needs some 900000\.4 GB of memory, and .* GB are free here: the mod"
    ):
        fits(Memory(9 * 10**14, 0, 0, 0))
    fits(Memory(0, 0, 0, 0, 0))


def test_the_time_grows_with_the_epochs(tmp_path: Path) -> None:
    base = small("gemma3", tmp_path)
    asked: list[Lesson] = lessons(4)
    few = estimate(base, asked, (), Settings(epochs=1))
    many = estimate(base, asked, asked, Settings(epochs=50))
    assert 0 < few.seconds < many.seconds
    assert torch.is_grad_enabled()
