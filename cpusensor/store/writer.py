"""Writes samples, and with each, in one transaction, the gap and the rollups that it closes."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from cpusensor.model.gaps import hole
from cpusensor.model.records import Cause, Gap, Measured, Sample, Tick
from cpusensor.model.rollup import closed_buckets
from cpusensor.store.columns import (
    GAP_COLUMNS,
    SAMPLE_COLUMNS,
    GarbledError,
    gap_of_row,
    row_of_clock_step,
    row_of_gap,
    row_of_sample,
    sample_of_row,
)
from cpusensor.store.cursors import Cursors
from cpusensor.store.database import Database, WriteError
from cpusensor.store.rollups import Rollups
from cpusensor.store.runs import Runs
from cpusensor.store.sealed import HOUR
from cpusensor.store.seals import Seals
from cpusensor.store.soundness import Doubt
from cpusensor.store.statements import INSERT_CLOCK_STEP, INSERT_GAP, INSERT_SAMPLE

IS_GAP = """SELECT 1 FROM sealed_hour AS hour WHERE time = ?
    AND EXISTS(SELECT 1 FROM gap WHERE from_time < first_sample AND to_time >= last_sample)"""
"""Whether there is a gap where the samples of a sealed hour were."""

DELETE_GAPS = "DELETE FROM gap WHERE from_time >= ? AND to_time < ?"
"""Those between two samples."""


class Writer:
    """Adds to the history; nothing else does, but the adoption of a broken one."""

    def __init__(self, database: Database, runs: Runs, rollups: Rollups, seals: Seals, cursors: Cursors) -> None:
        self._database = database
        self._runs = runs
        self._rollups = rollups
        self._seals = seals
        self._cursors = cursors
        self._finest = rollups.finest
        self._highest = 0
        self.newest: Sample | None = None
        """The sample written last; after the clock was set back not the one with the highest time. None before any."""

    async def load(self, now: float) -> None:
        """Load, inside a transaction, the end of the history. Raises GarbledError and sqlite3.Error."""
        self.newest = await self._sample_before(int(now) + 1)
        ((highest,),) = await self._database.execute("SELECT coalesce(max(time), 0) FROM sample")
        self._highest = max(highest, await self._seals.newest())

    async def add(self, measured: Sequence[Measured]) -> list[Tick]:
        """Write samples with all that each of them closes, in one transaction.

        A sample replaces one of the same time. Raises WriteError; then none of them is written.
        """
        # A transaction that is rolled back must take these back as well.
        newest, highest = self.newest, self._highest
        try:
            return await self._add([self._of_this_run(one) for one in measured])
        except GarbledError as error:
            self.newest, self._highest = newest, highest
            self._database.soundness.question(Doubt.GARBLED, str(error))
            raise WriteError(str(error)) from error
        except BaseException:
            self.newest, self._highest = newest, highest
            raise

    async def mark_lost(self, hours: Collection[int]) -> None:
        """Store a gap in the place of sealed hours whose samples cannot be read, inside a transaction.

        The hours are named by their ends. Raises GarbledError and sqlite3.Error.
        """
        for hour in sorted(hours):
            if await self._database.execute(IS_GAP, (hour,)):
                continue
            before, after = await self._sample_before(hour - HOUR + 1), await self._sample_after(hour)
            if before is not None and after is not None:
                gap = hole(before, after, self._runs.interval_of(after), Cause.UNWRITTEN)
                await self._database.execute(DELETE_GAPS, (before.time, after.time))
                await self._database.execute_many(INSERT_GAP, [row_of_gap(gap)] if gap else [])

    async def _add(self, measured: Sequence[Measured]) -> list[Tick]:
        # Eleven of twelve samples only continue their minute: one statement is then the transaction.
        if len(measured) == 1 and self._closes_nothing(measured[0]):
            await self._database.write(INSERT_SAMPLE, row_of_sample(measured[0].sample))
            self._remember(measured[0].sample)
            return [Tick(sample=measured[0].sample, closed=())]
        async with self._database.transaction():
            ticks = [await self._add_one(one) for one in measured]
            await self._cursors.save()
            return ticks

    def _of_this_run(self, measured: Measured) -> Measured:
        """The sample with the number of the present run, which changes when the database is replaced while it waits."""
        sample, run = measured.sample, self._runs.present
        if sample.run == run.id:
            return measured
        return replace(measured, sample=replace(sample, run=run.id))

    def _closes_nothing(self, measured: Measured) -> bool:
        """Whether the sample follows the one before without a gap, inside the same bucket of every tier."""
        sample, previous = measured.sample, self.newest
        return (
            previous is not None
            and not measured.clock_steps
            and self._highest == previous.time == sample.time - self._runs.present_interval
            and not closed_buckets(previous.time, sample.time, self._finest)
        )

    async def _add_one(self, measured: Measured) -> Tick:
        sample, previous, highest = measured.sample, self.newest, self._highest
        await self._seals.open(sample.time - 1, sample.time)
        gap = await self._close_gap(measured)
        await self._database.execute(INSERT_SAMPLE, row_of_sample(sample))
        self._remember(sample)
        for step in measured.clock_steps:
            await self._database.execute(INSERT_CLOCK_STEP, row_of_clock_step(step))
        # After the clock was set back the highest time is not that of the sample before.
        before = highest or None
        if sample.time <= highest:
            before = previous.time if previous else None
        rollups = await self._rollups.close_after(sample.time, before, highest)
        return Tick(sample=sample, closed=(*([gap] if gap else []), *rollups))

    def _remember(self, sample: Sample) -> None:
        self.newest = sample
        self._highest = max(self._highest, sample.time)

    async def _close_gap(self, measured: Measured) -> Gap | None:
        """Store the gap before the sample and return it; None without one, and for a sample inside the history."""
        sample = measured.sample
        # Between samples that are given up nothing is missing that could be told.
        if sample.time <= self._rollups.kept.sample:
            return None
        if sample.time <= self._highest:
            return await self._fit_between(measured)
        before = self.newest
        if before is None or before.time != self._highest:
            before = await self._sample_before(sample.time)
        gap = hole(before, sample, self._runs.present_interval, measured.cause) if before else None
        if gap is not None:
            await self._database.execute(INSERT_GAP, row_of_gap(gap))
        return gap

    async def _fit_between(self, measured: Measured) -> Gap | None:
        """Split the gap that a sample falls into, after the clock was set back, into one on either side of it.

        Returns the left one if the sample closes it as any other: if nothing else was written since it began.
        """
        sample, cause = measured.sample, measured.cause
        rows = await self._database.execute(
            f"SELECT {GAP_COLUMNS} FROM gap WHERE from_time < ? AND to_time >= ?", (sample.time, sample.time)
        )
        for around in map(gap_of_row, rows):
            cause = around.cause
            await self._database.execute("DELETE FROM gap WHERE from_time = ?", (around.from_time,))
        before = await self._sample_before(sample.time)
        after = await self._sample_after(sample.time)
        is_next = before == self.newest
        left = (
            hole(before, sample, self._runs.present_interval, measured.cause if is_next else cause) if before else None
        )
        right = hole(sample, after, self._runs.interval_of(after), cause) if after else None
        for gap, is_proven in ((left, is_next), (right, False)):
            # The running totals on the two sides prove nothing where they were counted at different times.
            if gap is not None:
                stored = gap if is_proven else replace(gap, busy=None, all=None)
                await self._database.execute(INSERT_GAP, row_of_gap(stored))
        return left if is_next else None

    async def _sample_before(self, time: int) -> Sample | None:
        await self._seals.open_before(time)
        return await self._neighbour("time < ? ORDER BY time DESC", time)

    async def _sample_after(self, time: int) -> Sample | None:
        await self._seals.open_after(time)
        return await self._neighbour("time > ? ORDER BY time", time)

    async def _neighbour(self, condition: str, time: int) -> Sample | None:
        rows = await self._database.execute(f"SELECT {SAMPLE_COLUMNS} FROM sample WHERE {condition} LIMIT 1", (time,))
        return next(map(sample_of_row, rows), None)
