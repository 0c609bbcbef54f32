"""Reads what a whole span adds up to, and where in it the CPU was busy, from as few rows as there are."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from cpusensor.model.figures import BUSY
from cpusensor.model.histogram import Histogram, merge
from cpusensor.model.records import Cause, Rollup, Span
from cpusensor.model.rollup import Tier
from cpusensor.model.summary import BusyTicks
from cpusensor.store.columns import (
    BUCKET_COLUMNS,
    GarbledError,
    Row,
    busy_ticks_of_rows,
    histogram_of_rows,
    merge_histograms,
    rollup_of_row,
    seconds_by_cause_of_rows,
    sound_rollup,
)
from cpusensor.store.damaged import Rollups, find_damaged
from cpusensor.store.database import Database, ReadError
from cpusensor.store.plan import Extent, Part, joined, plan, rows_of_parts, tiers_for
from cpusensor.store.reader import CoreSums, Reader, read_extents
from cpusensor.store.soundness import Doubt
from cpusensor.store.statements import (
    SECONDS_BY_CAUSE,
    TIME_AT_EACH_POINT,
    all_busy,
    busy_in_part,
    busy_rows,
    earliest_peak,
    peak_time,
    rows_at,
    rows_of,
    whole,
    wholes,
)

R = TypeVar("R")
T = TypeVar("T")


MAX_IN_PART = 100
"""Rollups without interrupts that are looked into: more of them stem from a kernel that counts none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What a span adds up to."""

    rollup: Rollup
    """Of its samples, without cores; without a histogram where one cannot be read."""
    busy: int
    """Busy ticks; `rollup` leaves out the interrupts if they are not known at all times."""
    max_time: int | None
    """The time of the sample with the highest CPU use, the earliest of equals; None if it cannot be found."""


class Summaries:
    """The queries. Each raises ReadError, and GarbledError for rows that cannot have been written."""

    def __init__(self, database: Database, reader: Reader, rollups: Rollups, tiers: Sequence[Tier]) -> None:
        """`rollups` are told which of them are damaged."""
        self._database = database
        self._rollups = rollups
        self._reader = reader
        self._tiers = tiers

    async def whole(self, span: Span) -> Whole | None:
        """What the samples in a span add up to; None without any."""
        extents = await self._extents(span, self._tiers[-1].seconds)
        parts = list(plan(span.from_time, span.to_time, extents))
        if not parts:
            return None
        sql, arguments = rows_of_parts(parts, BUCKET_COLUMNS)
        ((*sums, busy, peak),) = await self._read(span, whole(sql), arguments, parts)
        if peak is None:
            return None
        row = (span.to_time, *sums, None, None)
        # What was damaged and is a number still shows in the sums.
        if is_garbled(row) and await find_damaged(self._database, self._rollups, parts):
            raise ReadError("some rollups are damaged and are added up anew; try again in a minute")
        rollup = self._judged(rollup_of_row, row)
        if rollup.figures.irq is None:
            busy = await self._add_interrupts(span, parts, extents, busy)
        histogram = await self._histogram(span, parts)
        max_time = await self._max_time(span, parts, extents, peak_time(peak))
        return Whole(rollup=replace(rollup, histogram=histogram), busy=busy, max_time=max_time)

    async def seconds_by_cause(self, span: Span, until: int) -> dict[Cause, int]:
        """How long the gaps that end until a time lasted inside a span."""
        arguments = (span.to_time, span.from_time, span.to_time, span.from_time, until)
        return self._judged(seconds_by_cause_of_rows, await self._read(span, SECONDS_BY_CAUSE, arguments))

    async def busy_buckets(self, span: Span, step: int, percent: int) -> tuple[BusyTicks, list[Rollup]]:
        """The stored buckets whose CPU use is so many percent or more, and all that are not stored, whatever it is.

        The span is one of whole buckets, but that the last one may not have come to its end.
        """
        ticks: dict[int, int] = {}
        others: list[Part] = []
        for part in plan(span.from_time, span.to_time, await self._extents(span, step)):
            if part.tier is None or part.tier.seconds != step:
                others.append(part)
                continue
            rows = await self._read(span, busy_rows(part.tier, percent), (part.from_time, part.to_time), (part,))
            # In a thread, as whatever may be tens of thousands of rows.
            ticks |= await asyncio.to_thread(self._judged, busy_ticks_of_rows, rows)
        buckets = [await self._reader.buckets(one.from_time, one.to_time, step) for one in joined(others)]
        return ticks, [bucket for some in buckets for bucket in some]

    async def ticks_at(self, span: Span, step: int, times: Sequence[int]) -> BusyTicks:
        """The busy ticks of the buckets of `step` seconds that end at these times, as far as they are stored."""
        tier = next((tier for tier in self._tiers if tier.seconds == step), None)
        if tier is None or not times:
            return {}
        part = Part(tier=tier, from_time=min(times) - step, to_time=max(times))
        arguments = (part.from_time, part.to_time, f"[{','.join(map(str, times))}]")
        rows = await self._read(span, rows_at(tier), arguments, (part,))
        return self._judged(busy_ticks_of_rows, rows)

    async def rollups(self, around: Span, spans: Sequence[Span]) -> list[Rollup | None]:
        """Each of the spans inside another added up, with cores, but without a histogram; None without a sample."""
        extents = await self._extents(around, self._tiers[-1].seconds)
        parts = [
            (number, part) for number, one in enumerate(spans) for part in plan(one.from_time, one.to_time, extents)
        ]
        if not parts:
            return [None] * len(spans)
        arguments = [time for _, part in parts for time in (part.from_time, part.to_time)]

        def query(columns: str) -> str:
            return " UNION ALL ".join(rows_of(part.tier, f"{number} AS number, {columns}") for number, part in parts)

        asked = [part for _, part in parts]
        sums = await self._read(around, wholes(query(BUCKET_COLUMNS)), arguments, asked)
        cores = await self._read(around, query("cores"), arguments, asked)
        return await asyncio.to_thread(self._judged, partial(_numbered, spans, sums), cores)

    async def _add_interrupts(self, span: Span, parts: Sequence[Part], extents: Sequence[Extent], busy: int) -> int:
        """The busy ticks with those that rollups leave out because one sample inside does not know its interrupts."""
        stored = [(part, part.tier) for part in parts if part.tier is not None]
        if not stored:
            return busy
        sql = " UNION ALL ".join(busy_in_part(tier) for _, tier in stored)
        times = [time for part, _ in stored for time in (part.from_time, part.to_time)]
        rows = await self._read(span, f"{sql} LIMIT {MAX_IN_PART + 1:d}", times, parts)
        if not rows or len(rows) > MAX_IN_PART:
            return busy
        inside = [part for time, seconds, _ in rows for part in plan(time - seconds, time, _finer(extents, seconds))]
        query, arguments = rows_of_parts(inside, ", ".join(BUSY))
        ((found,),) = await self._read(span, all_busy(query), arguments, inside)
        return await self._add_interrupts(span, inside, extents, busy + found - sum(ticks for *_, ticks in rows))

    async def _histogram(self, span: Span, parts: Sequence[Part]) -> Histogram | None:
        """The time at each point: of rollups where they have it, of samples elsewhere; None if one cannot be read."""
        stored = [part for part in parts if part.tier and part.tier.has_histogram]
        sql, arguments = rows_of_parts(stored, "histogram")
        blobs = await self._read(span, sql, arguments, stored) if stored else []
        histogram = await asyncio.to_thread(merge_histograms, (blob for (blob,) in blobs))
        if histogram is None:
            return None
        histograms = [histogram]
        for one in joined(part for part in parts if part not in stored):
            part = Part(tier=None, from_time=one.from_time, to_time=one.to_time)
            rows = await self._read(span, TIME_AT_EACH_POINT, (one.from_time, one.to_time), (part,))
            histograms.append(self._judged(histogram_of_rows, rows))
        return merge(histograms)

    async def _max_time(self, span: Span, parts: Sequence[Part], extents: Sequence[Extent], time: int) -> int | None:
        """The time of the earliest sample with the highest CPU use, `time` being that of the row which it is in.

        None if the row stands there without its samples.
        """
        part = next(part for part in parts if part.from_time < time <= part.to_time)
        if part.tier is None:
            return time
        seconds = part.tier.seconds
        inside = list(plan(time - seconds, time, _finer(extents, seconds)))
        sql, arguments = rows_of_parts(inside, "time, cpu_max_bp")
        ((peak,),) = await self._read(span, earliest_peak(sql), arguments, inside)
        return None if peak is None else await self._max_time(span, inside, extents, peak_time(peak))

    async def _extents(self, span: Span, step: int) -> list[Extent]:
        """How far the tiers go that buckets of `step` seconds are made of."""
        return await read_extents(self._database, span.from_time, span.to_time, tiers_for(step, self._tiers))

    async def _read(self, span: Span, sql: str, arguments: Sequence[object], parts: Sequence[Part] = ()) -> list[Row]:
        return await self._database.read(span.to_time - span.from_time, sql, arguments, parts)

    def _judged(self, of_rows: Callable[[R], T], rows: R) -> T:
        """What is made of the rows. Raises GarbledError, and then has noted that the file must be replaced."""
        try:
            return of_rows(rows)
        except GarbledError as error:
            self._database.soundness.question(Doubt.GARBLED, str(error))
            raise


def is_garbled(row: Row) -> bool:
    """Whether a row of ROLLUP_COLUMNS says what cannot be."""
    try:
        sound_rollup(row)
    except GarbledError:
        return True
    return False


def _finer(extents: Sequence[Extent], seconds: int) -> list[Extent]:
    return [one for one in extents if one.tier.seconds < seconds]


def _numbered(spans: Sequence[Span], sums: Sequence[Row], cores: Sequence[Row]) -> list[Rollup | None]:
    """The rollup of each span, from rows of its number and sums, and of its number and cores. Raises GarbledError."""
    found: list[Rollup | None] = [None] * len(spans)
    # By the number in the place of a time: each is a bucket of its own.
    added = CoreSums(1)
    added.add(cores)
    cores_of = added.records()
    for number, *row in sums:
        rollup = rollup_of_row((spans[number].to_time, *row, None, None))
        found[number] = replace(rollup, cores=cores_of.get(number))
    return found
