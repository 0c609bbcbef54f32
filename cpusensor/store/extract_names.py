"""Who used the CPU in a span of a history -> a database of its own, with the names that this refers to alone."""

import sqlite3
from collections.abc import Iterable

from cpusensor.model.grid import bucket_end
from cpusensor.store.columns import GarbledError, Row
from cpusensor.store.culprits import Tally
from cpusensor.store.levels import BLAME_COLUMNS, LEVELS, PACKED_COLUMNS, Level, rows_in, tell_damaged
from cpusensor.store.names import NAME_COLUMNS, TEXTS, numbers_in, numbers_of
from cpusensor.store.shares import Coded, pack
from cpusensor.store.snapshot import Snapshot
from cpusensor.store.statements import insert

SLICE_S = 864_000
"""Seconds of history at a time, which bounds the memory; a multiple of the length of every packed row."""

TABLES_OF_NAMES = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'name'"


class NamesExtract:
    """Copies what was read inside a span."""

    def __init__(self, source: Snapshot, target: sqlite3.Connection, span: tuple[int, int]) -> None:
        self._source = source
        self._target = target
        self._from_time, self._to_time = span
        self._numbers: set[int] = set()
        self._first: list[Coded] = []
        """What was copied of the longest bucket that the span begins in."""
        self._first_end = bucket_end(self._from_time, LEVELS[-1].seconds)

    def copy(self) -> None:
        """Copy it; nothing of a file of an older version. Raises ReadError and sqlite3.Error."""
        if not self._source.rows(TABLES_OF_NAMES, ())[0][0]:
            return
        for number, level in enumerate(LEVELS):
            if number:
                self._add_up_first(level)
            length = level.packed_s or level.seconds
            first = self._from_time - self._from_time % length
            for start in range(first, self._to_time + length, SLICE_S):
                self._copy_slice(level, start, start + SLICE_S)
        numbers = numbers_in((number,) for number in self._numbers)
        self._target.executemany(insert("name", NAME_COLUMNS), self._source.rows(TEXTS, (numbers,)))

    def _add_up_first(self, level: Level) -> None:
        """Add up what is left of the bucket that the span begins in, of what is there of the level below."""
        end = bucket_end(self._from_time, level.seconds)
        parts = sorted((row for row in self._first if row.time <= end), key=lambda row: row.time)
        self._first = []
        if self._from_time < end <= self._to_time and parts:
            tally = Tally(parts)
            tally.cut(level.limit)
            row = tally.coded(end)
            self._target.execute(insert(level.name, BLAME_COLUMNS), (end, row.since, pack(row)))
            self._first.append(row)

    def _copy_slice(self, level: Level, start: int, end: int) -> None:
        loose = f"SELECT {BLAME_COLUMNS} FROM {level.name} WHERE time > ? AND time <= ?"
        for row in self._source.rows(loose, (start, end)):
            self._copy_row(level, *row)
        if level.packed_s is not None:
            packed = f"SELECT time, NULL, shares FROM {level.packed} WHERE time > ? AND time <= ?"
            for row in self._source.rows(packed, (start, end)):
                self._copy_row(level, *row)

    def _copy_row(self, level: Level, time: int, since: int | None, blob: bytes) -> None:
        """A loose or packed row as it is; of one that reaches over an edge of the span what lies inside, loose."""
        try:
            rows = rows_in(level, time, since, blob)
        except GarbledError as error:
            tell_damaged(level.name if since is not None else level.packed, time, error)
            return
        inside = [row for row in rows if self._from_time <= row.since and row.time <= self._to_time]
        self._note(inside)
        self._first += [row for row in inside if row.time <= self._first_end]
        if since is None and len(inside) == len(rows) and time <= self._to_time:
            self._target.execute(insert(level.packed, PACKED_COLUMNS), (time, blob))
        else:
            made: list[Row] = [(row.time, row.since, pack(row)) for row in inside]
            # One that is there is newer: the clock was set back.
            self._target.executemany(insert(level.name, BLAME_COLUMNS, on_conflict="IGNORE"), made)

    def _note(self, rows: Iterable[Coded]) -> None:
        for row in rows:
            self._numbers |= numbers_of(entry for entry, _ in row.entries)
