"""What every source keeps, whatever is behind it. A test class of a source inherits SourceContract."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from attune.sources import Delivery, Source

INPUTS = [b'{"id": %d}' % number for number in range(250)]


def drained(source: Source, most: int = 7, wait_s: float = 0.0) -> list[Delivery]:
    """Everything until the source ends, or has nothing twice in a row."""
    found: list[Delivery] = []
    nothing = 0
    while nothing < 2 and (deliveries := source.receive(most, wait_s)) is not None:
        assert len(deliveries) <= most
        nothing = 0 if deliveries else nothing + 1
        source.ack(deliveries)
        found += deliveries
    return found


class SourceContract:
    """Implement `make`: a new source that holds `inputs`, or a source again that was made for the same
    ones. `ends` says whether it ever ends, `wait_s` how long its first input may take.
    """

    ends = True
    wait_s = 0.0

    def make(self, inputs: Sequence[bytes]) -> Source:
        raise NotImplementedError

    def test_every_input_comes_once_as_it_is(self) -> None:
        found = drained(self.make(INPUTS), wait_s=self.wait_s)
        assert sorted(each.raw for each in found) == sorted(INPUTS)

    def test_every_input_says_where_it_came_from_and_no_two_the_same(self) -> None:
        refs = [each.ref for each in drained(self.make(INPUTS), wait_s=self.wait_s)]
        assert all(refs)
        assert len(set(refs)) == len(INPUTS)

    @pytest.mark.parametrize("most", [1, 2, 249, 250, 10_000])
    def test_no_more_come_at_once_than_were_asked_for(self, most: int) -> None:
        assert len(drained(self.make(INPUTS), most, self.wait_s)) == len(INPUTS)

    def test_a_source_that_ends_says_so_again_and_again(self) -> None:
        source = self.make(INPUTS[:3])
        drained(source, wait_s=self.wait_s)
        for _ in range(3):
            assert source.receive(5, 0.0) == (None if self.ends else [])

    def test_a_source_without_inputs_gives_none(self) -> None:
        assert drained(self.make([]), wait_s=self.wait_s) == []

    def test_what_was_not_acknowledged_comes_again_after_a_restart(self) -> None:
        first = self.make(INPUTS[:5])
        received = first.receive(3, self.wait_s)
        assert received
        first.close()
        again = {each.raw for each in drained(self.make(INPUTS[:5]), wait_s=self.wait_s)}
        assert {each.raw for each in received} <= again

    def test_the_fraction_never_falls_and_ends_at_one(self) -> None:
        source = self.make(INPUTS)
        seen = [source.fraction()]
        while source.receive(10, self.wait_s):
            seen.append(source.fraction())
        known = [fraction for fraction in seen if fraction is not None]
        assert known == sorted(known)
        assert not known or (known[0] == 0.0 and known[-1] == 1.0 and len(known) == len(seen))

    def test_closing_twice_is_closing_once(self) -> None:
        source = self.make(INPUTS)
        source.receive(1, 0.0)
        source.close()
        source.close()
