"""Seals hours that are over for long: their samples and minutes become one row.

An hour is read and packed where that holds up nobody, unpacked again to prove that nothing is lost, and stored in one
short transaction with the removal of the rows. Who writes into sealed time opens the hour first (seals.py), and who
reads is given its rows (unsealing.py): nothing else knows of sealed hours.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from cpusensor.model.grid import bucket_end
from cpusensor.model.sanity import core_faults, rollup_faults, sample_faults
from cpusensor.store.columns import GarbledError, Row, rollup_of_row, sample_of_row
from cpusensor.store.database import RECENT_S, Database
from cpusensor.store.planes import UnpackableError
from cpusensor.store.rollups import Rollups
from cpusensor.store.sealed import HOUR, pack_hour, unpack_hour
from cpusensor.store.seals import Seals
from cpusensor.store.statements import insert
from cpusensor.store.unsealing import MINUTES, SAMPLES, Sealed

log = logging.getLogger(__name__)

SEALED_COLUMNS = "time, count, first_sample, last_sample, last_minute, runs, minutes, samples"

INSERT_SEALED = insert("sealed_hour", SEALED_COLUMNS, on_conflict="ABORT")

FIRST_ROW = """SELECT min(time) FROM (SELECT (SELECT min(time) FROM sample WHERE time > ?1) AS time
    UNION ALL SELECT (SELECT min(time) FROM minute WHERE time > ?1))"""
"""The first sample or minute after a time that is not sealed."""

SPARE_PAGES = 256
"""Free pages that the file keeps, 1 MiB: what is recorded in a day fills them."""

PAGES_A_SLICE = 64
"""That are given back at a time, in a millisecond or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The rows of an hour that is to be sealed."""

    time: int
    samples: Sequence[Row]
    minutes: Sequence[Row]

    def row(self) -> Row:
        """The row of SEALED_COLUMNS. Raises UnpackableError unless all comes out again as it went in."""
        times = [row[0] for row in self.samples]
        runs = list(dict.fromkeys(row[1] for row in self.samples))
        return (
            self.time,
            len(times),
            min(times, default=None),
            max(times, default=None),
            max((row[0] for row in self.minutes), default=None),
            f"[{', '.join(map(str, runs))}]",
            self._packed(MINUTES, self.minutes),
            self._packed(SAMPLES, self.samples),
        )

    def _packed(self, table: Sealed, rows: Sequence[Row]) -> bytes | None:
        if not rows:
            return None
        blob = pack_hour(table.names, rows, self.time)
        if unpack_hour(blob, table.names, self.time) != list(rows):
            raise UnpackableError(f"its {table.blob} do not come out as they went in")
        return blob

    def faults(self) -> str | None:
        """What of the rows cannot be, and must not be sealed before it is mended; None if nothing."""
        try:
            for row in self.samples:
                sample = sample_of_row(row)
                for fault in sample_faults(sample):
                    return fault
                if (row[-1] is None) != (sample.cores is None) or core_faults(sample.cores):
                    return "its cores make no sense"
            for row in self.minutes:
                for fault in rollup_faults(rollup_of_row((*row, None))):
                    return fault
        except GarbledError as error:
            return str(error)
        return None


class Sealing:
    """Seals the hours of the open file, the oldest first; one slice is done at a time."""

    def __init__(self, database: Database, rollups: Rollups, seals: Seals) -> None:
        self._database = database
        self._rollups = rollups
        self._seals = seals
        self._done = 0
        """Until then all is sealed that can be."""
        self._opened = 0

    async def seal_slice(self, until: int) -> bool:
        """Seal the oldest hour that ends at a time or before; False if there is none. Raises ReadError, WriteError."""
        if self._opened != self._seals.opened:
            self._opened, self._done = self._seals.opened, 0
        ((first,),) = await self._database.read(RECENT_S + 1, FIRST_ROW, (self._done,))
        end = bucket_end(first or until + 1, HOUR)
        if end > until:
            return False
        changes = self._rollups.changes
        hour = Hour(time=end, samples=await self._rows(SAMPLES, end), minutes=await self._rows(MINUTES, end))
        try:
            row = await asyncio.to_thread(self._row, hour)
        except UnpackableError as error:
            log.warning("the hour until %d is not sealed (%s): it stays as it is", end, error)
            self._done = end
            return True
        if await self._store(row, changes):
            self._done = end
        return True

    async def give_back(self) -> bool:
        """Give the disk some free pages that nothing will fill soon; False if there are none. Raises WriteError."""
        ((free,),) = await self._database.read(RECENT_S + 1, "PRAGMA freelist_count", ())
        if free <= SPARE_PAGES:
            return False
        await self._database.vacuum(min(PAGES_A_SLICE, free - SPARE_PAGES))
        return True

    @staticmethod
    def _row(hour: Hour) -> Row:
        if (fault := hour.faults()) is not None:
            raise UnpackableError(fault)
        return hour.row()

    async def _rows(self, table: Sealed, end: int) -> list[Row]:
        sql = f"SELECT {table.columns} FROM main.{table.name} WHERE time > ? AND time <= ? ORDER BY time"
        return await self._database.read(RECENT_S + 1, sql, (end - HOUR, end))

    async def _store(self, row: Row, changes: int) -> bool:
        """Put the row in the place of the rows; False, and nothing is stored, if something of old was written since."""
        end = row[0]
        # Before the commit: a reader that has not seen it looks again.
        self._database.sealed_until = max(self._database.sealed_until, end)
        async with self._database.transaction():
            if self._rollups.changes != changes:
                return False
            damaged = await self._database.execute("SELECT 1 FROM sealed_hour WHERE time = ?", (end,))
            if not damaged:
                await self._database.execute(INSERT_SEALED, row)
                for table in (SAMPLES, MINUTES):
                    sql = f"DELETE FROM {table.name} WHERE time > ? AND time <= ?"
                    await self._database.execute(sql, (end - HOUR, end))
        return True
