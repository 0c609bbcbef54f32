"""Checks what is kept of who used the CPU."""

import sqlite3
from collections.abc import Iterator

from cpusensor.check.report import Report
from cpusensor.store.columns import GarbledError
from cpusensor.store.levels import BLAME_COLUMNS, LEVELS, Level, rows_in
from cpusensor.store.names import numbers_of


def check_names(connection: sqlite3.Connection, report: Report) -> None:
    """Report each row that cannot be read, and each that refers to a name that is not there."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "name" not in tables:
        return
    names = {number for (number,) in connection.execute("SELECT id FROM name")}
    for level in LEVELS:
        for table, time, fault in _damaged(connection, level, names):
            report.add(table, f"{time}: {fault}")


def _damaged(connection: sqlite3.Connection, level: Level, names: set[int]) -> Iterator[tuple[str, int, str]]:
    """Table, time and fault of each row of a level that is wrong."""
    queries = {level.name: f"SELECT {BLAME_COLUMNS} FROM {level.name}"}  # noqa: S608 - our own constants
    if level.packed_s:
        queries[level.packed] = f"SELECT time, NULL, shares FROM {level.packed}"  # noqa: S608 - likewise
    for table, sql in queries.items():
        for time, since, blob in connection.execute(sql):
            try:
                rows = rows_in(level, time, since, blob)
            except GarbledError as error:
                yield table, time, str(error)
                continue
            entries = (entry for row in rows for entry, _ in row.entries)
            if not names.issuperset(numbers_of(entries)):
                yield table, time, "it refers to a name that is not there"
