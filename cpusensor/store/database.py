"""An SQLite file that stays usable whatever happens to it. The only importer of aiosqlite.

One read-write connection writes and checkpoints; two read-only ones answer queries, so that a year never delays the
last hour. A lock file keeps a second process away: two that write at once are what SQLite's WAL-reset bug needs
(sqlite.org/wal.html).
"""

import asyncio
import logging
import math
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from urllib.parse import quote

import aiosqlite

from cpusensor.store.columns import Row, text_of
from cpusensor.store.file import (
    APPLICATION_ID,
    BrokenError,
    Lock,
    StorageError,
    can_write_beside,
    claim,
    identity,
    set_aside,
)
from cpusensor.store.schema import MIGRATIONS, PRAGMAS

log = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 0.25
"""How long a write waits for another process's lock; what is not written then is tried again at the next tick."""

RECENT_S = 86_400
"""Ranges up to this length are answered by a connection of their own."""

QUERY_STEPS = 10_000
"""After how many steps of SQLite's machine, about a millisecond, a query looks whether it is to stop."""

QUERY_S = 10.0
"""How long one query may take, once it is its turn."""

MAX_READING = 8
"""How many answers may be in the making at a time that read short ranges, and how many that read long ones."""

PRIMARY_CODE = 0xFF
"""The part of SQLite's error code that is its kind (rescode.html)."""

PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
"""Kinds of failure that end by themselves; after any other the file is looked at."""


class WriteError(Exception):
    """A write failed and left nothing behind; it may be tried again."""


class ReadError(Exception):
    """A query failed or was cut short; its text says why."""


