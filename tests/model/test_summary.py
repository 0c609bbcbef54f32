"""Stretches, slots and gaps of a span."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.records import Cause, CoreTicks, Gap, OpenGap, Span
from cpusensor.model.summary import (
    MAX_STRETCHES,
    Spread,
    add_gaps,
    bucket_step,
    busiest,
    busy_percent,
    count_slots,
    dips,
    join,
    spread,
    whole_buckets,
)
from tests.samples import NOON, RUN

TIMES = st.sets(st.integers(1, 200).map(lambda number: number * 60))


def span(from_time: int, to_time: int) -> Span:
    return Span(from_time=from_time, to_time=to_time)


@given(TIMES)
def test_stretches_hold_every_busy_bucket_and_lie_more_than_two_apart(times: set[int]) -> None:
    spans = join(times, 60)

    inside = {time for one in spans for time in range(one.from_time + 60, one.to_time + 1, 60)}
    assert inside == times | set(dips(times, 60))
    assert not times & set(dips(times, 60))
    assert all({one.from_time + 60, one.to_time} <= times for one in spans)
    assert all(later.from_time - one.to_time > 120 for one, later in pairwise(spans))


def test_a_dip_of_two_buckets_is_joined_and_one_of_three_is_not() -> None:
    assert join([60, 240], 60) == [span(0, 240)]
    assert join([60, 300], 60) == [span(0, 60), span(240, 300)]
    assert dips([60, 240], 60) == [120, 180]


@given(TIMES, st.integers(0, 100))
def test_the_busiest_are_those_with_the_most_ticks_in_the_order_of_time(times: set[int], quiet: int) -> None:
    spans = join(times, 60)
    ticks = {time: time * 7919 % 101 + quiet for time in times}

    def total(one: Span) -> int:
        return sum(ticks.get(time, 0) for time in range(one.from_time + 60, one.to_time + 1, 60))

    chosen = busiest(spans, ticks, 60)

    assert len(chosen) == min(MAX_STRETCHES, len(spans))
    assert chosen == sorted(chosen, key=lambda one: one.from_time)
    left = [one for one in spans if one not in chosen]
    assert all(total(one) <= min(map(total, chosen)) for one in left)


def test_minutes_are_looked_at_up_to_seven_days_and_quarter_hours_in_longer_spans() -> None:
    assert bucket_step(span(0, 7 * 86_400)) == 60
    assert bucket_step(span(0, 7 * 86_400 + 1)) == 900
    assert whole_buckets(span(59, 185), 60) == span(60, 180)
    assert whole_buckets(span(61, 119), 60) == span(120, 120)


def test_busy_is_twenty_five_points_above_the_median_or_what_is_asked_for() -> None:
    assert busy_percent({10: 600, 90: 400}, 80) == 35
    assert busy_percent({10: 400, 90: 600}, 80) == 80
    assert busy_percent(None, 80) == 80


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        ([100, 2], Spread.ONE),
        ([5, 3, 95, 0], Spread.ONE),
        ([100, 60], Spread.ALL),
        ([100, 40], Spread.SOME),
        ([80, 2], Spread.SOME),
        ([100, 100, 0, 0], Spread.SOME),
        ([45, 40], Spread.ALL),
        ([100], Spread.ALL),
        ([], None),
    ],
)
def test_one_core_alone_is_told_from_some_and_from_all(cores: list[int], expected: Spread | None) -> None:
    ticks = tuple(CoreTicks(cpu=cpu, busy=busy, all=100) for cpu, busy in enumerate(cores))

    assert spread(ticks, 35) == expected


def test_what_all_do_at_all_times_is_not_the_work_of_the_one_that_does_more() -> None:
    """A median of 60 %: above it lies next to nothing but the one core."""
    cores = (CoreTicks(cpu=0, busy=100, all=100), CoreTicks(cpu=1, busy=62, all=100))

    assert spread(cores, 80) == Spread.ONE
    assert spread(cores, 60) == Spread.ALL


def test_cores_that_are_not_known_say_nothing() -> None:
    assert spread(None, 80) is None


@given(st.integers(0, 500), st.integers(0, 500), st.sampled_from([1, 5, 60]))
def test_slots_are_the_multiples_of_the_interval(first: int, length: int, interval: int) -> None:
    counted = count_slots(span(first, first + length), [replace(RUN, interval=interval)])

    assert counted == len([time for time in range(first + 1, first + length + 1) if time % interval == 0])


def test_each_run_has_slots_of_its_own_interval() -> None:
    runs = [replace(RUN, id=number, started=started, interval=interval) for number, started, interval in RUNS]

    assert count_slots(span(NOON, NOON + 300), runs) == 12 + 6 + 36


RUNS = [(1, NOON - 1000, 5), (2, NOON + 60, 10), (3, NOON + 120, 5)]


def test_gaps_are_clipped_to_the_span_and_come_in_the_order_of_the_causes() -> None:
    gaps = [
        Gap(from_time=0, to_time=150, cause=Cause.STALLED, busy=None, all=None),
        Gap(from_time=500, to_time=600, cause=Cause.STALLED, busy=None, all=None),
    ]
    open_gap = OpenGap(from_time=190, cause=Cause.UNREADABLE)

    found = add_gaps({Cause.STALLED: 3, Cause.CRASHED: 4}, gaps, open_gap, span(100, 200))

    assert list(found.items()) == [(Cause.CRASHED, 4), (Cause.UNREADABLE, 10), (Cause.STALLED, 53)]
