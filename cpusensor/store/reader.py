"""Reads the history, on connections of its own, which never delay a write."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from operator import add, itemgetter
from typing import Protocol, TypeVar

from cpusensor.model.buckets import NAMES, Buckets
from cpusensor.model.grid import bucket_end
from cpusensor.model.kept import Kept
from cpusensor.model.records import ClockStep, CoreTicks, Gap, Tick
from cpusensor.model.rollup import Tier, sum_cores
from cpusensor.store.columns import (
    CLOCK_STEP_COLUMNS,
    GAP_COLUMNS,
    GarbledError,
    Row,
    clock_step_of_row,
    core_ticks,
    cores_of,
    gap_of_row,
    rollup_of_row,
    sample_of_row,
)
from cpusensor.store.damaged import Rollups, damaged_among, find_damaged
from cpusensor.store.database import Queries, Unhurried
from cpusensor.store.plan import Extent, Part, plan, rows_of_buckets, rows_of_parts, slices, tiers_for
from cpusensor.store.sealed import HOUR
from cpusensor.store.soundness import Doubt
from cpusensor.store.statements import (
    FIRST,
    FIRST_GIVEN_UP,
    INTERVALS,
    INTERVALS_AT_ENDS,
    NEXT_SAMPLE,
    SAMPLES_IN_ORDER,
    SEALED_INTERVALS,
    columns_for,
    extent_of,
    rows_of,
)

T = TypeVar("T")


LONG = 2000
"""Rows that take a millisecond to be put into columns and looked over."""

IMPLAUSIBLE = "a row holds what cannot have been written"


class Runs(Protocol):
    """What is known of the runs."""

    @property
    def intervals(self) -> set[int]:
        """The sampling intervals of all of them."""


class Reader:
    """The queries. Each raises ReadError, and GarbledError for rows that cannot have been written."""

    def __init__(self, database: Queries, runs: Runs, rollups: Rollups, tiers: Sequence[Tier]) -> None:
        """`rollups` are told which of them are damaged."""
        self._database = database
        self._runs = runs
        self._rollups = rollups
        self._tiers = tiers

    @property
    def kept(self) -> Kept:
        """Since when samples and minutes are kept."""
        return self._rollups.kept

    @property
    def unhurried(self) -> "Reader":
        """A reader that no question about a recent range waits for, to read a long range part by part."""
        return Reader(Unhurried(self._database), self._runs, self._rollups, self._tiers)

    def slot(self, from_time: int, to_time: int) -> AbstractAsyncContextManager[None]:
        """Wait for a slot for an answer about a range of this length. Raises BusyError if none gets free."""
        return self._database.slot(to_time - from_time)

    async def ticks_after(self, time: int, now: float) -> list[Tick]:
        """Every tick in (time, now] as it was published, in order."""
        until = int(now)
        span, part = (time, until), Part(tier=None, from_time=time, to_time=until)
        samples = self._records(sample_of_row, await self._database.read(until - time, SAMPLES_IN_ORDER, span, (part,)))
        part = replace(part, tier=self._tiers[0])
        rows = await self._database.read(until - time, f"{rows_of(part.tier)} ORDER BY time", span, (part,))
        damaged = damaged_among(rows)
        self._rollups.note_damaged(self._tiers[0], damaged)
        minutes = [rollup_of_row(row) for row in rows if row[0] not in damaged]
        gaps = await self.gaps(time, until, now)
        ticks = []
        for sample in samples:
            closed = [minute for minute in minutes if minute.time <= sample.time]
            minutes = minutes[len(closed) :]
            # A sample closes at most one gap; more of them stem from a clock that was set back.
            ended = [gap for gap in gaps if gap.to_time < sample.time]
            gaps = gaps[len(ended) :]
            ticks.append(Tick(sample=sample, closed=(*ended[-1:], *closed)))
        return ticks

    async def next_after(self, time: int) -> int | None:
        """The time of the first sample after `time`, or up to an hour before it; None after the last."""
        ((found,),) = await self._database.read(0, NEXT_SAMPLE, (time,))
        return found if isinstance(found, int) else None

    async def intervals(self, from_time: int, to_time: int) -> set[int]:
        """The sampling intervals of the runs that recorded in (from_time, to_time]."""
        # The usual case needs no query.
        if len(self._runs.intervals) == 1:
            return self._runs.intervals
        span_s, span = to_time - from_time, (from_time, to_time)
        rows = await self._database.read(span_s, INTERVALS, (*span, to_time))
        rows += await self._database.read(span_s, SEALED_INTERVALS, span)
        # Of the hours that the span cuts, what lies inside.
        ends = (from_time, min(bucket_end(from_time, HOUR), to_time)), (max(to_time - 1, 0) // HOUR * HOUR, to_time)
        parts = [Part(tier=None, from_time=max(start, from_time), to_time=end) for start, end in ends]
        arguments = [time for part in parts for time in (part.from_time, part.to_time)]
        rows += await self._database.read(span_s, INTERVALS_AT_ENDS, arguments, parts)
        return {interval for (interval,) in rows}

    async def first(self) -> int | None:
        """When the first interval that anything is known of begins; None of an empty history."""
        sql = f"{FIRST} UNION ALL {FIRST_GIVEN_UP}" if self.kept.minute else FIRST
        times = [time for (time,) in await self._database.read(0, sql, ()) if isinstance(time, int)]
        return min(times, default=None)

    async def buckets(self, from_time: int, to_time: int, step: int, names: Sequence[str] = NAMES) -> Buckets:
        """The buckets of `step` seconds in (from_time, to_time] that hold a sample, oldest first, with some columns."""
        tiers, intervals = tiers_for(step, self._tiers), self._runs.intervals
        interval = next(iter(intervals)) if len(intervals) == 1 else None
        while True:
            parts = await read_plan(self._database, from_time, to_time, tiers)
            sql, arguments = rows_of_buckets(parts, step, interval, names)
            asked = [replace(part, columns=columns_for(names)) for part in parts]
            rows = await self._database.read(to_time - from_time, sql, arguments, asked)
            # Thousands of rows would hold the event loop for too long.
            is_long = len(rows) > LONG
            buckets, is_plausible = (
                await asyncio.to_thread(_buckets_of, rows, names) if is_long else _buckets_of(rows, names)
            )
            if is_plausible:
                return buckets
            # Never served: what the damaged rows were added up from says the same.
            damaged = await find_damaged(self._database, self._rollups, parts)
            if not damaged:
                self._database.soundness.question(Doubt.GARBLED, IMPLAUSIBLE)
                raise GarbledError(IMPLAUSIBLE)
            tiers = [tier for tier in tiers if tier not in damaged]

    async def cores(self, from_time: int, to_time: int, step: int) -> dict[int, tuple[CoreTicks, ...]]:
        """The ticks of each core, by the time of its bucket; buckets without known cores are left out."""
        sums = CoreSums(step)
        # Python adds them up: slice by slice, so that a long range takes no more memory than a short one.
        for part in slices(await read_plan(self._database, from_time, to_time, tiers_for(step, self._tiers))):
            sql, arguments = rows_of_parts([part], "time, cores")
            rows = await self._database.read(to_time - from_time, f"{sql} ORDER BY time", arguments, [part])
            await asyncio.to_thread(sums.add, rows)
        return await asyncio.to_thread(sums.records)

    async def cpus(self, from_time: int, to_time: int, step: int) -> set[int]:
        """The numbers of the CPUs that some bucket of `step` seconds in (from_time, to_time] knows."""
        # Of whole intervals of the coarsest tier its rollups know all; the rest is looked up as finely as it is shown.
        whole = self._tiers[-1].seconds
        begin = min(bucket_end(from_time, whole), to_time)
        end = max(begin, to_time // whole * whole)
        numbers: set[int] = set()
        for width, start, stop in ((step, from_time, begin), (whole, begin, end), (step, end, to_time)):
            for part in slices(await read_plan(self._database, start, stop, tiers_for(width, self._tiers))):
                sql, arguments = rows_of_parts([part], "cores")
                rows = await self._database.read(to_time - from_time, sql, arguments, [part])
                numbers |= await asyncio.to_thread(_numbers_of, rows)
        return numbers

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

    def _records(self, of_row: Callable[[Row], T], rows: Sequence[Row]) -> list[T]:
        """The records of the rows. Raises GarbledError, and then has noted that the file must be replaced."""
        try:
            return [of_row(row) for row in rows]
        except GarbledError as error:
            self._database.soundness.question(Doubt.GARBLED, str(error))
            raise


def _buckets_of(rows: Sequence[Row], names: Sequence[str]) -> tuple[Buckets, bool]:
    """The buckets, and whether they are plausible."""
    buckets = Buckets(sorted(rows, key=itemgetter(0)), names)
    return buckets, buckets.is_plausible()


def _numbers_of(rows: Sequence[Row]) -> set[int]:
    """The numbers of all CPUs in rows of cores alone."""
    unpacked = (core_ticks(blob) for (blob,) in rows)
    return {cpu for one in unpacked if one is not None for cpu in one[0]}


async def read_plan(database: Queries, from_time: int, to_time: int, tiers: Sequence[Tier]) -> list[Part]:
    """What is read in (from_time, to_time], of these tiers and of samples. Raises ReadError."""
    return list(plan(from_time, to_time, await read_extents(database, from_time, to_time, tiers)))


async def read_extents(database: Queries, from_time: int, to_time: int, tiers: Sequence[Tier]) -> list[Extent]:
    """How far each of the tiers goes, rollups after `to_time` aside. Raises ReadError."""
    if not tiers:
        return []
    sql = " UNION ALL ".join(map(extent_of, tiers))
    rows = await database.read(to_time - from_time, sql, (to_time,))
    return [
        Extent(tier=tier, kept_from=kept_from or 0, closed=closed if isinstance(closed, int) else 0)
        for tier, (kept_from, closed) in zip(tiers, rows, strict=True)
    ]


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
            # The same CPUs in nearly every row: then positions suffice, and numbers are added without records.
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
    """The sums of two sets of CPUs, by the numbers of the CPUs."""
    whole = sum_cores([cores_of(*one), cores_of(*other)]) or ()
    return [core.cpu for core in whole], [ticks for core in whole for ticks in (core.busy, core.all)]
