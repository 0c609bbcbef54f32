"""Reads the records of a file in the order of their times, and reports those that make no sense."""

import sqlite3
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Generic, TypeVar

from cpusensor.check.report import Report
from cpusensor.model.records import Gap, Rollup, Sample
from cpusensor.model.rollup import MINUTE, Tier
from cpusensor.model.sanity import core_faults
from cpusensor.model.times import MAX_TIME
from cpusensor.store.columns import GAP_COLUMNS, GarbledError, Row, gap_of_row, rollup_of_row, sample_of_row
from cpusensor.store.snapshot import Snapshot
from cpusensor.store.statements import rows_of
from cpusensor.store.unsealing import MINUTES, SAMPLES

T = TypeVar("T")
Stored = TypeVar("Stored", Sample, Rollup)

time_of: Callable[[Rollup], int] = attrgetter("time")


class Queue(Generic[T]):
    """Records in the order of their times, taken from the front; one of them is read ahead."""

    def __init__(self, records: Iterator[T], time: Callable[[T], int]) -> None:
        self._records = records
        self._time = time
        self._front = next(records, None)
        self.taken = 0

    def take(self, until: int | None = None) -> list[T]:
        """Remove and return the records with times up to `until`; all of them without it."""
        found = []
        while self._front is not None and (until is None or self._time(self._front) <= until):
            found.append(self._front)
            self._front = next(self._records, None)
        self.taken += len(found)
        return found


class Records:
    """The records of one file."""

    def __init__(self, connection: sqlite3.Connection, snapshot: Snapshot, report: Report) -> None:
        self._connection = connection
        self._snapshot = snapshot
        self._report = report

    def samples(self) -> Iterator[Sample]:
        """All samples, sealed or not; without their cores where those are garbage."""
        for row in self._snapshot.stream(SAMPLES):
            yield self._with_cores("sample", sample_of_row, row, len(row) - 1)

    def rollups(self, tier: Tier) -> Iterator[Rollup]:
        """All rollups of a tier; without their cores where those are garbage."""
        if tier.seconds == MINUTE:
            rows: Iterator[Row] = ((*row, None) for row in self._snapshot.stream(MINUTES))
        else:
            rows = self._connection.execute(f"{rows_of(tier)} ORDER BY 1", (-1, MAX_TIME))
        for row in rows:
            rollup = self._with_cores(tier.name, rollup_of_row, row, len(row) - 2)
            if tier.has_histogram and rollup.histogram is None:
                self._report.add(tier.name, f"{row[0]}: its histogram makes no sense")
            yield rollup

    def gaps(self) -> Iterator[Gap]:
        """All gaps but those that are garbage."""
        for row in self.rows("gap", GAP_COLUMNS):
            try:
                gap = gap_of_row(row)
            except GarbledError as error:
                self._report.add("gap", f"{row[0]}: {error}")
                continue
            if (gap.busy is None) != (gap.all is None) or not 0 <= (gap.busy or 0) <= (gap.all or 0):
                self._report.add("gap", f"{gap.from_time}: busy {gap.busy} of {gap.all} ticks")
            yield gap

    def rows(self, table: str, columns: str) -> Iterator[Row]:
        """Every row, by its primary key, which is the first column."""
        return self._connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1")  # noqa: S608 - our own constants

    def _with_cores(self, kind: str, make: Callable[[Row], Stored], row: Row, at: int) -> Stored:
        """The record; without its cores, which are at this place of the row, if those are garbage."""
        record = make(row)
        if (row[at] is None) == (record.cores is None) and not core_faults(record.cores):
            return record
        self._report.add(kind, f"{row[0]}: its cores make no sense")
        return make((*row[:at], None, *row[at + 1 :]))
