"""A span of a history -> a database of its own, which the service opens like any other.

Runs, samples, gaps and clock steps are copied. The rollups are added up anew from what is inside, for those at the two
ends hold less than they did; one whose parts were lost is taken as it is.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from cpusensor.model.buckets import NAMES
from cpusensor.model.grid import bucket_end
from cpusensor.model.rollup import TIERS, Tier
from cpusensor.store.backfill import add_up
from cpusensor.store.columns import (
    CLOCK_STEP_COLUMNS,
    GAP_COLUMNS,
    SAMPLE_COLUMNS,
    Row,
    columns_of,
    pack_cores,
    row_of_run,
)
from cpusensor.store.file import APPLICATION_ID
from cpusensor.store.plan import Part
from cpusensor.store.reader import Reader
from cpusensor.store.schema import MIGRATIONS
from cpusensor.store.snapshot import Snapshot
from cpusensor.store.statements import (
    INSERT_CLOCK_STEP,
    INSERT_GAP,
    INSERT_RUN,
    INSERT_SAMPLE,
    TIME_AT_EACH_POINT_OF_BUCKETS,
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

    def __init__(self, source: Snapshot, target: sqlite3.Connection, span: tuple[int, int]) -> None:
        self._source = source
        self._connection = target
        self._target = Snapshot(target, TIERS)
        self._from_time, self._to_time = span

    async def make(self, tell: Callable[[int], None]) -> None:
        """Fill it; `tell` hears after each slice how many seconds it was. Raises ReadError and GarbledError."""
        runs: set[int] = set()
        for start in range(self._from_time, self._to_time, SLICE_S):
            end = min(start + SLICE_S, self._to_time)
            part = Part(tier=None, from_time=start, to_time=end)
            sql = f"SELECT {SAMPLE_COLUMNS} FROM sample WHERE time > ? AND time <= ? ORDER BY time"
            rows = self._source.rows(sql, (start, end), (part,))
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

    def _rows(self, sql: str, *arguments: int) -> list[Row]:
        return self._source.rows(sql, arguments)

    def _copy_runs(self, recorded: set[int]) -> None:
        """The runs that recorded within the span, and those that began in it and recorded nothing."""
        begin, end = self._from_time, self._to_time
        runs = [run for run in self._source.runs if run.id in recorded or begin < run.started <= end]
        self._connection.executemany(INSERT_RUN, map(row_of_run, runs))

    def _copy_gaps(self) -> None:
        """The gaps between two samples of the span: what only touches it has no sample on the other side."""
        ((first, last),) = self._target.rows("SELECT min(time), max(time) FROM main.sample")
        gaps = self._rows(f"SELECT {GAP_COLUMNS} FROM gap WHERE from_time >= ? AND to_time < ?", first or 0, last or 0)
        self._connection.executemany(INSERT_GAP, gaps)

    async def _fill(self, tier: Tier, finer: Sequence[Tier], tell: Callable[[int], None]) -> None:
        """Add up the rollups of a tier that are over."""
        below = finer[-1].name if finer else "sample"
        ((last,),) = self._target.rows(f"SELECT coalesce(max(time), 0) FROM main.{below}")
        for start in range(self._from_time // tier.seconds * tier.seconds, self._to_time, SLICE_S):
            end = min(start + SLICE_S, bucket_end(self._to_time, tier.seconds))
            rows = await (self._add_up(tier, finer[-1], start, end) if finer else self._group(tier, start, end))
            made = {row[0] for row in rows}
            rows = [row for row in rows if row[0] <= last]
            rows += [row for row in self._kept(tier, start, end) if row[0] not in made]
            self._connection.executemany(insert(tier.name, columns_of(tier)), rows)
            tell(min(end, self._to_time) - max(start, self._from_time))

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
        """The rows of the source that lie within the span as a whole."""
        if tier not in self._source.tiers:
            return []
        table, columns = tier.name, columns_of(tier)
        span = max(start, self._from_time) + tier.seconds, min(end, self._to_time)
        part = Part(tier=tier, from_time=span[0] - 1, to_time=span[1])
        return self._source.rows(f"SELECT {columns} FROM {table} WHERE time >= ? AND time <= ?", span, (part,))


async def extract(source: Snapshot, path: Path, span: tuple[int, int], tell: Callable[[int], None]) -> None:
    """Make a database of what lies in (from, to] in an empty file. Raises ReadError, GarbledError and sqlite3.Error."""
    with closing(_create(path)) as target:
        # One transaction without a journal: nobody else has the file, and an unfinished one is thrown away.
        target.execute("BEGIN")
        await Extract(source, target, span).make(tell)
        target.execute("COMMIT")


def _create(path: Path) -> sqlite3.Connection:
    """An empty history. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("auto_vacuum = INCREMENTAL", f"application_id = {APPLICATION_ID}", "journal_mode = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    for number, statements in enumerate(MIGRATIONS, start=1):
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    return connection
