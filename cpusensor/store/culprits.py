"""Reads who used the CPU in a span, or in each bucket of a grid, from as few rows as there are."""

import asyncio
from collections.abc import Mapping, Sequence

from cpusensor.model.blame import Blame
from cpusensor.model.grid import bucket_end, slot_at
from cpusensor.model.records import Cause, Span
from cpusensor.model.top import Found, identity
from cpusensor.store.columns import GarbledError, Row
from cpusensor.store.database import Queries
from cpusensor.store.levels import LEVELS, arguments_between, closed_until, read_rows, rows_between, tell_damaged
from cpusensor.store.names import TEXTS, blame_of, numbers_in, share_of, texts_of_rows
from cpusensor.store.shares import OTHER, PROCESS, UNIT, Coded, Entry, is_throttle

MAX_TOLD = 1000
"""Damaged rows that are remembered, so that each is told once."""

OUTAGES = """SELECT coalesce(sum(busy), 0), coalesce(sum("all"), 0) FROM gap
    WHERE from_time >= ? AND to_time <= ? AND cause IN (?, ?) AND busy IS NOT NULL"""


class Culprits:
    """The queries. Each raises ReadError."""

    def __init__(self, database: Queries) -> None:
        self._database = database
        self._told: set[tuple[str, int]] = set()

    async def over(self, span: Span) -> Found | None:
        """All that is kept of what was read inside a span; None if nothing was."""
        closed = await self._closed(span)
        rows = await self._rows(span, span, len(LEVELS) - 1, closed)
        if not rows:
            return None
        tally = await asyncio.to_thread(Tally, rows)
        names = await self._names(span, numbers_in(tally.entries))
        return await asyncio.to_thread(tally.found, names)

    async def buckets(self, span: Span, step: int, limit: int) -> dict[int, Blame]:
        """The first names of each bucket of `step` seconds in a span of whole buckets, by its time.

        A bucket has names if they were read inside it: a reading may begin in the bucket before, but no earlier.
        """
        closed = await self._closed(span)
        coarsest = max(number for number, level in enumerate(LEVELS) if step % level.seconds == 0)
        rows = await self._rows(span, Span(from_time=span.from_time - step, to_time=span.to_time), coarsest, closed)
        tallies = await asyncio.to_thread(_by_bucket, rows, step, limit)
        names = await self._names(span, numbers_in(entry for one in tallies.values() for entry in one.entries))
        return await asyncio.to_thread(lambda: {end: one.found(names).blame for end, one in tallies.items()})

    async def outages(self, span: Span) -> tuple[int, int]:
        """Busy and all ticks while no service ran, as far as the kernel's counters prove them, inside a span."""
        ((busy, every),) = await self._read(span, OUTAGES, (span.from_time, span.to_time, Cause.STOPPED, Cause.CRASHED))
        return busy, every

    async def _closed(self, span: Span) -> list[int]:
        """How far each level goes until the end of a span."""
        sql = " UNION ALL ".join(map(closed_until, LEVELS))
        rows = await self._read(span, sql, [span.to_time] * sql.count("?"))
        return [closed or 0 for (closed,) in rows]

    async def _rows(self, span: Span, whole: Span, number: int, closed: Sequence[int]) -> list[Coded]:
        """What was read inside the `whole` and ended in a span: of the coarsest level that fits, of finer ones around.

        A sum that begins before the whole is replaced by what it was added up from.
        """
        level = LEVELS[number]
        begin, end = span.from_time, span.to_time
        if number:
            begin = bucket_end(begin, level.seconds)
            end = slot_at(min(end, closed[number]), level.seconds)
        if begin >= end:
            return await self._rows(span, whole, number - 1, closed) if number else []
        rows = read_rows(level, await self._loose_and_packed(span, number, begin, end), begin, end, self._tell)
        if not number:
            return [row for row in rows if row.since >= whole.from_time]
        found = await self._rows(Span(from_time=span.from_time, to_time=begin), whole, number - 1, closed)
        for row in rows:
            if row.since >= whole.from_time:
                found.append(row)
            else:
                inside = Span(from_time=row.time - level.seconds, to_time=row.time)
                found += await self._rows(inside, whole, number - 1, closed)
        return found + await self._rows(Span(from_time=end, to_time=span.to_time), whole, number - 1, closed)

    async def _loose_and_packed(self, span: Span, number: int, begin: int, end: int) -> list[Row]:
        level = LEVELS[number]
        return await self._read(span, rows_between(level), arguments_between(level, begin, end))

    async def _names(self, span: Span, numbers: str) -> dict[int, str]:
        return texts_of_rows(await self._read(span, TEXTS, (numbers,)))

    async def _read(self, span: Span, sql: str, arguments: Sequence[object]) -> list[Row]:
        return await self._database.read(span.to_time - span.from_time, sql, arguments)

    def _tell(self, table: str, time: int, error: GarbledError) -> None:
        if (table, time) not in self._told and len(self._told) < MAX_TOLD:
            self._told.add((table, time))
            tell_damaged(table, time, error)


class Tally:
    """Rows added up as numbers: records would take five times as long."""

    def __init__(self, rows: Sequence[Coded]) -> None:
        """Of one row at least, in order of time."""
        self._since, self._time = rows[0].since, rows[-1].time
        self._totals = [sum(column) for column in zip(*(row.totals for row in rows), strict=True)]
        self.entries: dict[Entry, int] = {}
        """Their CPU time, in 1/100 s."""
        self._first: dict[Entry, int] = {}
        self._last: dict[Entry, int] = {}
        for row in rows:
            for entry, cpu in row.entries:
                self.entries[entry] = self.entries.get(entry, 0) + cpu
                self._first.setdefault(entry, row.since)
                self._last[entry] = row.time

    def cut(self, limit: int) -> None:
        """Leave the first names of each view; the rest is other."""
        kept = {entry: amount for entry, amount in self.entries.items() if is_throttle(entry)}
        for place, width in enumerate((UNIT, PROCESS)):
            of_width = (one for one in self.entries.items() if len(one[0]) == width and one[0] not in kept)
            ranked = sorted(of_width, key=lambda one: -one[1])
            kept |= dict(ranked[:limit])
            self._totals[OTHER + place] += sum(cpu for _, cpu in ranked[limit:])
        self.entries = kept

    def coded(self, time: int) -> Coded:
        """The same as a row until a time."""
        ranked = sorted(self.entries.items(), key=lambda one: -one[1])
        return Coded(
            time=time,
            since=self._since,
            totals=tuple(self._totals),
            units=[one for one in ranked if len(one[0]) == UNIT],
            processes=[one for one in ranked if len(one[0]) == PROCESS and not is_throttle(one[0])],
            throttles=[one for one in ranked if is_throttle(one[0])],
        )

    def found(self, names: Mapping[int, str]) -> Found:
        """The same with names."""
        blame = blame_of(self._since, self._time, self._totals, self.entries.items(), names)
        seen = {
            identity(share_of(entry, cpu, names)): Span(from_time=self._first[entry], to_time=self._last[entry])
            for entry, cpu in self.entries.items()
            if not is_throttle(entry)
        }
        return Found(blame=blame, seen=seen)


def _by_bucket(rows: Sequence[Coded], step: int, limit: int) -> dict[int, Tally]:
    """The rows of each bucket added up and cut, by its time."""
    parts: dict[int, list[Coded]] = {}
    for row in rows:
        end = bucket_end(row.time, step)
        if row.since >= end - 2 * step:
            parts.setdefault(end, []).append(row)
    tallies = {end: Tally(some) for end, some in parts.items()}
    for one in tallies.values():
        one.cut(limit)
    return tallies
