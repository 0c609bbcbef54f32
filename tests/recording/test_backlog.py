"""What waits for its commit."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.records import Cause, ClockStep, Tick
from cpusensor.recording.backlog import Backlog
from tests.samples import NOON, at, measured


def test_over_the_limit_the_oldest_is_lost_and_the_next_one_says_why() -> None:
    backlog = Backlog(2)
    first, second, third = measured(*at(1, 2, 3))
    step = ClockStep(time=NOON, by_ms=1000)

    for one in (replace(first, clock_steps=(step,)), second, third):
        backlog.append(one)

    assert list(backlog) == [replace(second, cause=Cause.UNWRITTEN, clock_steps=(step,)), third]


def test_a_cause_that_stands_before_unwritten_is_kept() -> None:
    backlog = Backlog(1)

    for one in measured(*at(1, 2), cause=Cause.REBOOTED):
        backlog.append(one)

    assert [one.cause for one in backlog] == [Cause.REBOOTED]


@given(kept=st.sets(st.integers(1, 20)), limit=st.integers(1, 30))
def test_what_was_committed_waits_no_more_and_the_rest_keeps_its_order(kept: set[int], limit: int) -> None:
    backlog = Backlog(limit)
    for one in measured(*at(*range(1, 21))):
        backlog.append(one)
    waiting = [one.sample for one in backlog]
    stored = [Tick(sample=one, closed=()) for one in waiting if (one.time - NOON) // 5 not in kept]

    backlog.remove(stored)

    assert [one.sample for one in backlog] == [one for one in waiting if (one.time - NOON) // 5 in kept]
    assert len(backlog) <= limit
