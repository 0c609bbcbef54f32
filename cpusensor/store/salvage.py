"""What can still be read of a broken database. Reads in the calling thread, and only reads."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from cpusensor.model.grid import EARLIEST
from cpusensor.model.kept import ALL_KEPT, Kept
from cpusensor.model.rollup import TIERS, Tier
from cpusensor.model.sanity import core_faults, rollup_faults, sample_faults
from cpusensor.store.columns import (
    CLOCK_STEP_COLUMNS,
    GAP_COLUMNS,
    RUN_COLUMNS,
    SAMPLE_COLUMNS,
    GarbledError,
    Row,
    clock_step_of_row,
    columns_of,
    gap_of_row,
    kept_of_row,
    rollup_of_row,
    row_of_rollup,
    run_of_row,
    sample_of_row,
    text_of,
)
from cpusensor.store.levels import BLAME_COLUMNS, LEVELS, PACKED_COLUMNS
from cpusensor.store.names import NAME_COLUMNS
from cpusensor.store.shares import unpack as unpack_shares
from cpusensor.store.shares import unpack_rows
from cpusensor.store.statements import KEPT
from cpusensor.store.unsealing import MINUTES, SAMPLES, Damage, unpack

MAX_RUNS = 10_000
"""Highest id of a run that is salvaged: an unreadable range is halved, so it needs an end."""

MAX_NAMES, MIN_NAMES = 1 << 20, 1 << 9
"""Likewise of a name; and how many of them are given up at a time, for there may be very many."""

MIN_RANGE = 4
"""An unreadable range of at most so many keys is given up instead of halved."""

SPAN_S = 3600
"""Seconds of history that are read at a time."""

QUERY_STEPS = 10_000
"""Steps of SQLite's virtual machine, about a millisecond, after which a query checks whether it has to stop."""


def _sound_run(row: Row) -> Row:
    run_of_row(row)
    return row


def _sound_sample(row: Row) -> Row:
    """The row, without its cores (the last column) if only they are garbled. Raises GarbledError."""
    sample = sample_of_row(row)
    if any(sample_faults(sample)):
        raise GarbledError("it says what cannot be")
    return (*row[:-1], None) if sample.cores is None or core_faults(sample.cores) else row


def _sound_rollup(tier: Tier, row: Row) -> Row:
    """The row, without its cores or its histogram if only they are garbled. Raises GarbledError."""
    rollup = rollup_of_row(row if tier.has_histogram else (*row, None))
    if any(rollup_faults(rollup)):
        raise GarbledError("it says what cannot be")
    return row_of_rollup(rollup, tier)


def _sound_gap(row: Row) -> Row:
    gap_of_row(row)
    return row


def _sound_clock_step(row: Row) -> Row:
    clock_step_of_row(row)
    return row


class HistoryTable(NamedTuple):
    """A table that holds history."""

    columns: str
    time: str
    """The column that its rows are found by."""
    sound: Callable[[Row], Row]
    """Returns the row without what is garbled. Raises GarbledError if nothing of it can be used."""


def _sound_blame(row: Row) -> Row:
    time, since, blob = row
    unpack_shares(time, since, blob)
    return row


def _sound_packed(row: Row) -> Row:
    end, blob = row
    unpack_rows(blob, end)
    return row


def _sound_name(row: Row) -> Row:
    if not isinstance(row[1], str):
        raise GarbledError("a name is no text")
    return row


