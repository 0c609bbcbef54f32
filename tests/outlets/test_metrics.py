"""The counters of /metrics."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.usage import RESET_TICKS
from cpusensor.outlets.metrics import Rising

TICKS = st.lists(st.integers(0, 100_000), min_size=2, max_size=30)


@given(TICKS)
def test_a_counter_never_falls_whatever_the_kernels_does(ticks: list[int]) -> None:
    rising = Rising()
    shown = [rising.follow(0, "iowait", one) for one in ticks]

    assert all(before <= after for before, after in pairwise(shown))


@given(TICKS)
def test_a_counter_that_only_rises_is_shown_as_it_is(ticks: list[int]) -> None:
    rising = Rising()

    assert [rising.follow(0, "user", one) for one in sorted(ticks)] == sorted(ticks)


def test_a_small_fall_is_waited_out_and_after_a_reset_each_tick_counts_again() -> None:
    rising = Rising()
    small = [rising.follow(0, "iowait", ticks) for ticks in (1000, 1000 - RESET_TICKS, 990, 1010)]
    reset = [rising.follow(0, "iowait", ticks) for ticks in (5, 25)]

    assert small == [1000, 1000, 1000, 1010]
    assert reset == [1010, 1030]
