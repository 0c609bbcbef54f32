"""What is read of what was written; at every resolution: test_tiers."""

from pathlib import Path

from cpusensor.store.opening import History, open_history
from tests.samples import NOON, at, measured, sample, without_known
from tests.store.opened import LATER, rows


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
