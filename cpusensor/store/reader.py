"""Answers questions about the history. Reads on connections of its own, which never hold up who writes."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from operator import add
from typing import TypeVar

from cpusensor.model.grid import bucket_end
from cpusensor.model.records import ClockStep, CoreTicks, Gap, Rollup, Sample, Tick
from cpusensor.model.rollup import Tier
from cpusensor.store.columns import (
    CLOCK_STEP_COLUMNS,
    GAP_COLUMNS,
    SAMPLE_COLUMNS,
    GarbledError,
    Row,
    clock_step_of_row,
    core_ticks,
    cores_of,
    gap_of_row,
    rollup_of_row,
    sample_of_row,
)
from cpusensor.store.database import Database
from cpusensor.store.plan import Plan, plan, tiers_for
from cpusensor.store.runs import Runs
from cpusensor.store.soundness import Doubt
from cpusensor.store.statements import INTERVALS, buckets, rows_of_tier

T = TypeVar("T")

CORES_PER_QUERY_S = 86_400
"""How much of a range is read at a time where Python adds up, in a thread, so that the event loop is never held."""


class Reader:
    """What may be asked. All of it raises ReadError, and GarbledError for rows that cannot have been written."""

    def __init__(self, database: Database, runs: Runs, tiers: Sequence[Tier]) -> None:
        self._database = database
        self._runs = runs
        self._tiers = tiers

    def slot(self, from_time: int, to_time: int) -> AbstractContextManager[None]:
        """Count as one of the few who read a range of this length at a time. Raises ReadError if there are too many."""
        return self._database.slot(to_time - from_time)

    async def ticks_after(self, time: int, now: float) -> list[Tick]:
        """Every tick in (time, now] as it was published, in order."""
        until = int(now)
        samples = await self._samples(time, until)
        rows = await self._database.read(until - time, rows_of_tier(self._tiers[0].name), (time, until))
        minutes = self._records(rollup_of_row, rows)
        gaps = await self.gaps(time, until, now)
        ticks = []
        for sample in samples:
            closed = [minute for minute in minutes if minute.time <= sample.time]
            minutes = minutes[len(closed) :]
            ended = [gap for gap in gaps if gap.to_time < sample.time]
            gaps = gaps[len(ended) :]
            ticks.append(Tick(sample=sample, closed=(*ended[-1:], *closed)))
        return ticks

    async def intervals(self, from_time: int, to_time: int) -> set[int]:
        """The sampling intervals of the runs that recorded in (from_time, to_time]."""
        if len(self._runs.intervals) == 1:
            return self._runs.intervals
        rows = await self._database.read(to_time - from_time, INTERVALS, (from_time, to_time, to_time))
        return {interval for (interval,) in rows}

    async def history(self, from_time: int, to_time: int, step: int) -> list[Rollup]:
        """The buckets of `step` seconds in (from_time, to_time] that hold a sample, oldest first, without cores."""
        chosen = await self._plan(from_time, to_time, step)
        rows = await self._database.read(to_time - from_time, buckets(chosen.sql, step), chosen.arguments)
        return await asyncio.to_thread(self._records, rollup_of_row, rows)

    async def cores(self, from_time: int, to_time: int, step: int) -> dict[int, tuple[CoreTicks, ...]]:
        """The ticks of each core in each bucket that knows them, by the bucket's time."""
        slice_s = bucket_end(CORES_PER_QUERY_S, step)
        sums: dict[int, tuple[int, ...]] = {}
        for start in range(from_time // step * step, to_time, slice_s):
            chosen = await self._plan(max(start, from_time), min(start + slice_s, to_time), step)
            sql = f"SELECT time, cores FROM ({chosen.sql}) ORDER BY time"
            rows = await self._database.read(to_time - from_time, sql, chosen.arguments)
            await asyncio.to_thread(_gather_cores, sums, rows, step)
        return {time: cores_of(ticks) for time, ticks in sums.items()}

    async def gaps(self, from_time: int, to_time: int, now: float) -> list[Gap]:
        """The gaps that touch (from_time, to_time] and are over now, whole, oldest first."""
        sql = f"SELECT {GAP_COLUMNS} FROM gap WHERE from_time < ? AND to_time > ? AND to_time <= ? ORDER BY from_time"
        rows = await self._database.read(to_time - from_time, sql, (to_time, from_time, int(now)))
        return self._records(gap_of_row, rows)

    async def clock_steps(self, from_time: int, to_time: int) -> list[ClockStep]:
        """When the wall clock was set in (from_time, to_time], and by how much, oldest first."""
        sql = f"SELECT {CLOCK_STEP_COLUMNS} FROM clock_step WHERE time > ? AND time <= ? ORDER BY time"
        rows = await self._database.read(to_time - from_time, sql, (from_time, to_time))
        return self._records(clock_step_of_row, rows)

    async def _samples(self, from_time: int, to_time: int) -> list[Sample]:
        sql = f"SELECT {SAMPLE_COLUMNS} FROM sample WHERE time > ? AND time <= ? ORDER BY time"
        rows = await self._database.read(to_time - from_time, sql, (from_time, to_time))
        return self._records(sample_of_row, rows)

    async def _plan(self, from_time: int, to_time: int, step: int) -> Plan:
        tiers = tiers_for(step, self._tiers)
        newest = [await self._newest(tier, from_time, to_time) for tier in tiers]
        return plan(from_time, to_time, tiers, newest)

    async def _newest(self, tier: Tier, from_time: int, to_time: int) -> int | None:
        """The time of the newest rollup until `to_time`."""
        sql = f"SELECT max(time) FROM {tier.name} WHERE time <= ?"
        ((newest,),) = await self._database.read(to_time - from_time, sql, (to_time,))
        return newest if isinstance(newest, int) else None

    def _records(self, of_row: Callable[[Row], T], rows: Sequence[Row]) -> list[T]:
        """What was read for an answer. Raises GarbledError, and then the file wants replacing."""
        try:
            return [of_row(row) for row in rows]
        except GarbledError as error:
            self._database.soundness.question(Doubt.GARBLED, str(error))
            raise


def _gather_cores(sums: dict[int, tuple[int, ...]], rows: Sequence[Row], step: int) -> None:
    """Add rows of time and cores, in order, to the buckets that they lie in; another number of cores begins anew."""
    for time, blob in rows:
        ticks, end = core_ticks(blob), bucket_end(time, step)
        if ticks is None:
            continue
        before = sums.get(end)
        sums[end] = ticks if before is None or len(before) != len(ticks) else tuple(map(add, before, ticks))
