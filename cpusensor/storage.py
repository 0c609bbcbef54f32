"""The history in SQLite. The only importer of aiosqlite; SQL stands here and in `schema` alone.

One read-write connection writes and checkpoints; two read-only ones answer queries, so that a year never delays the
last hour. A lock file keeps a second process away: two that write at once are what SQLite's WAL-reset bug needs
(sqlite.org/wal.html).
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from urllib.parse import quote

import aiosqlite

from cpusensor.dbfile import (
    APPLICATION_ID,
    BrokenError,
    Lock,
    StorageError,
    can_write_beside,
    claim,
    hold_lock,
    identity,
    set_aside,
)
from cpusensor.gaps import hole
from cpusensor.records import ClockStep, CoreTicks, Gap, Measured, Rollup, Run, Sample, Tick
from cpusensor.rollup import MINUTE, as_rollup, bucket_end, closed_minutes, roll_up, sum_cores
from cpusensor.rows import (
    Row,
    gap_of_row,
    rollup_of_row,
    row_of_gap,
    row_of_rollup,
    row_of_run,
    row_of_sample,
    run_of_row,
    sample_of_row,
    unpack_cores,
)
from cpusensor.salvage import TABLES, salvage_history, salvage_runs
from cpusensor.schema import (
    ADOPT_SAMPLES,
    BUCKETS,
    GAP_COLUMNS,
    INTERVALS,
    MARK_LOST,
    MIGRATIONS,
    MINUTE_AS_ROLLUP,
    PRAGMAS,
    ROLLUP_COLUMNS,
    RUN_COLUMNS,
    SAMPLE_AS_ROLLUP,
    SAMPLE_COLUMNS,
)

log = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 0.25
"""How long a write waits for another process's lock; what is not written then is tried again at the next tick."""

RECENT_S = 86_400
"""Ranges up to this length are answered by a connection of their own."""

QUERY_STEPS = 10_000
"""After how many steps of SQLite's machine, about a millisecond, a query looks whether it is to stop."""

CORES_PER_QUERY_S = 86_400
"""How much of a range is read at a time where Python adds up, so that the event loop is never held for long."""


PRIMARY_CODE = 0xFF
"""The part of SQLite's error code that is its kind (rescode.html)."""


class WriteError(Exception):
    """A write failed and left nothing behind; it may be tried again."""


class ReadError(Exception):
    """A query failed or was cut short; its text says why."""


