"""What can still be read of a broken database. Reads in the calling thread, and only reads."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cpusensor.clock import EARLIEST
from cpusensor.rows import GarbledError, Row, gap_of_row, rollup_of_row, sample_of_row, unpack_cores
from cpusensor.sanity import core_faults, sample_faults
from cpusensor.schema import GAP_COLUMNS, ROLLUP_COLUMNS, RUN_COLUMNS, SAMPLE_COLUMNS

MAX_RUNS = 10_000

SMALLEST = 4
"""A range no longer than this that cannot be read is given up."""

SPAN_S = 3600
"""How much history is read at a time."""

TABLES = {
    "sample": (SAMPLE_COLUMNS, "time"),
    "minute": (ROLLUP_COLUMNS, "time"),
    "gap": (GAP_COLUMNS, "from_time"),
    "clock_step": ("time, by_ms", "time"),
}
"""Columns and time column of each table that holds history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvage:
    """What was read of one span of time."""

    end: int
    """The span is (end - SPAN_S, end]."""
    rows: dict[str, list[Row]]
    """By table; those that cannot be read, or make no sense, are left out."""


def salvage_runs(path: Path) -> list[Row]:
    """The runs, as far as they can be read."""
    with _open(path) as connection:
        return _read(connection, f"SELECT {RUN_COLUMNS} FROM run WHERE id > ? AND id <= ?", 0, MAX_RUNS)


def salvage_history(path: Path, now: float) -> Iterator[Salvage]:
    """The history until now span by span, the newest first, so that what is asked for most is back soonest."""
    with _open(path) as connection:
        first, last = _bounds(connection, int(now))
        for end in range(-(-last // SPAN_S) * SPAN_S, first - SPAN_S, -SPAN_S):
            rows = {}
            for table, (columns, time) in TABLES.items():
                sql = f"SELECT {columns} FROM {table} WHERE {time} > ? AND {time} <= ?"
                read = _read(connection, sql, end - SPAN_S, end)
                rows[table] = [sound for row in read if (sound := _sound(table, row)) is not None]
            if any(rows.values()):
                yield Salvage(end=end, rows=rows)


def _sound(table: str, row: Row) -> Row | None:
    """The row, without its cores if those are garbled; None if the whole row makes no sense."""
    try:
        if table == "gap":
            gap_of_row(row)
        elif table == "minute":
            rollup_of_row(row)
            return (*row[:-1], None) if unpack_cores(row[-1]) is None else row
        elif table == "sample":
            record = sample_of_row(row)
            if any(sample_faults(record)):
                return None
            return (*row[:-1], None) if record.cores is None or core_faults(record.cores) else row
    except (GarbledError, TypeError, ValueError):
        return None
    return row


def _open(path: Path) -> "closing[sqlite3.Connection]":
    return closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, check_same_thread=False))


def _bounds(connection: sqlite3.Connection, now: int) -> tuple[int, int]:
    """First and last time until now of any table that still says; an empty range if none does."""
    times: list[int] = []
    for table, (_, time) in TABLES.items():
        for extreme in ("min", "max"):
            sql = f"SELECT {extreme}({time}) FROM {table} WHERE {time} > ? AND {time} <= ?"
            try:
                rows = connection.execute(sql, (EARLIEST, now)).fetchall()
            except sqlite3.Error:
                continue
            times += [value for (value,) in rows if value is not None]
    return (min(times), max(times)) if times else (0, -SPAN_S)


def _read(connection: sqlite3.Connection, sql: str, after: int, until: int) -> list[Row]:
    """Rows in (after, until]: a range that cannot be read is halved down to what can be."""
    try:
        rows: Sequence[Any] = connection.execute(sql, (after, until)).fetchall()
    except sqlite3.Error:
        if until - after <= SMALLEST:
            return []
        middle = (after + until) // 2
        return _read(connection, sql, after, middle) + _read(connection, sql, middle, until)
    return list(rows)
