"""The connections to an SQLite file. The only importer of aiosqlite.

One read-write connection writes and checkpoints. Two read-only ones answer queries, so that a query for a year never
delays one for the last hour; a third one those that touch sealed hours (unsealing.py). A lock file excludes a second
process, because SQLite's WAL-reset bug needs two that write
(sqlite.org/wal.html).
"""

import asyncio
import logging
import math
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Protocol, TypeAlias
from urllib.parse import quote

import aiosqlite

from cpusensor.store.columns import Row, text_of
from cpusensor.store.file import APPLICATION_ID, BrokenError, StorageError, identity
from cpusensor.store.plan import Part
from cpusensor.store.schema import MIGRATIONS, PRAGMAS
from cpusensor.store.soundness import Doubt, Soundness
from cpusensor.store.unsealing import IN_MEMORY, Damage, Steps, Unsealed, next_step, preparation, touches

log = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 0.25
"""Seconds that a write waits for the lock of another process; after that it is tried again with the next sample."""

RECENT_S = 86_400
"""Ranges of at most so many seconds are read on a connection of their own."""

QUERY_STEPS = 10_000
"""Steps of SQLite's virtual machine, about a millisecond, after which a query checks whether it has to stop."""

QUERY_TIMEOUT_S = 10.0
"""Seconds that one query may take; waiting for the connection does not count."""

MAX_READING = 8
"""Answers that may be computed at a time from each of the two read-only connections."""

SLOT_TIMEOUT_S = 5.0
"""Seconds that an answer waits for one of them to be done."""

PRIMARY_CODE = 0xFF
"""The part of SQLite's error code that is its kind (rescode.html)."""

PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
"""Failures that pass by themselves; after any other the file is checked."""


BeforeMigration: TypeAlias = Callable[[int], Awaitable[None]]


class WriteError(Exception):
    """A write failed and left nothing behind; it may be tried again."""


class ReadError(Exception):
    """A query failed or was cut short; its text says why."""


class BusyError(ReadError):
    """As many answers are being computed as may be, and none of them was done soon."""


class Queries(Protocol):
    """What a reader asks."""

    @property
    def soundness(self) -> Soundness:
        """How sound the file is."""

    async def read(self, span_s: int, sql: str, arguments: Sequence[object], parts: Sequence[Part] = ()) -> list[Row]:
        """The rows of a query about `span_s` seconds. Raises ReadError.

        One that asks for samples or minutes names in `parts` which, for these may be sealed; without parts it sees
        only what lies in the tables.
        """

    def slot(self, span_s: int) -> AbstractAsyncContextManager[None]:
        """Wait for a slot for an answer about `span_s` seconds. Raises BusyError if none gets free, and ReadError."""