class Storage:
    """An open database. `open_storage` makes one."""

    def __init__(self, path: Path, lock: Lock) -> None:
        self.path = path
        self.notice: str | None = None
        """What a person should know of the history: that it is lost, or was broken; None if all is well."""
        self._lock = lock
        self._connections = AsyncExitStack()
        self._runs: list[Run] = []
        self._run: Run | None = None
        self._newest: Sample | None = None
        self._highest = 0
        self._stopping = Event()

    @property
    def newest(self) -> Sample | None:
        """The sample written last; None before the first ever."""
        return self._newest

    async def open(self, now: float) -> None:
        """Open the file, whatever state it is in. Raises StorageError."""
        try:
            await self._open(now)
        except BrokenError as error:
            await self.replace_broken(str(error), now)

    async def close(self) -> None:
        """Close the connections; what still reads is cut short."""
        self.stop_queries()
        connections, self._connections = self._connections, AsyncExitStack()
        try:
            await connections.aclose()
        except sqlite3.Error as error:
            log.warning("%s could not be closed in good order (%s)", self.path, error)

    async def _open(self, now: float) -> None:
        """Open a good file, or make one. Raises BrokenError or StorageError."""
        with _open_errors(self.path):
            is_new = claim(self.path, had_history=self._lock.had_history)
            if is_new:
                self._announce_new()
            connect = partial(aiosqlite.connect, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            self._writer = await self._connections.enter_async_context(connect(self.path))
            await _prepare(self.path, self._writer, is_new=is_new)
            self._recent, self._long = [
                await self._connections.enter_async_context(connect(_read_only(self.path), uri=True)) for _ in range(2)
            ]
            self._stopping.clear()
            self._identity = identity(self.path)
            await self._load(now)
        self._lock.remember_history()

    def _announce_new(self) -> None:
        if self._lock.had_history and self.notice is None:
            self.notice = "the history that was kept here is missing; a new one was begun"
            log.error("%s is missing or empty, though a history was kept here: a new one begins", self.path)
        else:
            log.warning("%s did not exist or was empty: a new history begins here", self.path)

    async def replace_broken(self, reason: str, now: float) -> None:
        """Set the file, found broken, aside and take what can be read of it into a new one. Raises StorageError."""
        await self.close()
        if not can_write_beside(self.path):
            raise StorageError(
                f"{self.path}: cannot be read ({reason}), nor can its folder take a file; check the disk"
            )
        aside = set_aside(self.path, now)
        log.error("%s is broken (%s): set aside as %s; reading what can be read of it", self.path, reason, aside.name)
        self.notice = f"the database was broken and was set aside as {aside.name}"
        await self._open(now)
        await self._take_in(aside, now)
        await self._load(now)

    async def _take_in(self, aside: Path, now: float) -> None:
        """Copy what can be read of a broken database, and make minutes and gaps of what is left exact."""
        samples = 0
        try:
            async with self._transaction():
                await self._insert_rows("run", RUN_COLUMNS, await asyncio.to_thread(salvage_runs, aside))
            spans = salvage_history(aside, now)
            while (span := await asyncio.to_thread(next, spans, None)) is not None:
                samples += len(span.rows["sample"])
                async with self._transaction():
                    for table, rows in span.rows.items():
                        await self._insert_rows(table, TABLES[table][0], rows)
                    if not span.is_whole:
                        await self._close_minutes_of(span.rows["sample"])
        except sqlite3.Error as error:
            log.error("nothing more can be read of %s (%s)", aside, error)
        async with self._transaction():
            await self._writer.execute_fetchall(ADOPT_SAMPLES)
            await self._writer.execute_fetchall(MARK_LOST)
        log.warning("%d samples of the broken database were read and are kept", samples)

    async def _insert_rows(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """Copy rows; one that the new database does not accept is as good as unreadable."""
        marks = ", ".join("?" for _ in columns.split(","))
        await self._writer.executemany(f"INSERT OR IGNORE INTO {table}({columns}) VALUES ({marks})", rows)

    async def _close_minutes_of(self, samples: Sequence[Row]) -> None:
        for end in {bucket_end(row[0], MINUTE) for row in samples}:
            await self._close_minute(end)

    async def _load(self, now: float) -> None:
        """Learn what an earlier life of the process left, and close the minutes that it could not."""
        for reader in (self._recent, self._long):
            await reader.set_progress_handler(self._stopping.is_set, QUERY_STEPS)
        rows = await self._writer.execute_fetchall(f"SELECT {RUN_COLUMNS} FROM run ORDER BY id")
        self._runs = [run_of_row(row) for row in rows]
        self._newest = await self._sample_before(int(now) + 1)
        ((highest,),) = await self._writer.execute_fetchall("SELECT coalesce(max(time), 0) FROM sample")
        self._highest = highest
        async with self._transaction():
            await self._close_left_minutes(int(now))

    async def look_after(self, now: float) -> None:
        """Notice that the file was deleted, replaced or broken, or cannot be reached, and go on in a good one.

        To be called now and then, and after a failed write. Raises WriteError if there is no good one to be had.
        """
        try:
            with _write_errors():
                await self._look_after(now)
        except (StorageError, BrokenError) as error:
            raise WriteError(str(error)) from error

    async def _look_after(self, now: float) -> None:
        found = identity(self.path)
        if found is None and self._is_open():
            # The deleted file lives on in the open connection.
            await self._writer.execute_fetchall("VACUUM INTO ?", (str(self.path),))
            log.error("%s was deleted while it was in use; it was written again, whole", self.path)
        elif found == self._identity and await self._is_good():
            return
        await self._reopen(now)

    async def _reopen(self, now: float) -> None:
        await self.close()
        await self.open(now)
        run = self._run
        if run is not None and run not in self._runs:
            await self.start_run(run.boot_id, run.started, run.interval, run.version)

    def _is_open(self) -> bool:
        try:
            return self._writer.in_transaction in {True, False}
        except (AttributeError, ValueError):
            return False

    async def _is_good(self) -> bool:
        """Whether the open file can be read and, as far as it takes no time to tell, written."""
        if not self._is_open():
            return False
        try:
            await self._writer.execute_fetchall("SELECT max(time) FROM sample")
            await self._recent.execute_fetchall("SELECT max(time) FROM minute")
        except sqlite3.Error:
            return False
        return True

    async def start_run(self, boot_id: str, started: float, interval: int, version: str) -> Run:
        """Note that recording begins."""
        run_id = self._runs[-1].id + 1 if self._runs else 1
        run = Run(id=run_id, boot_id=boot_id, started=int(started), ended=None, interval=interval, version=version)
        with _write_errors():
            await self._writer.execute_fetchall(
                f"INSERT INTO run({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
                row_of_run(run),
            )
        self._runs.append(run)
        self._run = run
        return run

    async def end_run(self, ended: float) -> None:
        """Note that recording ended as it should: without this, the next start finds a crash."""
        if self._run is None:
            return
        with _write_errors():
            await self._writer.execute_fetchall("UPDATE run SET ended = ? WHERE id = ?", (int(ended), self._run.id))

    @property
    def _grid(self) -> int:
        """Seconds between two slots of the present run."""
        return self._run.interval if self._run else 1

    def run_of(self, sample: Sample) -> Run:
        """The run that recorded a sample."""
        return next(run for run in self._runs if run.id == sample.run)

    async def add(self, measured: Sequence[Measured]) -> list[Tick]:
        """Write samples with all that each of them closes, in one transaction.

        A sample replaces one of the same time. Raises WriteError; then none of them is written.
        """
        newest, highest = self._newest, self._highest
        try:
            with _write_errors():
                return await self._add([self._of_this_run(one) for one in measured])
        except BaseException:
            self._newest, self._highest = newest, highest
            raise

    async def _add(self, measured: Sequence[Measured]) -> list[Tick]:
        if len(measured) == 1 and self._closes_nothing(measured[0]):
            await self._insert_sample(measured[0].sample)
            return [Tick(sample=measured[0].sample, gap=None, minutes=())]
        async with self._transaction():
            return [await self._add_one(one) for one in measured]

    def _of_this_run(self, measured: Measured) -> Measured:
        """A sample that waited while the database was replaced belongs to the run as it is numbered now."""
        sample, run = measured.sample, self._run
        if run is None or sample.run == run.id:
            return measured
        return replace(measured, sample=replace(sample, run=run.id))

    def _closes_nothing(self, measured: Measured) -> bool:
        """Whether the sample only continues its minute; one statement is then the whole transaction."""
        sample, previous = measured.sample, self._newest
        return (
            previous is not None
            and not measured.clock_steps
            and self._highest == previous.time == sample.time - self._grid
            and not closed_minutes(previous.time, sample.time)
        )

    async def _add_one(self, measured: Measured) -> Tick:
        sample = measured.sample
        previous, is_rewriting = self._newest, measured.sample.time <= self._highest
        gap = await self._close_gap(measured)
        await self._insert_sample(sample)
        for step in measured.clock_steps:
            await self._writer.execute_fetchall(
                "INSERT OR REPLACE INTO clock_step(time, by_ms) VALUES (?, ?)", (step.time, step.by_ms)
            )
        if is_rewriting:
            await self._close_minute(bucket_end(sample.time, MINUTE))
        ends = closed_minutes(previous.time if previous else None, sample.time)
        minutes = [await self._close_minute(end) for end in ends]
        return Tick(sample=sample, gap=gap, minutes=tuple(minute for minute in minutes if minute))

    async def _insert_sample(self, sample: Sample) -> None:
        await self._writer.execute_fetchall(
            f"INSERT OR REPLACE INTO sample({SAMPLE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row_of_sample(sample),
        )
        self._newest = sample
        self._highest = max(self._highest, sample.time)

    async def _close_gap(self, measured: Measured) -> Gap | None:
        """Keep the gaps equal to the holes between samples; returns the one that the sample closes."""
        sample = measured.sample
        if sample.time <= self._highest:
            await self._fit_between(measured)
            return None
        before = self._newest
        if before is None or before.time != self._highest:
            before = await self._sample_before(sample.time)
        gap = hole(before, sample, self._grid, measured.cause) if before else None
        if gap is not None:
            await self._insert_gap(gap)
        return gap

    async def _fit_between(self, measured: Measured) -> None:
        """A sample written after the clock was set back: what was a gap around it stays one on either side of it."""
        sample, cause = measured.sample, measured.cause
        rows = await self._writer.execute_fetchall(
            f"SELECT {GAP_COLUMNS} FROM gap WHERE from_time < ? AND to_time >= ?", (sample.time, sample.time)
        )
        for gap in map(gap_of_row, rows):
            cause = gap.cause
            await self._writer.execute_fetchall("DELETE FROM gap WHERE from_time = ?", (gap.from_time,))
        before = await self._sample_before(sample.time)
        after = await self._sample_after(sample.time)
        left = hole(before, sample, self._grid, cause) if before else None
        right = hole(sample, after, self._grid, cause) if after else None
        for gap in filter(None, (left, right)):
            await self._insert_gap(replace(gap, busy=None, all=None))

    async def _insert_gap(self, gap: Gap) -> None:
        await self._writer.execute_fetchall(
            f"INSERT OR IGNORE INTO gap({GAP_COLUMNS}) VALUES (?, ?, ?, ?, ?)",
            row_of_gap(gap),
        )

    async def _close_minute(self, end: int) -> Rollup | None:
        """Make the minute what its samples add up to: doing it again changes nothing."""
        samples = await self._samples(end - MINUTE, end)
        minute = roll_up([as_rollup(sample) for sample in samples], end)
        if minute is None:
            await self._writer.execute_fetchall("DELETE FROM minute WHERE time = ?", (end,))
            return None
        await self._writer.execute_fetchall(
            f"INSERT OR REPLACE INTO minute({ROLLUP_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row_of_rollup(minute),
        )
        return minute

    async def _close_left_minutes(self, now: int) -> None:
        """Recompute the newest stored minute and every later one that is over."""
        newest_minute = "SELECT coalesce(max(time) - 60, 0) FROM minute WHERE time <= ?"
        rows = await self._writer.execute_fetchall(
            f"SELECT DISTINCT (time + 59) / 60 * 60 FROM sample WHERE time > ({newest_minute}) AND time <= ?",
            (now, now),
        )
        for (end,) in rows:
            if end <= now:
                await self._close_minute(end)

    async def ticks_after(self, time: int, now: float) -> list[Tick]:
        """Every tick in (time, now] as it was published, in order."""
        until = int(now)
        samples = await self._samples(time, until)
        minutes = [rollup_of_row(row) for row in await self._writer.execute_fetchall(MINUTE_AS_ROLLUP, (time, until))]
        gaps = await self.gaps(time, until, now)
        ticks = []
        for sample in samples:
            closed = [minute for minute in minutes if minute.time <= sample.time]
            minutes = minutes[len(closed) :]
            ended = [gap for gap in gaps if gap.to_time < sample.time]
            gaps = gaps[len(ended) :]
            ticks.append(Tick(sample=sample, gap=ended[-1] if ended else None, minutes=tuple(closed)))
        return ticks

    async def intervals(self, from_time: int, to_time: int) -> set[int]:
        """The sampling intervals of the runs that recorded in (from_time, to_time]."""
        everywhere = {run.interval for run in self._runs}
        if len(everywhere) == 1:
            return everywhere
        rows = await self._read(from_time, to_time, INTERVALS, (from_time, to_time, to_time))
        return {interval for (interval,) in rows}

    async def history(self, from_time: int, to_time: int, step: int) -> list[Rollup]:
        """The buckets of `step` seconds in (from_time, to_time] that hold a sample, oldest first, without cores."""
        parts, arguments = await self._parts(from_time, to_time, step)
        sql = BUCKETS.format(step=int(step), parts=parts)
        return [rollup_of_row(row) for row in await self._read(from_time, to_time, sql, arguments)]

    async def cores(self, from_time: int, to_time: int, step: int) -> dict[int, tuple[CoreTicks, ...]]:
        """The ticks of each core in each bucket that knows them, by the bucket's time."""
        slice_s = bucket_end(CORES_PER_QUERY_S, step)
        buckets: dict[int, list[tuple[CoreTicks, ...]]] = {}
        for start in range(from_time // step * step, to_time, slice_s):
            parts, arguments = await self._parts(max(start, from_time), min(start + slice_s, to_time), step)
            sql = f"SELECT time, cores FROM ({parts}) ORDER BY time"
            for time, blob in await self._read(from_time, to_time, sql, arguments):
                if (cores := unpack_cores(blob)) is not None:
                    buckets.setdefault(bucket_end(time, step), []).append(cores)
        summed = {time: sum_cores(parts) for time, parts in buckets.items()}
        return {time: cores for time, cores in summed.items() if cores is not None}

    async def gaps(self, from_time: int, to_time: int, now: float) -> list[Gap]:
        """The gaps that touch (from_time, to_time] and are over now, whole, oldest first."""
        sql = f"SELECT {GAP_COLUMNS} FROM gap WHERE from_time < ? AND to_time > ? AND to_time <= ? ORDER BY from_time"
        rows = await self._read(from_time, to_time, sql, (to_time, from_time, int(now)))
        return [gap_of_row(row) for row in rows]

    async def clock_steps(self, from_time: int, to_time: int) -> list[ClockStep]:
        """When the wall clock was set in (from_time, to_time], and by how much, oldest first."""
        sql = "SELECT time, by_ms FROM clock_step WHERE time > ? AND time <= ? ORDER BY time"
        rows = await self._read(from_time, to_time, sql, (from_time, to_time))
        return [ClockStep(time=time, by_ms=by_ms) for time, by_ms in rows]

    def stop_queries(self) -> None:
        """Cut short every query that runs or waits, so that none of them holds up the end."""
        self._stopping.set()

    async def _read(self, from_time: int, to_time: int, sql: str, arguments: tuple[int, ...]) -> list[Row]:
        """Rows from the connection that answers ranges of this length."""
        reader = self._recent if to_time - from_time <= RECENT_S else self._long
        try:
            return list(await reader.execute_fetchall(sql, arguments))
        except (sqlite3.Error, ValueError) as error:
            raise ReadError(f"the history cannot be read: {error}") from error

    async def _parts(self, from_time: int, to_time: int, step: int) -> tuple[str, tuple[int, ...]]:
        """The query, with its arguments, for the coarsest stored rows that divide `step`.

        Samples stand in for the minute that is not closed yet.
        """
        if step % MINUTE:
            return SAMPLE_AS_ROLLUP, (from_time, to_time)
        sql = "SELECT max(time) FROM minute WHERE time <= ?"
        ((closed,),) = await self._read(from_time, to_time, sql, (to_time,))
        tail = max(from_time, closed or 0)
        return f"{MINUTE_AS_ROLLUP} UNION ALL {SAMPLE_AS_ROLLUP}", (from_time, to_time, tail, to_time)

    async def _samples(self, from_time: int, to_time: int) -> list[Sample]:
        rows = await self._writer.execute_fetchall(
            f"SELECT {SAMPLE_COLUMNS} FROM sample WHERE time > ? AND time <= ? ORDER BY time", (from_time, to_time)
        )
        return [sample_of_row(row) for row in rows]

    async def _sample_before(self, time: int) -> Sample | None:
        rows = await self._writer.execute_fetchall(
            f"SELECT {SAMPLE_COLUMNS} FROM sample WHERE time < ? ORDER BY time DESC LIMIT 1", (time,)
        )
        return next(map(sample_of_row, rows), None)

    async def _sample_after(self, time: int) -> Sample | None:
        rows = await self._writer.execute_fetchall(
            f"SELECT {SAMPLE_COLUMNS} FROM sample WHERE time > ? ORDER BY time LIMIT 1", (time,)
        )
        return next(map(sample_of_row, rows), None)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        await self._writer.execute_fetchall("BEGIN IMMEDIATE")
        try:
            yield
            await self._writer.execute_fetchall("COMMIT")
        except BaseException:
            # A full disk has already rolled it back.
            if self._writer.in_transaction:
                await self._writer.execute_fetchall("ROLLBACK")
            raise


@asynccontextmanager
async def open_storage(path: Path, now: float) -> AsyncIterator[Storage]:
    """The database at `path`, made if it is missing, locked against any other process.

    Raises StorageError, and then has not touched the file, if it is foreign, newer, in use or not writable. One that is
    broken is set aside under a dated name, and a new one takes in what can still be read of it.
    """
    with hold_lock(path) as lock:
        storage = Storage(path, lock)
        try:
            await storage.open(now)
            yield storage
        finally:
            await storage.close()


async def _prepare(path: Path, writer: aiosqlite.Connection, *, is_new: bool) -> None:
    """Bring a database that is ours, or empty, to the newest version."""
    if is_new:
        await writer.execute_fetchall("PRAGMA auto_vacuum = INCREMENTAL")
        await writer.execute_fetchall(f"PRAGMA application_id = {APPLICATION_ID}")
    ((version,),) = await writer.execute_fetchall("PRAGMA user_version")
    if version > len(MIGRATIONS):
        raise StorageError(
            f"{path}: has schema version {version}, this cpusensor knows {len(MIGRATIONS)} and left it untouched;"
            " run the newer cpusensor or set --db to another file"
        )
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        await writer.execute_fetchall("BEGIN IMMEDIATE")
        for statement in statements:
            await writer.execute_fetchall(statement)
        await writer.execute_fetchall(f"PRAGMA user_version = {number}")
        await writer.execute_fetchall("COMMIT")
    for pragma in PRAGMAS:
        await writer.execute_fetchall(f"PRAGMA {pragma}")


def _read_only(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}?mode=ro"


def _is_broken(error: sqlite3.Error) -> bool:
    """Whether SQLite takes the file for damaged; a failing disk makes it say so of a good one too."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & PRIMARY_CODE in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@contextmanager
def _open_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if _is_broken(error):
            raise BrokenError(str(error)) from error
        raise StorageError(f"{path}: cannot be opened ({error}); check its permissions or set --db") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be opened ({error.strerror}); check its permissions or set --db") from error


@contextmanager
def _write_errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise WriteError(str(error)) from error
