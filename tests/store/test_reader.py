"""What is read, at every resolution."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.model.records import Sample
from cpusensor.model.rollup import as_rollup, roll_up
from cpusensor.store.opening import History, open_history
from tests.samples import NOON, at, histories, measured, sample, without_known
from tests.store.opened import LATER, new_store, rows


async def test_what_was_written_is_read_back_as_it_was(store: History) -> None:
    full, bare = sample(NOON + 5), without_known(sample(NOON + 10))
    await store.writer.add(measured(full, bare))

    ticks = await store.reader.ticks_after(NOON, LATER)

    assert [tick.sample for tick in ticks] == [full, bare]


async def test_a_core_that_outgrows_two_bytes_is_read_back_as_it_was(store: History) -> None:
    long_stall = sample(NOON + 900, busy=2 * 70_000, all_ticks=2 * 90_000)
    await store.writer.add(measured(long_stall))

    (tick,) = await store.reader.ticks_after(NOON, LATER)

    assert tick.sample.cores == long_stall.cores


async def test_gaps_that_touch_a_range_come_whole_and_others_not_at_all(store: History) -> None:
    await store.writer.add(measured(*at(1, 5, 9)))

    touching = await store.reader.gaps(NOON + 22, NOON + 30, LATER)

    assert [(gap.from_time, gap.to_time) for gap in touching] == [(NOON + 25, NOON + 40)]
    assert await store.reader.gaps(NOON + 20, NOON + 25, LATER) == []


@given(history=histories(length=100), step=st.sampled_from([5, 10, 15, 30, 60, 120, 300]))
@settings(max_examples=60, deadline=None)
async def test_every_resolution_adds_up_to_the_same(history: list[Sample], step: int) -> None:
    end = NOON + 600
    async with new_store() as store:
        for one in history:
            await store.writer.add(measured(one))

        buckets = await store.reader.buckets(NOON, end, step)
        cores = await store.reader.cores(NOON, end, step)

    whole = roll_up([as_rollup(one) for one in history], end)
    assert whole is not None
    assert roll_up(buckets, end) == replace(whole, cores=None, histogram=None)
    assert [sum(part[0].busy for part in cores.values()), sum(part[0].all for part in cores.values())] == [
        sum(one.cores[0].busy for one in history if one.cores),
        sum(one.cores[0].all for one in history if one.cores),
    ]
    assert all(bucket.time % step == 0 for bucket in buckets)


async def test_samples_stand_in_for_the_minute_that_is_not_closed(store: History, path: Path) -> None:
    await store.writer.add(measured(*at(1, 2, 3)))

    (bucket,) = await store.reader.buckets(NOON, NOON + 60, 60)

    assert rows(path, "SELECT count(*) FROM minute") == [(0,)]
    assert (bucket.time, bucket.count) == (NOON + 60, 3)


async def test_intervals_are_those_of_the_runs_that_recorded_in_the_range(path: Path) -> None:
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 10, "1.0.0")
        await store.writer.add(measured(sample(NOON + 10)))
        run = await store.runs.start("boot-1", NOON + 20, 5, "1.0.0")
        await store.writer.add(measured(sample(NOON + 25, run=run.id)))

        assert await store.reader.intervals(NOON, NOON + 100) == {5, 10}
        assert await store.reader.intervals(NOON + 20, NOON + 100) == {5}
        assert await store.reader.intervals(NOON, NOON + 20) == {10}
