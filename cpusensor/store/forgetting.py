"""Erases all names of units and processes from a file that no service has open."""

import sqlite3
from contextlib import closing
from pathlib import Path

from cpusensor.store.file import hold_lock
from cpusensor.store.levels import TABLES
from cpusensor.store.snapshot import SnapshotError, require_ours


def forget_names(path: Path) -> int:
    """Erase them, down to the bytes; how many there were. Raises StorageError while a service runs, SnapshotError.

    The file is written anew, because what is only deleted can still be read in the pages that it leaves.
    """
    require_ours(path)
    with hold_lock(path):
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                return _forget(connection)
        except sqlite3.Error as error:
            raise SnapshotError(str(error)) from error


def _forget(connection: sqlite3.Connection) -> int:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "name" not in tables:
        return 0
    ((count,),) = connection.execute("SELECT count(*) FROM name")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("BEGIN IMMEDIATE")
    # A file of an older version has no baseline.
    for table in ("name", *TABLES, *({"baseline"} & tables)):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("COMMIT")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return int(count)


def copies_of(path: Path) -> list[Path]:
    """Copies that the service made of the file and that may hold names as well: of older versions, and broken ones."""
    found = [*path.parent.glob(f"{path.name}.v*"), *path.parent.glob(f"{path.name}.corrupt-*")]
    return sorted(one for one in found if one.is_file())
