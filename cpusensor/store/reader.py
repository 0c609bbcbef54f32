"""Answers questions about the history. Reads on connections of its own, which never hold up who writes."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from operator import add
from typing import TypeVar

from cpusensor.model.grid import bucket_end
from cpusensor.model.records import ClockStep, CoreTicks, Entry, Gap, Rollup, Run, Sample
from cpusensor.model.rollup import Tier, sum_cores
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


DAY_S = 86_400


class Reader:
    """What may be asked. All of it raises ReadError, and GarbledError for rows that cannot have been written."""

    def __init__(self, database: Database, runs: Runs, tiers: Sequence[Tier]) -> None:
        self._database = database
        self._runs = runs
        self._tiers = tiers

    def slot(self, from_time: int, to_time: int) -> AbstractContextManager[None]:
        """Count as one of the few who read a range of this length at a time. Raises ReadError if there are too many."""
        return self._database.slot(to_time - from_time)

    async def entries_after(self, time: int, now: float) -> list[Entry]:
        """Every entry in (time, now] as it was published, in order."""
        until = int(now)
        samples = await self._samples(time, until)
        rows = await self._database.read(until - time, rows_of_tier(self._tiers[0].name), (time, until))
        minutes = self._records(rollup_of_row, rows)
        gaps = await self.gaps(time, until, now)
        entries = []
        for sample in samples:
            closed = [minute for minute in minutes if minute.time <= sample.time]
            minutes = minutes[len(closed) :]
            ended = [gap for gap in gaps if gap.to_time < sample.time]
            gaps = gaps[len(ended) :]
            entries.append(Entry(sample=sample, closed=(*ended[-1:], *closed)))
        return entries

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
        sums = CoreSums(step)
        for start in range(from_time // step * step, to_time, slice_s):
            chosen = await self._plan(max(start, from_time), min(start + slice_s, to_time), step)
            sql = f"SELECT time, cores FROM ({chosen.sql}) ORDER BY time"
            rows = await self._database.read(to_time - from_time, sql, chosen.arguments)
            await asyncio.to_thread(sums.add, rows)
        return await asyncio.to_thread(sums.records)

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

    async def newest_of_run(self, run: Run) -> int | None:
        """The time of the sample that a run recorded last, by its clock; None if that cannot be told.

        It cannot after a crash of a run whose clock was set back, for the highest time is not the last one then.
        """
        # Rows of other runs above those of this one are few: what a clock that was wrong left in the future.
        sql = "SELECT time FROM sample WHERE run = ? AND time > ? ORDER BY time DESC LIMIT 1"
        rows = await self._database.read(0, sql, (run.id, run.started - DAY_S))
        highest = rows[0][0] if rows else None
        if highest is None or (run.ended is not None and run.ended < highest):
            return run.ended if highest is not None else None
        steps = await self.clock_steps(run.started - DAY_S, highest)
        return None if any(step.by_ms < 0 for step in steps) else highest

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


class CoreSums:
    """Ticks of each CPU by bucket, added up as lists of numbers: records would take five times as long."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._sums: dict[int, tuple[Sequence[int], Sequence[int]]] = {}

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows of time and cores, in order, to the buckets that they lie in."""
        for time, blob in rows:
            unpacked, end = core_ticks(blob), bucket_end(time, self._step)
            if unpacked is None:
                continue
            before = self._sums.get(end)
            if before is None:
                self._sums[end] = unpacked
            elif before[0] == unpacked[0]:
                self._sums[end] = before[0], tuple(map(add, before[1], unpacked[1]))
            else:
                self._sums[end] = _join(before, unpacked)

    def records(self) -> dict[int, tuple[CoreTicks, ...]]:
        """The sums by the bucket's time."""
        return {time: cores_of(cpus, ticks) for time, (cpus, ticks) in self._sums.items()}


def _join(
    one: tuple[Sequence[int], Sequence[int]], other: tuple[Sequence[int], Sequence[int]]
) -> tuple[Sequence[int], Sequence[int]]:
    """The sums of two sets of CPUs, each CPU with its like."""
    whole = sum_cores([cores_of(*one), cores_of(*other)]) or ()
    return [core.cpu for core in whole], [ticks for core in whole for ticks in (core.busy, core.all)]
