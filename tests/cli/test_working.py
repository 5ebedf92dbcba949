"""What a run says of itself at its end."""

from __future__ import annotations

import pytest

from attune.cli.working import Work, reckoning
from attune.settling import Counts


@pytest.mark.parametrize(
    ("counts", "interrupted", "code"),
    [
        (Counts(), None, 0),
        (Counts(read=3, table=2, dead=1), None, 0),
        (Counts(read=2, dead=2), None, 1),
        (Counts(read=3, repeated=2, dead=1), None, 0),
        (Counts(read=3, table=2), None, 1),
        (Counts(read=3, table=1, returned=2), 130, 130),
        (Counts(read=3, table=1), 130, 1),
    ],
)
def test_the_exit_code_says_how_the_run_went(counts: Counts, interrupted: int | None, code: int) -> None:
    assert Work(counts, interrupted).exit_code == code


def test_the_reckoning_has_every_end_of_an_input_and_what_was_returned_only_if_something_was() -> None:
    counts = Counts(read=1201, table=1000, review=80, dead=1, repeated=120)
    assert reckoning(counts) == "in 1,201 = table 1,000 + review 80 + dead 1 + repeated 120"
    assert reckoning(Counts(read=2, table=1, returned=1)) == (
        "in 2 = table 1 + review 0 + dead 0 + repeated 0 + returned 1"
    )
