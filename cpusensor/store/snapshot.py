"""One snapshot of a file that is never changed, also while a service runs on it: for the commands."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import quote

from cpusensor.model.kept import Kept
from cpusensor.model.records import Run
from cpusensor.model.rollup import TIERS, Tier
from cpusensor.store.columns import RUN_COLUMNS, Row, kept_of_row, run_of_row, text_of
from cpusensor.store.database import ReadError
from cpusensor.store.file import APPLICATION_ID
from cpusensor.store.schema import MIGRATIONS, VERSION_OF_TIERS
from cpusensor.store.soundness import Soundness
from cpusensor.store.statements import KEPT


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


class Snapshot:
    """A snapshot as a `Reader` asks it: nobody else waits for its answers, so they need no threads and no slots."""

    def __init__(self, connection: sqlite3.Connection, tiers: Sequence[Tier]) -> None:
        self._connection = connection
        self.tiers = tiers
        self.soundness = Soundness()
        # Files of older versions have no table of where the tiers begin, for their only one has always been kept. Only
        # for them: a temporary table hides one of the file.
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'tier'").fetchone():
            connection.execute("CREATE TEMP TABLE tier(name TEXT PRIMARY KEY, kept_from INTEGER NOT NULL)")

    async def read(self, span_s: int, sql: str, arguments: Sequence[object]) -> list[Row]:  # noqa: ARG002 - one connection for all spans
        """The rows of a query. Raises ReadError."""
        return self.rows(sql, arguments)

    def rows(self, sql: str, arguments: Sequence[object] = ()) -> list[Row]:
        """The same, at once."""
        try:
            return self._connection.execute(sql, arguments).fetchall()
        except sqlite3.Error as error:
            raise ReadError(f"the history cannot be read: {error}") from error

    def slot(self, span_s: int) -> AbstractContextManager[None]:  # noqa: ARG002 - there is one for everybody
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
        times = [self.rows(f"SELECT max(time) FROM {table}")[0][0] for table in tables]
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