class Reader:
    """A read-only connection. It answers one query at a time, and none for long."""

    def __init__(self, connection: aiosqlite.Connection, stopping: Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self._turn = asyncio.Lock()
        self._now = asyncio.get_running_loop().time
        self._deadline = math.inf
        self._reading = 0

    async def prepare(self) -> None:
        """Read something, and from then on look at the time while a query runs. Raises sqlite3.Error."""
        await self.fetch("SELECT max(time) FROM sample UNION ALL SELECT max(time) FROM minute", (), math.inf)
        await self._connection.set_progress_handler(self._is_over, QUERY_STEPS)

    async def fetch(self, sql: str, arguments: Sequence[object], limit_s: float) -> list[Row]:
        """Its rows. Raises ReadError after so many seconds, sqlite3.Error, and ValueError once it is closed."""
        async with self._turn:
            self._deadline = self._now() + limit_s
            try:
                return list(await self._connection.execute_fetchall(sql, arguments))
            except sqlite3.OperationalError as error:
                if self._now() > self._deadline:
                    raise ReadError(f"this takes longer than {limit_s:g} s; ask for a shorter range") from error
                raise

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place among those whose answers are made of what is read here. Raises ReadError if all are taken."""
        if self._reading >= MAX_READING:
            raise ReadError("too many ranges are being read; try again")
        self._reading += 1
        try:
            yield
        finally:
            self._reading -= 1

    def _is_over(self) -> bool:
        return self._stopping.is_set() or self._now() > self._deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The connections to one file."""

    stack: AsyncExitStack
    """Closes them."""
    identity: tuple[int, int] | None
    writer: aiosqlite.Connection
    recent: Reader
    long: Reader

    def reader(self, span_s: int) -> Reader:
        """The one for ranges of this length."""
        return self.recent if span_s <= RECENT_S else self.long


class Database:
    """The open file. Only one coroutine writes at a time."""

    def __init__(self, path: Path, lock: Lock) -> None:
        self.path = path
        self.notice: str | None = None
        """What a person should know of the history: that it is lost, or was broken; None if all is well."""
        self._lock = lock
        self._connections: Connections | None = None
        self._writing = asyncio.Lock()
        self._stopping = Event()
        self._is_suspect = False
        self.damage: str | None = None
        """What SQLite said when it took the file for damaged; a failing disk makes it say so of a good one too."""

    async def open(self, now: float) -> Path | None:
        """Open the file, whatever state it is in; where a broken one was set aside, if it had to be.

        Raises StorageError if there is no file that may and can be used.
        """
        try:
            connections = await self._connect()
        except BrokenError as error:
            return await self._replace_broken(str(error), now)
        # The old ones go last: closing the only connections to a file would take its log away.
        await self.close()
        self._connections = connections
        self._stopping.clear()
        return None

    async def close(self) -> None:
        """Close the connections; what still reads is cut short."""
        self.stop_queries()
        connections, self._connections = self._connections, None
        if connections is None:
            return
        try:
            await connections.stack.aclose()
        except sqlite3.Error as error:
            log.warning("%s could not be closed in good order (%s)", self.path, error)

    def stop_queries(self) -> None:
        """Cut short every query that runs or waits, so that none of them holds up the end."""
        self._stopping.set()

    async def replace_broken(self, reason: str, now: float) -> Path:
        """Set the file, found broken, aside and open a new one; where the broken one is now. Raises StorageError."""
        async with self._writing:
            return await self._replace_broken(reason, now)

    async def _replace_broken(self, reason: str, now: float) -> Path:
        await self.close()
        if not can_write_beside(self.path):
            raise StorageError(
                f"{self.path}: cannot be read ({reason}), nor can its folder take a file; check the disk"
            )
        aside = set_aside(self.path, now)
        log.error("%s is broken (%s): set aside as %s; reading what can be read of it", self.path, reason, aside.name)
        self.notice = f"the database was broken and was set aside as {aside.name}"
        self._connections = await self._connect()
        self._stopping.clear()
        self.damage, self._is_suspect = None, False
        return aside

    async def look_after(self, now: float) -> tuple[bool, Path | None]:
        """Notice that the file was deleted, replaced or broken, or cannot be reached, and go on in a good one.

        To be called now and then, and after a failed write. Whether the file was opened anew, and where a broken one
        was set aside. Raises WriteError if there is no good one to be had.
        """
        if self.damage is not None:
            return await self._look_at_damage(now)
        async with self._writing:
            found, opened = identity(self.path), self._connections.identity if self._connections else None
            if found == opened and not self._is_suspect:
                return False, None
            try:
                if found is None and not self._is_suspect:
                    await self._write_again()
                if found != opened:
                    await self.close()
                aside = await self.open(now)
            except (StorageError, BrokenError, sqlite3.Error) as error:
                self._is_suspect = True
                raise WriteError(str(error)) from error
            self._is_suspect = False
            return True, aside

    async def _look_at_damage(self, now: float) -> tuple[bool, Path | None]:
        """Ask SQLite again, on connections of which none has seen anything fail."""
        try:
            async with self._writing:
                aside = await self.open(now)
            damage = None if aside else await self.find_damage()
            if damage is not None:
                aside = await self.replace_broken(damage, now)
        except (ReadError, StorageError, BrokenError, sqlite3.Error) as error:
            raise WriteError(str(error)) from error
        self.damage, self._is_suspect = None, False
        return True, aside

    async def _write_again(self) -> None:
        """The file was deleted, but lives on in the connection that has it open."""
        await self._open.writer.execute_fetchall("VACUUM INTO ?", (str(self.path),))
        self.path.chmod(0o600)
        log.error("%s was deleted while it was in use; it was written again, whole", self.path)

    async def execute(self, sql: str, arguments: Sequence[object] = ()) -> list[Row]:
        """Run one statement inside `transaction`; its rows. Raises sqlite3.Error."""
        with self._noticing_damage():
            return list(await self._open.writer.execute_fetchall(sql, arguments))

    async def execute_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Run one statement for each row, inside `transaction`. Raises sqlite3.Error."""
        await self._open.writer.executemany(sql, rows)

    async def write(self, sql: str, arguments: Sequence[object] = ()) -> None:
        """One statement that is a transaction by itself. Raises WriteError."""
        async with self._writing:
            with self._write_errors(), self._noticing_damage():
                await self._open.writer.execute_fetchall(sql, arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """All or nothing. Raises WriteError."""
        async with self._writing:
            with self._write_errors():
                writer = self._open.writer
                await writer.execute_fetchall("BEGIN IMMEDIATE")
                try:
                    yield
                    await writer.execute_fetchall("COMMIT")
                except BaseException:
                    # A full disk has already rolled it back.
                    if writer.in_transaction:
                        await writer.execute_fetchall("ROLLBACK")
                    raise

    async def read(
        self, span_s: int, sql: str, arguments: Sequence[object], *, limit_s: float | None = None
    ) -> list[Row]:
        """Rows for a range of this length, within `QUERY_S` or another limit. Raises ReadError."""
        try:
            with self._noticing_damage():
                return await self._open.reader(span_s).fetch(sql, arguments, limit_s or QUERY_S)
        except (sqlite3.Error, ValueError) as error:
            raise ReadError(f"the history cannot be read: {error}") from error

    @contextmanager
    def place(self, span_s: int) -> Iterator[None]:
        """Hold one of the few places for those who read a range of this length. Raises ReadError."""
        try:
            reader = self._open.reader(span_s)
        except ValueError as error:
            raise ReadError(f"the history cannot be read: {error}") from error
        with reader.place():
            yield

    async def find_damage(self) -> str | None:
        """What SQLite's quick check finds first (pragma.html#pragma_quick_check), None if the file is sound."""
        try:
            rows = await self.read(RECENT_S + 1, "PRAGMA quick_check(1)", (), limit_s=math.inf)
        except ReadError as error:
            cause = error.__cause__
            if isinstance(cause, sqlite3.Error) and _is_damage(cause):
                return str(cause)
            raise
        return None if rows == [("ok",)] else str(rows[0][0])

    @property
    def _open(self) -> Connections:
        """The connections. Raises ValueError if there are none, as aiosqlite does of a closed one."""
        if self._connections is None:
            raise ValueError("no database is open")
        return self._connections

    async def _connect(self) -> Connections:
        """Open a good file, or make one. Raises BrokenError or StorageError, and then leaves nothing open."""
        async with AsyncExitStack() as stack:
            with _open_errors(self.path):
                is_new = claim(self.path, had_history=self._lock.had_history)
                if is_new:
                    self._announce_new()
                connect = partial(aiosqlite.connect, timeout=BUSY_TIMEOUT_S, isolation_level=None)
                writer = await stack.enter_async_context(connect(self.path))
                await _prepare(self.path, writer, is_new=is_new)
                uri = _read_only(self.path)
                recent, long = [await stack.enter_async_context(connect(uri, uri=True)) for _ in range(2)]
                for connection in (writer, recent, long):
                    connection.text_factory = text_of
                readers = [Reader(connection, self._stopping) for connection in (recent, long)]
                for reader in readers:
                    await reader.prepare()
                self._lock.remember_history()
            found = identity(self.path)
            return Connections(stack=stack.pop_all(), identity=found, writer=writer, recent=readers[0], long=readers[1])

    def _announce_new(self) -> None:
        if self._lock.had_history and self.notice is None:
            self.notice = "the history that was kept here is missing; a new one was begun"
            log.error("%s is missing or empty, though a history was kept here: a new one begins", self.path)
        else:
            log.warning("%s did not exist or was empty: a new history begins here", self.path)

    @contextmanager
    def _noticing_damage(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if _is_damage(error):
                self.damage = str(error)
            raise

    @contextmanager
    def _write_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            if getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE not in PASSING:
                self._is_suspect = True
            raise WriteError(str(error)) from error


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


def _is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@contextmanager
def _open_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if _is_damage(error):
            raise BrokenError(str(error)) from error
        raise StorageError(f"{path}: cannot be opened ({error}); check its permissions or set --db") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be opened ({error.strerror}); check its permissions or set --db") from error