TABLES = {
    "sample": HistoryTable(SAMPLE_COLUMNS, "time", _sound_sample),
    **{tier.name: HistoryTable(columns_of(tier), "time", partial(_sound_rollup, tier)) for tier in TIERS},
    "gap": HistoryTable(GAP_COLUMNS, "from_time", _sound_gap),
    "clock_step": HistoryTable(CLOCK_STEP_COLUMNS, "time", _sound_clock_step),
    **{level.name: HistoryTable(BLAME_COLUMNS, "time", _sound_blame) for level in LEVELS},
    **{level.packed: HistoryTable(PACKED_COLUMNS, "time", _sound_packed) for level in LEVELS if level.packed_s},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvage:
    """What was read of one span of time."""

    end: int
    """The span is (end - SPAN_S, end]."""
    rows: dict[str, list[Row]]
    """By table; those that cannot be read, or make no sense, are left out."""


def salvage_runs(path: Path) -> list[Row]:
    """The rows of the runs that can be read. Raises sqlite3.Error if the file cannot be opened at all."""
    with _connect(path) as connection:
        rows = _read_range(connection, f"SELECT {RUN_COLUMNS} FROM run WHERE id > ? AND id <= ?", 0, MAX_RUNS)
    return _as_far_as_sound(rows, _sound_run)


def salvage_names(path: Path) -> list[Row]:
    """The rows of the names that can be read, none of a file of an older version. Raises as `salvage_runs`."""
    with _connect(path) as connection:
        if "name" not in _present(connection, ["name"]):
            return []
        rows = _read_range(
            connection, f"SELECT {NAME_COLUMNS} FROM name WHERE id > ? AND id <= ?", 0, MAX_NAMES, MIN_NAMES
        )
    return _as_far_as_sound(rows, _sound_name)


def salvage_kept(path: Path, now: float) -> Kept:
    """Since when samples and minutes were kept; as if always where that cannot be read, or lies after now."""
    with _connect(path) as connection, suppress(sqlite3.Error, GarbledError):
        kept = kept_of_row(connection.execute(KEPT).fetchone())
        if kept.minute <= kept.sample <= now:
            return kept
    return ALL_KEPT


def salvage_history(path: Path, now: float, is_stopped: Callable[[], bool]) -> Iterator[Salvage]:
    """The history until `now` in spans of an hour, newest first, because the newest is asked for most.

    A garbled time can make it seem to last for decades, so `is_stopped` is asked before each span and during queries.
    Raises sqlite3.Error if the file cannot be opened.
    """
    with _connect(path) as connection:
        connection.set_progress_handler(is_stopped, QUERY_STEPS)
        present = _present(connection, list(TABLES))
        first, last = _bounds(connection, int(now))
        for end in range(-(-last // SPAN_S) * SPAN_S, first - SPAN_S, -SPAN_S):
            if is_stopped():
                return
            rows = {}
            for name in present:
                table = TABLES[name]
                sql = f"SELECT {table.columns} FROM {name} WHERE {table.time} > ? AND {table.time} <= ?"
                rows[name] = _as_far_as_sound(_read_range(connection, sql, end - SPAN_S, end), table.sound)
            for name, unsealed in _unsealed(connection, end):
                rows[name] += _as_far_as_sound(unsealed, TABLES[name].sound)
            if any(rows.values()):
                yield Salvage(end=end, rows=rows)


def _present(connection: sqlite3.Connection, tables: Sequence[str]) -> list[str]:
    """Those of the tables that the file has: one of an older version lacks some, and of a broken one nobody knows."""
    try:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    except sqlite3.Error:
        return list(tables)
    return [table for table in tables if table in names]


def _unsealed(connection: sqlite3.Connection, hour: int) -> Iterator[tuple[str, list[Row]]]:
    """The samples and the minutes of a sealed hour, those that can be read."""
    for table in (SAMPLES, MINUTES):
        sql = f"SELECT time, minutes, samples FROM sealed_hour WHERE time = ? AND {table.blob} IS NOT NULL"
        # Files of older versions have no such table.
        with suppress(sqlite3.Error):
            for sealed in connection.execute(sql, (hour,)).fetchall():
                yield table.name, unpack(table, sealed, Damage())


def _as_far_as_sound(rows: Sequence[Row], sound: Callable[[Row], Row]) -> list[Row]:
    """The rows that make sense, the others left out."""
    found = []
    for row in rows:
        with suppress(GarbledError):
            found.append(sound(row))
    return found


@contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as connection:
        connection.text_factory = text_of
        yield connection


def _bounds(connection: sqlite3.Connection, now: int) -> tuple[int, int]:
    """First and last time until `now` in all tables that can be read; an empty range if none can."""
    times: list[int] = []
    for name, column in {**{name: table.time for name, table in TABLES.items()}, "sealed_hour": "time"}.items():
        # Each in a query of its own, which reads one end of the index: the other end may be broken.
        for extreme in ("min", "max"):
            sql = f"SELECT {extreme}({column}) FROM {name} WHERE {column} > ? AND {column} <= ?"
            try:
                rows = connection.execute(sql, (EARLIEST, now)).fetchall()
            except sqlite3.Error:
                continue
            times += [value for (value,) in rows if value is not None]
    return (min(times), max(times)) if times else (0, -SPAN_S)


def _read_range(connection: sqlite3.Connection, sql: str, after: int, until: int, least: int = MIN_RANGE) -> list[Row]:
    """The rows in (after, until]. A range that cannot be read is halved until its parts can be read or are given up.

    SQLite finds where a range begins and trusts the order from there, so that a garbled key can come from anywhere.
    """
    try:
        rows = connection.execute(sql, (after, until)).fetchall()
    except sqlite3.Error:
        if until - after <= least:
            return []
        middle = (after + until) // 2
        below, above = (after, middle), (middle, until)
        return [row for part in (below, above) for row in _read_range(connection, sql, *part, least)]
    return [row for row in rows if after < row[0] <= until]
