"""What is written, and what each sample closes."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.model.gaps import hole
from cpusensor.model.records import Cause, Gap
from cpusensor.model.rollup import as_rollup, roll_up
from cpusensor.store.database import WriteError
from cpusensor.store.opening import History
from tests.samples import NOON, at, measured, sample
from tests.store.opened import LATER, new_store


async def test_a_full_minute_is_closed_by_its_last_sample(store: History) -> None:
    ticks = [tick for one in at(*range(1, 13)) for tick in await store.writer.add(measured(one))]

    assert [len(tick.closed) for tick in ticks] == [0] * 11 + [1]
    expected = roll_up([as_rollup(one) for one in at(*range(1, 13))], NOON + 60)
    assert expected is not None
    assert ticks[-1].closed[0] == replace(expected, histogram=None)


async def test_a_hole_is_stored_with_the_sample_that_closes_it(store: History) -> None:
    await store.writer.add(measured(*at(1)))
    (tick,) = await store.writer.add(measured(*at(5), cause=Cause.UNREADABLE))

    expected = Gap(from_time=NOON + 5, to_time=NOON + 20, cause=Cause.UNREADABLE, busy=750, all=3000)
    assert tick.closed == (expected,)
    assert await store.reader.gaps(NOON, LATER, LATER) == [expected]


async def test_nothing_of_a_failed_batch_is_kept(store: History, path: Path) -> None:
    await store.writer.add(measured(*at(1)))
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(WriteError, match="locked"):
            await store.writer.add(measured(*at(2)))
        with pytest.raises(WriteError, match="locked"):
            await store.writer.add(measured(*at(2, 3)))
        other.execute("ROLLBACK")

    assert store.writer.newest == sample(NOON + 5)
    await store.writer.add(measured(*at(2, 3)))
    assert store.writer.newest == sample(NOON + 15)
    assert await store.reader.gaps(NOON, LATER, LATER) == []


async def test_a_clock_set_back_overwrites_slot_by_slot(store: History) -> None:
    await store.writer.add(measured(*at(1, 2, 3, 4)))
    newer = [replace(one, figures=replace(one.figures, load_centi=999)) for one in at(2, 3)]
    await store.writer.add(measured(*newer, cause=Cause.CLOCK))

    samples = [tick.sample for tick in await store.reader.ticks_after(NOON, LATER)]

    assert samples == [*at(1), *newer, *at(4)]
    assert store.writer.newest == newer[-1]


async def test_a_minute_that_is_written_into_stays_the_sum_of_its_samples(store: History) -> None:
    await store.writer.add(measured(*at(*range(1, 25))))
    await store.writer.add(measured(sample(NOON + 30, busy=1000), cause=Cause.CLOCK))

    (minute, _) = await store.reader.buckets(NOON, NOON + 120, 60)

    assert minute.figures.busy == 11 * 250 + 1000


async def test_a_gap_that_is_written_into_stays_on_either_side(store: History) -> None:
    await store.writer.add(measured(*at(1, 10), cause=Cause.CLOCK))
    await store.writer.add(measured(*at(5), cause=Cause.CLOCK))

    assert [(gap.from_time - NOON, gap.to_time - NOON) for gap in await store.reader.gaps(NOON, LATER, LATER)] == [
        (5, 20),
        (25, 45),
    ]


@given(slots=st.lists(st.integers(1, 60), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
async def test_in_whatever_order_slots_are_written_gaps_are_the_holes(slots: list[int]) -> None:
    async with new_store() as store:
        for slot in slots:
            await store.writer.add(measured(*at(slot), cause=Cause.CLOCK))

        samples = [tick.sample for tick in await store.reader.ticks_after(NOON, LATER)]
        gaps = await store.reader.gaps(NOON, LATER, LATER)

    assert [one.time for one in samples] == sorted({NOON + 5 * slot for slot in slots})
    holes = [gap for before, after in pairwise(samples) if (gap := hole(before, after, 5, Cause.CLOCK))]
    assert [(gap.from_time, gap.to_time) for gap in gaps] == [(gap.from_time, gap.to_time) for gap in holes]


async def test_below_what_a_clock_left_in_the_future_a_gap_is_closed_and_proven_as_any_other(store: History) -> None:
    await store.writer.add(measured(sample(NOON + 10**9)))
    await store.writer.add(measured(*at(1), cause=Cause.CLOCK))

    (tick,) = await store.writer.add(measured(*at(5), cause=Cause.STOPPED))

    expected = Gap(from_time=NOON + 5, to_time=NOON + 20, cause=Cause.STOPPED, busy=750, all=3000)
    assert tick.closed == (expected,)
    assert await store.reader.gaps(NOON, LATER, LATER) == [expected]