class ReadConnection:
    """A read-only connection. It runs one query at a time, each with a timeout."""

    def __init__(self, connection: aiosqlite.Connection, stopping: Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self._query_lock = asyncio.Lock()
        # Of the loop and not of `Clock`: in tests that one stands still while SQLite works.
        self._now = asyncio.get_running_loop().time
        self._deadline = math.inf
        self._slots = asyncio.Semaphore(MAX_READING)

    async def prepare(self) -> None:
        """Open the file by a first query, and install the timeout for all later ones. Raises sqlite3.Error."""
        # SQLite opens the file at the first query: a file that cannot be read is found here and not by a reader.
        await self.fetch("SELECT max(time) FROM main.sample UNION ALL SELECT max(time) FROM main.minute", (), math.inf)
        await self._connection.set_progress_handler(self._is_over, QUERY_STEPS)

    async def fetch(self, sql: str, arguments: Sequence[object], timeout_s: float) -> list[Row]:
        """The rows of a query. Raises ReadError after the timeout, sqlite3.Error, and ValueError once it is closed."""
        async with self._query_lock:
            with self._timeout(timeout_s):
                return list(await self._connection.execute_fetchall(sql, arguments))

    @contextmanager
    def _timeout(self, timeout_s: float) -> Iterator[None]:
        """Give the statements inside so long. Raises ReadError after that."""
        self._deadline = self._now() + timeout_s
        try:
            yield
        except sqlite3.OperationalError as error:
            # SQLite says "interrupted" both after a timeout and when the service ends.
            if self._now() > self._deadline:
                raise ReadError(f"this takes longer than {timeout_s:g} s; ask for a shorter range") from error
            raise

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of MAX_READING slots while an answer is computed, first come, first served. Raises BusyError."""
        try:
            async with asyncio.timeout(SLOT_TIMEOUT_S):
                await self._slots.acquire()
        except TimeoutError:
            raise BusyError("too many ranges are being read; try again") from None
        try:
            yield
        finally:
            self._slots.release()

    def _is_over(self) -> bool:
        return self._stopping.is_set() or self._now() > self._deadline


class ArchiveConnection(ReadConnection):
    """A read-only connection on which sealed hours are rows like all others."""

    def __init__(self, connection: aiosqlite.Connection, stopping: Event, damage: Damage) -> None:
        super().__init__(connection, stopping)
        self.sealed_until = 0
        """The time of the newest sealed hour when it was opened."""
        self._unsealed = Unsealed(damage)

    async def prepare(self) -> None:
        """As above, and make the temporary tables. Raises sqlite3.Error."""
        await super().prepare()
        for statement in (IN_MEMORY, *preparation()):
            await self._connection.execute_fetchall(statement)
        ((self.sealed_until,),) = await self.fetch("SELECT coalesce(max(time), 0) FROM sealed_hour", (), math.inf)

    async def fetch_parts(
        self, sql: str, arguments: Sequence[object], timeout_s: float, parts: Sequence[Part]
    ) -> list[Row]:
        """The rows of a query about these parts. Raises as `fetch`."""
        async with self._query_lock:
            with self._timeout(timeout_s):
                # One transaction: what is sealed or opened meanwhile is seen in both places or in neither.
                await self._connection.execute_fetchall("BEGIN")
                try:
                    await self._unseal(self._unsealed.steps(parts))
                    return list(await self._connection.execute_fetchall(sql, arguments))
                except BaseException:
                    self._unsealed.forget()
                    raise
                finally:
                    await self._connection.execute_fetchall("COMMIT")

    async def _unseal(self, steps: Steps) -> None:
        found: list[Row] | None = None
        # In a thread, for an hour takes some milliseconds to be unpacked.
        while (step := await asyncio.to_thread(next_step, steps, found)) is not None:
            if step.is_many:
                await self._connection.executemany(step.sql, step.rows)
                found = []
            else:
                found = list(await self._connection.execute_fetchall(step.sql, *step.rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFile:
    """The connections to one file."""

    stack: AsyncExitStack
    """Closes the connections."""
    identity: tuple[int, int] | None
    """Device and inode: another file may take its name."""
    writer: aiosqlite.Connection
    recent: ReadConnection
    long: ReadConnection
    archive: ArchiveConnection


class Database:
    """The file that is open now. Only one coroutine writes at a time."""

    def __init__(self, path: Path, before_migration: BeforeMigration) -> None:
        """`before_migration` is awaited with the version of a file that is about to be brought to a newer one."""
        self.path = path
        self._before_migration = before_migration
        self.soundness = Soundness()
        self.writing = asyncio.Lock()
        """Held while a coroutine writes, or replaces the file."""
        self.damage = Damage()
        self.sealed_until = 0
        """The time of the newest sealed hour, or a later one: raised before it is sealed."""
        self._stopping = Event()
        self._file: OpenFile | None = None

    @property
    def opened(self) -> tuple[int, int] | None:
        """Device and inode of the file that is open; None if none is."""
        return self._file.identity if self._file else None

    async def open(self, *, is_new: bool) -> None:
        """Open the file at the path, create its tables if it `is_new`, and close the file that was open before.

        Raises BrokenError or StorageError, and then leaves that one open.
        """
        damage = Damage()
        file = await _connect(self.path, self._stopping, self._before_migration, damage, is_new=is_new)
        # The old connections close last: SQLite deletes the write-ahead log with the last connection to a file.
        await self.close()
        self._file, self.damage, self.sealed_until = file, damage, file.archive.sealed_until
        self._stopping.clear()

    async def close(self) -> None:
        """Close the connections, and interrupt the queries that still run."""
        self.stop_queries()
        file, self._file = self._file, None
        if file is None:
            return
        try:
            await file.stack.aclose()
        except sqlite3.Error as error:
            log.warning("%s could not be closed in good order (%s)", self.path, error)

    def stop_queries(self) -> None:
        """Interrupt every query that runs or waits, so that none of them delays the end."""
        self._stopping.set()

    async def execute(self, sql: str, arguments: Sequence[object] = ()) -> list[Row]:
        """Run one statement inside `transaction`; its rows. Raises sqlite3.Error."""
        return list(await self._open_file.writer.execute_fetchall(sql, arguments))

    async def execute_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Run one statement for each row, inside `transaction`. Raises sqlite3.Error."""
        await self._open_file.writer.executemany(sql, rows)

    async def write(self, sql: str, arguments: Sequence[object] = ()) -> None:
        """One statement that is a transaction by itself. Raises WriteError."""
        async with self.writing:
            try:
                await self._open_file.writer.execute_fetchall(sql, arguments)
            except (sqlite3.Error, ValueError) as error:
                raise self._write_error(error) from error

    async def vacuum(self, pages: int) -> None:
        """Give so many free pages back to the disk. Raises WriteError."""
        async with self.writing:
            try:
                # Not `execute`, which frees a single page: it does not step through the pragma.
                await self._open_file.writer.executescript(f"PRAGMA incremental_vacuum({pages:d})")
            except (sqlite3.Error, ValueError) as error:
                raise self._write_error(error) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """All or nothing. Raises WriteError."""
        async with self.writing:
            try:
                async with _whole_or_not(self._open_file.writer):
                    yield
            except (sqlite3.Error, ValueError) as error:
                raise self._write_error(error) from error

    async def read(
        self,
        span_s: int,
        sql: str,
        arguments: Sequence[object],
        parts: Sequence[Part] = (),
        *,
        timeout_s: float = QUERY_TIMEOUT_S,
    ) -> list[Row]:
        """As `Queries.read`; within a timeout, in seconds."""
        try:
            if not touches(parts, self.sealed_until):
                found = await self._reader(span_s).fetch(sql, arguments, timeout_s)
                # Sealed while it was asked, and not seen in either place.
                if not touches(parts, self.sealed_until):
                    return found
            return await self._open_file.archive.fetch_parts(sql, arguments, timeout_s, parts)
        except (sqlite3.Error, ValueError) as error:
            if is_damage(error):
                self.soundness.question(Doubt.DAMAGED, str(error))
            raise ReadError(f"the history cannot be read: {error}") from error

    @asynccontextmanager
    async def slot(self, span_s: int) -> AsyncIterator[None]:
        """Wait for a slot for an answer about `span_s` seconds. Raises BusyError if none gets free, and ReadError."""
        try:
            reader = self._reader(span_s)
        except ValueError as error:
            raise ReadError(f"the history cannot be read: {error}") from error
        async with reader.slot():
            yield

    @property
    def _open_file(self) -> OpenFile:
        """The connections. Raises ValueError if there are none, as aiosqlite does of a closed one."""
        if self._file is None:
            raise ValueError("no database is open")
        return self._file

    def _reader(self, span_s: int) -> ReadConnection:
        return self._open_file.recent if span_s <= RECENT_S else self._open_file.long

    def _write_error(self, error: Exception) -> WriteError:
        """Note what a failed write says of the file; the error to raise for it."""
        if is_damage(error):
            self.soundness.question(Doubt.DAMAGED, str(error))
        elif getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE not in PASSING:
            self.soundness.question(Doubt.UNREACHABLE, str(error))
        return WriteError(str(error))


@asynccontextmanager
async def _whole_or_not(writer: aiosqlite.Connection) -> AsyncIterator[None]:
    """BEGIN before the block and COMMIT after it, or ROLLBACK. Raises sqlite3.Error."""
    try:
        await writer.execute_fetchall("BEGIN IMMEDIATE")
        yield
        await writer.execute_fetchall("COMMIT")
    # Cancellation too: an open transaction would swallow the next one.
    except BaseException:
        # There may be none: on a full disk SQLite has rolled back by itself (lang_transaction.html), and a statement
        # whose wait was cancelled is carried out nevertheless, after which nobody here knows what it was.
        with suppress(sqlite3.OperationalError):
            await writer.execute_fetchall("ROLLBACK")
        raise


class Unhurried:
    """The same queries, none of them on the connection for recent ranges, however short its own range is."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    @property
    def soundness(self) -> Soundness:
        """As of the file."""
        return self._queries.soundness

    async def read(self, span_s: int, sql: str, arguments: Sequence[object], parts: Sequence[Part] = ()) -> list[Row]:
        """As for a long range."""
        return await self._queries.read(max(span_s, RECENT_S + 1), sql, arguments, parts)

    def slot(self, span_s: int) -> AbstractAsyncContextManager[None]:
        """As for a long range."""
        return self._queries.slot(max(span_s, RECENT_S + 1))


async def _connect(
    path: Path, stopping: Event, before_migration: BeforeMigration, damage: Damage, *, is_new: bool
) -> OpenFile:
    """Open the connections to one file. Raises BrokenError or StorageError, and then leaves nothing open."""
    async with AsyncExitStack() as stack:
        with open_errors(path):
            connect = partial(aiosqlite.connect, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            writer = await stack.enter_async_context(connect(path))
            await _bring_up_to_date(path, writer, before_migration, is_new=is_new)
            uri = _read_only(path)
            recent, long, archive = [await stack.enter_async_context(connect(uri, uri=True)) for _ in range(3)]
            for connection in (writer, recent, long, archive):
                connection.text_factory = text_of
            file = OpenFile(
                stack=AsyncExitStack(),
                identity=identity(path),
                writer=writer,
                recent=ReadConnection(recent, stopping),
                long=ReadConnection(long, stopping),
                archive=ArchiveConnection(archive, stopping, damage),
            )
            for reader in (file.recent, file.long, file.archive):
                await reader.prepare()
        return replace(file, identity=identity(path), stack=stack.pop_all())


async def _bring_up_to_date(
    path: Path, writer: aiosqlite.Connection, before_migration: BeforeMigration, *, is_new: bool
) -> None:
    """Bring a database that is ours, or empty, to the newest version. Raises StorageError for a newer version."""
    if is_new:
        # Before the first table: it cannot be changed afterwards without a VACUUM (pragma.html).
        await writer.execute_fetchall("PRAGMA auto_vacuum = INCREMENTAL")
        await writer.execute_fetchall(f"PRAGMA application_id = {APPLICATION_ID}")
    ((version,),) = await writer.execute_fetchall("PRAGMA user_version")
    if version > len(MIGRATIONS):
        raise StorageError(
            f"{path}: has schema version {version}, this cpusensor knows {len(MIGRATIONS)} and left it untouched;"
            " run the newer cpusensor or set --db to another file"
        )
    if 0 < version < len(MIGRATIONS):
        await before_migration(version)
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        await writer.execute_fetchall("BEGIN IMMEDIATE")
        for statement in statements:
            await writer.execute_fetchall(statement)
        # Inside the transaction, so that a crash leaves either version whole.
        await writer.execute_fetchall(f"PRAGMA user_version = {number}")
        await writer.execute_fetchall("COMMIT")
    for pragma in PRAGMAS:
        await writer.execute_fetchall(f"PRAGMA {pragma}")


def _read_only(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}?mode=ro"


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite says that the file, and not something around it, is at fault."""
    code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@contextmanager
def open_errors(path: Path) -> Iterator[None]:
    """Turn what prevents a file from being opened into BrokenError if the file is damaged, else into StorageError."""
    try:
        yield
    except sqlite3.Error as error:
        if is_damage(error):
            raise BrokenError(str(error)) from error
        raise StorageError(f"{path}: cannot be opened ({error}); check its permissions or set --db") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be opened ({error.strerror}); check its permissions or set --db") from error
