"""One snapshot of a file that is never changed, also while a service runs on it: for the commands."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing, contextmanager, nullcontext
from heapq import merge
from operator import itemgetter
from pathlib import Path
from urllib.parse import quote

from cpusensor.model.kept import Kept
from cpusensor.model.records import Run
from cpusensor.model.rollup import TIERS, Tier
from cpusensor.store.columns import RUN_COLUMNS, Row, kept_of_row, run_of_row, text_of
from cpusensor.store.database import ReadError
from cpusensor.store.file import APPLICATION_ID
from cpusensor.store.plan import Part
from cpusensor.store.schema import MIGRATIONS, VERSION_OF_TIERS
from cpusensor.store.soundness import Soundness
from cpusensor.store.statements import KEPT
from cpusensor.store.unsealing import (
    IN_MEMORY,
    Damage,
    Sealed,
    Steps,
    Unsealed,
    log_damage,
    next_step,
    preparation,
    unpack,
)

LATER_TABLES = {
    "tier": "CREATE TEMP TABLE tier(name TEXT PRIMARY KEY, kept_from INTEGER NOT NULL)",
    "sealed_hour": """CREATE TEMP TABLE sealed_hour(
        time, count, first_sample, last_sample, last_minute, runs, minutes, samples)""",
}
"""Tables that files of older versions have not got, as they would be there."""

NEWEST_SEALED = """SELECT coalesce(last_sample, 0), coalesce(last_minute, 0) FROM sealed_hour
    ORDER BY time DESC LIMIT 1"""


class SnapshotError(Exception):
    """The file cannot be used; its text is one line that says why."""


@contextmanager
def open_unchanged(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees one snapshot of the file, however long it reads. Raises SnapshotError.

    A file that nobody has open is read as one that cannot change: SQLite would otherwise leave a log beside it.
    """
    is_at_rest = not any(Path(f"{path}{suffix}").exists() for suffix in ("-wal", "-journal"))
    before = _state(path)
    uri = f"file:{quote(str(path))}?mode=ro{'&immutable=1' if is_at_rest else ''}"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.text_factory = text_of
        connection.execute(IN_MEMORY)
        # One read transaction: commits of a running service stay out of sight.
        connection.execute("BEGIN")
        yield connection
    if is_at_rest and (_state(path) != before or Path(f"{path}-wal").exists()):
        raise SnapshotError("it was opened for writing meanwhile, so nothing of this holds; try it again")


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def require_ours(path: Path) -> None:
    """Raises SnapshotError for a file that cannot be read or is not a cpusensor database."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise SnapshotError(str(error.strerror)) from error
    if not header:
        raise SnapshotError("it is empty")
    # The application id lies at offset 68 (fileformat2.html §1.3).
    if not header.startswith(b"SQLite format 3\0") or header[68:72] != APPLICATION_ID.to_bytes(4, "big"):
        raise SnapshotError("it is not a cpusensor database")


def known_tiers(connection: sqlite3.Connection) -> Sequence[Tier]:
    """The tiers of the file's version. Raises SnapshotError for a version that this cpusensor does not know."""
    ((version,),) = connection.execute("PRAGMA user_version")
    if not 0 < version <= len(MIGRATIONS):
        raise SnapshotError(f"it has schema version {version}, this cpusensor knows 1 to {len(MIGRATIONS)}")
    return TIERS if version >= VERSION_OF_TIERS else TIERS[:1]


def _complete(connection: sqlite3.Connection) -> None:
    """Make the tables that files of older versions have not got: nothing is sealed, and every tier was always kept."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    for name, statement in LATER_TABLES.items():
        if name not in tables:
            connection.execute(statement)


class Snapshot:
    """A snapshot as a `Reader` asks it: nobody else waits for its answers, so they need no threads and no slots."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        tiers: Sequence[Tier],
        tell_damage: Callable[[int, str, str], None] = log_damage,
    ) -> None:
        self._connection = connection
        self._damage = Damage(tell_damage)
        self._unsealed = Unsealed(self._damage)
        self.tiers = tiers
        self.soundness = Soundness()
        # In this order: where temporary tables lie cannot be changed once there are some.
        for statement in preparation():
            connection.execute(statement)
        _complete(connection)

    async def read(
        self,
        span_s: int,  # noqa: ARG002 - one connection for all spans
        sql: str,
        arguments: Sequence[object],
        parts: Sequence[Part] = (),
    ) -> list[Row]:
        """The rows of a query. Raises ReadError."""
        return self.rows(sql, arguments, parts)

    def rows(self, sql: str, arguments: Sequence[object] = (), parts: Sequence[Part] = ()) -> list[Row]:
        """The same, at once."""
        try:
            self._unseal(self._unsealed.steps(parts))
            return self._connection.execute(sql, arguments).fetchall()
        except sqlite3.Error as error:
            raise ReadError(f"the history cannot be read: {error}") from error

    def stream(self, table: Sealed) -> Iterator[Row]:
        """All rows of a table, sealed or not, by their times. Raises sqlite3.Error."""
        name, columns, blob = table
        plain = self._connection.execute(f"SELECT {columns} FROM main.{name} ORDER BY 1")
        sealed = self._connection.execute(
            f"SELECT time, minutes, samples FROM sealed_hour WHERE {blob} IS NOT NULL ORDER BY time"
        )
        unpacked = (row for one in sealed for row in unpack(table, one, self._damage))
        return merge(plain, unpacked, key=itemgetter(0))

    def _unseal(self, steps: Steps) -> None:
        found: list[Row] | None = None
        while (step := next_step(steps, found)) is not None:
            if step.is_many:
                self._connection.executemany(step.sql, step.rows)
                found = []
            else:
                found = self._connection.execute(step.sql, *step.rows).fetchall()

    def slot(self, span_s: int) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - there is one for everybody
        """Take none."""
        return nullcontext()

    @property
    def runs(self) -> list[Run]:
        """All runs, in order. Raises ReadError and GarbledError."""
        return [run_of_row(row) for row in self.rows(f"SELECT {RUN_COLUMNS} FROM run ORDER BY id")]

    @property
    def intervals(self) -> set[int]:
        """The sampling intervals of all runs."""
        return {run.interval for run in self.runs}

    @property
    def kept(self) -> Kept:
        """Since when samples and minutes are kept. Raises ReadError and GarbledError."""
        return kept_of_row(self.rows(KEPT)[0])

    @property
    def newest(self) -> int:
        """The time of the newest sample or rollup; 0 without any. Raises ReadError."""
        tables = ["sample", *(tier.name for tier in self.tiers)]
        times = [self.rows(f"SELECT max(time) FROM main.{table}")[0][0] for table in tables]
        times += [max(found) for found in self.rows(NEWEST_SEALED)]
        return max((time for time in times if time is not None), default=0)

    def note_damaged(self, tier: Tier, faults: Mapping[int, str]) -> None:
        """Nothing is mended here; what a damaged rollup was added up from answers instead."""


@contextmanager
def open_snapshot(path: Path) -> Iterator[Snapshot]:
    """The file as it is now. Raises SnapshotError, also for what SQLite says of it while it is open."""
    require_ours(path)
    try:
        with open_unchanged(path.resolve()) as connection:
            yield Snapshot(connection, known_tiers(connection))
    except sqlite3.Error as error:
        raise SnapshotError(str(error)) from error
