from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.model.gaps import (
    MAX_GAPS,
    clock_step,
    first_cause,
    hole,
    interruption,
    merge_short,
    restart_cause,
)
from cpusensor.model.records import Cause, Gap, MergedGaps, Moment
from tests.samples import RUN, sample

NOON = Moment(wall=1000.0, monotonic=50.0, boottime=70.0)


def later(*, wall: float = 5.0, monotonic: float = 5.0, boottime: float = 5.0) -> Moment:
    return Moment(wall=NOON.wall + wall, monotonic=NOON.monotonic + monotonic, boottime=NOON.boottime + boottime)


def test_time_that_passes_alike_on_all_clocks_interrupts_nothing() -> None:
    assert interruption(NOON, later()) is None
    assert interruption(NOON, later(wall=65, monotonic=65, boottime=65)) is None
    assert interruption(NOON, later(wall=5.9)) is None


def test_a_boot_time_clock_that_ran_ahead_means_that_the_machine_slept() -> None:
    assert interruption(NOON, later(wall=605, boottime=605)) is Cause.SUSPENDED


@pytest.mark.parametrize("wall", [-3595.0, 3605.0])
def test_a_wall_clock_that_parts_from_the_boot_time_clock_was_set(wall: float) -> None:
    assert interruption(NOON, later(wall=wall)) is Cause.CLOCK
    assert clock_step(NOON, later(wall=wall)) == wall - 5


def test_a_machine_that_slept_while_its_clock_was_set_slept() -> None:
    assert interruption(NOON, later(wall=9000, boottime=605)) is Cause.SUSPENDED


def test_a_run_after_another_tells_reboot_stop_and_crash_apart() -> None:
    assert restart_cause(RUN, replace(RUN, id=2, boot_id="boot-2")) is Cause.REBOOTED
    assert restart_cause(replace(RUN, ended=7), replace(RUN, id=2, boot_id="boot-2")) is Cause.REBOOTED
    assert restart_cause(replace(RUN, ended=7), replace(RUN, id=2)) is Cause.STOPPED
    assert restart_cause(RUN, replace(RUN, id=2)) is Cause.CRASHED


def test_without_any_other_cause_the_loop_stood_still() -> None:
    assert first_cause([]) is Cause.STALLED


@given(causes=st.sets(st.sampled_from(Cause), min_size=1))
def test_of_several_causes_the_first_in_the_order_of_precedence_is_named(causes: set[Cause]) -> None:
    order = ["rebooted", "stopped", "crashed", "suspended", "clock", "unreadable", "unwritten", "stalled"]

    assert first_cause(causes).value == next(name for name in order if name in causes)


def test_neighbours_leave_no_hole() -> None:
    assert hole(sample(100), sample(105), 5, Cause.STALLED) is None


def test_a_hole_reaches_from_the_sample_before_to_its_last_empty_slot() -> None:
    gap = hole(sample(100), sample(125), 5, Cause.CRASHED)

    assert gap == Gap(from_time=100, to_time=120, cause=Cause.CRASHED, busy=1000, all=4000)


def test_a_sample_that_covers_the_hole_itself_lends_it_its_mean() -> None:
    covering = sample(125, busy=4000, all_ticks=5000)

    gap = hole(sample(100), covering, 5, Cause.STALLED)

    assert gap is not None
    assert (gap.busy, gap.all) == (4000, 5000)


@pytest.mark.parametrize("cause", [Cause.REBOOTED, Cause.SUSPENDED, Cause.CLOCK])
def test_some_causes_leave_nothing_that_the_counters_could_prove(cause: Cause) -> None:
    gap = hole(sample(100), sample(125), 5, cause)

    assert gap is not None
    assert (gap.busy, gap.all) == (None, None)


def test_counters_that_were_reset_prove_nothing() -> None:
    gap = hole(sample(100), sample(125, total=2000), 5, Cause.UNREADABLE)

    assert gap is not None
    assert gap.all is None


def test_a_different_number_of_cores_proves_nothing() -> None:
    gap = hole(sample(100), replace(sample(125), cores=None), 5, Cause.STOPPED)

    assert gap is not None
    assert gap.all is None


@given(slots=st.integers(2, 10_000), interval=st.sampled_from([1, 5, 60]))
def test_a_gap_has_one_slot_less_than_the_way_between_its_neighbours(slots: int, interval: int) -> None:
    gap = hole(sample(600), sample(600 + slots * interval), interval, Cause.STALLED)

    assert gap is not None
    assert (gap.to_time - gap.from_time) // interval == slots - 1


GAPS = st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 400)), max_size=5000)


@given(GAPS)
@settings(max_examples=30, deadline=None)
def test_of_too_many_gaps_the_short_ones_are_put_together_and_none_is_lost(pairs: list[tuple[int, int]]) -> None:
    gaps, time = [], 0
    for number, (pause, length) in enumerate(pairs):
        cause = list(Cause)[number % len(Cause)]
        gaps.append(Gap(from_time=time + pause, to_time=time + pause + length, cause=cause, busy=None, all=None))
        time += pause + length

    told = merge_short(gaps, 0, time)

    assert len(told) <= MAX_GAPS
    assert sum(one.count if isinstance(one, MergedGaps) else 1 for one in told) == len(gaps)
    seconds = [one.seconds if isinstance(one, MergedGaps) else one.to_time - one.from_time for one in told]
    assert sum(seconds) == sum(gap.to_time - gap.from_time for gap in gaps)
    assert all(before.to_time <= after.from_time for before, after in pairwise(told))
    if len(gaps) > MAX_GAPS:
        assert max(gaps, key=lambda gap: gap.to_time - gap.from_time) in told
    else:
        assert told == gaps
