"""Every answer of the embedded model fits its task at the first try. `make answers` does a thousand."""

from tests.acceptance.answers import misfits, outcomes

from attune.outcome import Place


def test_every_answer_of_the_embedded_model_fits_at_the_first_try() -> None:
    done = outcomes(120)
    assert misfits(done) == []
    assert {outcome.place for outcome in done} == {Place.TABLE, Place.REVIEW}
    assert all(outcome.draft for outcome in done if outcome.place is Place.REVIEW)
