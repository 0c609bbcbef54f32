"""A span of a history -> a database of its own, which the service opens like any other.

Runs, samples, gaps, clock steps and names are copied. The rollups are added up anew from what is inside, for those at
the two ends hold less than they did; one whose parts were lost is taken as it is, and so is an hour that stays sealed.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from cpusensor.model.buckets import NAMES
from cpusensor.model.grid import bucket_end
from cpusensor.model.rollup import TIERS, Tier
from cpusensor.store.backfill import add_up
from cpusensor.store.columns import (
    CLOCK_STEP_COLUMNS,
    GAP_COLUMNS,
    Row,
    columns_of,
    pack_cores,
    row_of_run,
)
from cpusensor.store.extract_names import NamesExtract
from cpusensor.store.file import APPLICATION_ID
from cpusensor.store.plan import Part
from cpusensor.store.reader import Reader
from cpusensor.store.schema import MIGRATIONS, PLAIN
from cpusensor.store.sealed import HOUR
from cpusensor.store.sealing import INSERT_SEALED, SEALED_COLUMNS
from cpusensor.store.snapshot import Snapshot
from cpusensor.store.statements import (
    EXTREMES,
    INSERT_CLOCK_STEP,
    INSERT_GAP,
    INSERT_RUN,
    INSERT_SAMPLE,
    SAMPLES_IN_ORDER,
    TIME_AT_EACH_POINT_OF_BUCKETS,
    extent_of,
    insert,
    rows_of,
)

SLICE_S = 86_400
"""Seconds of history at a time, which bounds the memory; a multiple of the length of every tier."""

PASSES = 1 + len(TIERS)
"""How often the span is gone through: the samples, then each tier."""


_STORED = tuple(name for name in NAMES if name != "busy")
"""The columns of buckets that have one in a table."""


class Extract:
    """The new database, while it is made. Not to be used any more once something fails."""

    def __init__(self, source: Snapshot, target: sqlite3.Connection, span: tuple[int, int], *, is_plain: bool) -> None:
        """With `is_plain` all hours become rows; else those that are sealed stay as they are."""
        self._source = source
        self._is_plain = is_plain
        self._sealed: set[int] = set()
        """The hours that stay sealed."""
        self._connection = target
        self._target = Snapshot(target, TIERS)
        self._from_time, self._to_time = span

    async def make(self, tell: Callable[[int], None]) -> None:
        """Fill it; `tell` hears after each slice how many seconds it was. Raises ReadError and GarbledError."""
        runs = set() if self._is_plain else self._copy_sealed()
        for start in range(self._from_time, self._to_time, SLICE_S):
            end = min(start + SLICE_S, self._to_time)
            for begin, stop in self._in_rows(start, end):
                part = Part(tier=None, from_time=begin, to_time=stop)
                rows = self._source.rows(SAMPLES_IN_ORDER, (begin, stop), (part,))
                self._connection.executemany(INSERT_SAMPLE, rows)
                runs |= {row[1] for row in rows}
            tell(end - start)
            # Who interrupts the command need not wait for the end.
            await asyncio.sleep(0)
        self._copy_runs(runs)
        self._copy_gaps()
        steps = f"SELECT {CLOCK_STEP_COLUMNS} FROM clock_step WHERE time > ? AND time <= ?"
        self._connection.executemany(INSERT_CLOCK_STEP, self._rows(steps, self._from_time, self._to_time))
        for number, tier in enumerate(TIERS):
            await self._fill(tier, TIERS[:number], tell)
        # The schema of a plain one knows no names.
        if not self._is_plain:
            NamesExtract(self._source, self._connection, (self._from_time, self._to_time)).copy()

    def _rows(self, sql: str, *arguments: int) -> list[Row]:
        return self._source.rows(sql, arguments)

    def _copy_sealed(self) -> set[int]:
        """Copy the sealed hours that lie in the span as a whole; the ids of their runs."""
        # An older file may not have all of their quarters yet: then these are added up from rows.
        ((filled,),) = self._rows(f"SELECT coalesce(max(kept_from), 0) FROM tier WHERE name = '{TIERS[1].name}'")
        # The first hour of all is whole, too.
        inside = "(time >= ? OR first_sample > ?) AND time >= ? AND time <= ?"
        span = self._from_time + HOUR, self._from_time, filled + HOUR, self._to_time
        hours = self._rows(f"SELECT {SEALED_COLUMNS} FROM sealed_hour WHERE {inside}", *span)
        self._connection.executemany(INSERT_SEALED, hours)
        self._sealed = {row[0] for row in hours}
        runs = f"SELECT DISTINCT value FROM sealed_hour, json_each(runs) WHERE {inside}"
        kept = self._source.kept
        tiers = [(name, time) for name, time in asdict(kept).items() if time > self._from_time]
        self._connection.executemany("INSERT INTO tier(name, kept_from) VALUES (?, ?)", tiers)
        return {run for (run,) in self._rows(runs, *span)}

    def _in_rows(self, start: int, end: int) -> list[tuple[int, int]]:
        """The spans inside (start, end] that no hour which stays sealed covers, in order."""
        spans: list[tuple[int, int]] = []
        for hour in range(bucket_end(start + 1, HOUR), bucket_end(end, HOUR) + 1, HOUR):
            begin, stop = max(start, hour - HOUR), min(end, hour)
            if hour in self._sealed or begin >= stop:
                continue
            if spans and spans[-1][1] == begin:
                begin, _ = spans.pop()
            spans.append((begin, stop))
        return spans

    def _copy_runs(self, recorded: set[int]) -> None:
        """The runs that recorded within the span, and those that began in it and recorded nothing."""
        begin, end = self._from_time, self._to_time
        runs = [run for run in self._source.runs if run.id in recorded or begin < run.started <= end]
        self._connection.executemany(INSERT_RUN, map(row_of_run, runs))

    def _copy_gaps(self) -> None:
        """The gaps between two samples of the span: what only touches it has no sample on the other side."""
        ((first, last),) = self._target.rows(EXTREMES)
        sql = f"SELECT {GAP_COLUMNS} FROM gap WHERE from_time >= ? AND to_time < ?"
        self._connection.executemany(INSERT_GAP, self._rows(sql, first or 0, last or 0))
        # Of the samples that were given up the gaps are left, and nothing else in rows tells of them.
        if not self._is_plain:
            given_up = self._rows(f"{sql} AND from_time <= ?", self._from_time, self._to_time, self._source.kept.sample)
            self._connection.executemany(INSERT_GAP, given_up)

    async def _fill(self, tier: Tier, finer: Sequence[Tier], tell: Callable[[int], None]) -> None:
        """Add up the rollups of a tier that are over."""
        last = self._last(finer)
        for start in range(self._from_time // tier.seconds * tier.seconds, self._to_time, SLICE_S):
            end = min(start + SLICE_S, bucket_end(self._to_time, tier.seconds))
            spans = self._in_rows(start, end) if tier.seconds < HOUR else [(start, end)]
            rows = []
            for span in spans:
                rows += await (self._add_up(tier, finer[-1], *span) if finer else self._group(tier, *span))
            made = {row[0] for row in rows}
            rows = [row for row in rows if row[0] <= last]
            # Longer rollups of hours that stay sealed lie in rows as well.
            for span in [(start, end)] if finer else spans:
                rows += [row for row in self._kept(tier, *span) if row[0] not in made]
            self._connection.executemany(insert(tier.name, columns_of(tier)), rows)
            tell(min(end, self._to_time) - max(start, self._from_time))

    def _last(self, finer: Sequence[Tier]) -> int:
        """The time until which the rollups of a tier are over: the newest of the tier below, or of the samples."""
        if not finer:
            ((_, last),) = self._target.rows(EXTREMES)
        else:
            ((_, last),) = self._target.rows(extent_of(finer[-1]), (self._to_time,))
        return last or 0

    async def _group(self, tier: Tier, start: int, end: int) -> list[Row]:
        """The rows of the finest tier, by SQL: there are millions of samples."""
        reader = Reader(self._target, self._target, self._target, ())
        buckets = await reader.buckets(start, end, tier.seconds, _STORED)
        cores = await reader.cores(start, end, tier.seconds)
        return [(*row, pack_cores(cores.get(row[0]))) for row in buckets.rows()]

    async def _add_up(self, tier: Tier, below: Tier, start: int, end: int) -> list[Row]:
        """The rows of a further tier, from those of the one below."""
        parts = self._target.rows(f"{rows_of(below)} ORDER BY time", (start, end))
        points: Sequence[Row] = []
        if tier.has_histogram and not below.has_histogram:
            points = self._target.rows(TIME_AT_EACH_POINT_OF_BUCKETS.format(step=tier.seconds), (start, end))
        return await asyncio.to_thread(add_up, tier, parts, points)

    def _kept(self, tier: Tier, start: int, end: int) -> list[Row]:
        """The rows of the source that lie within the span as a whole, or are of an hour that stays sealed."""
        if tier not in self._source.tiers:
            return []
        table, columns = tier.name, columns_of(tier)
        part = Part(tier=tier, from_time=start, to_time=min(end, self._to_time))
        span = part.from_time, part.to_time
        rows = self._source.rows(f"SELECT {columns} FROM {table} WHERE time > ? AND time <= ?", span, (part,))
        first = self._from_time + tier.seconds
        return [row for row in rows if row[0] >= first or bucket_end(row[0], HOUR) in self._sealed]


async def extract(
    source: Snapshot, path: Path, span: tuple[int, int], tell: Callable[[int], None], *, is_plain: bool
) -> None:
    """Make a database of what lies in (from, to] in an empty file; a plain one has no sealed hours.

    Raises ReadError, GarbledError and sqlite3.Error.
    """
    with closing(_create(path, is_plain=is_plain)) as target:
        # One transaction without a journal: nobody else has the file, and an unfinished one is thrown away.
        target.execute("BEGIN")
        await Extract(source, target, span, is_plain=is_plain).make(tell)
        target.execute("COMMIT")


def _create(path: Path, *, is_plain: bool) -> sqlite3.Connection:
    """An empty history. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("auto_vacuum = INCREMENTAL", f"application_id = {APPLICATION_ID}", "journal_mode = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    if is_plain:
        for statement in PLAIN:
            connection.execute(statement)
        return connection
    for number, statements in enumerate(MIGRATIONS, start=1):
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    return connection
