"""What a model that wants to loop answers is valid and not too long. `make answers` asks a thousand times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.engines.loops import answers, gemma, t5, wrong


@pytest.mark.parametrize("made", [gemma, t5])
def test_every_answer_is_valid_and_within_its_limits(made: Callable[[Path], str], tmp_path: Path) -> None:
    found = answers(made(tmp_path), 40)
    assert [told for answer in found for told in wrong(answer)] == []
    assert sum(answer.finish == "limit" for answer in found) > 20, "it does not loop"
