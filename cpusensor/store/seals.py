"""Opens sealed hours for who writes into them. Works inside the transactions of its callers."""

import asyncio

from cpusensor.store.columns import Row
from cpusensor.store.database import Database
from cpusensor.store.sealed import HOUR
from cpusensor.store.statements import insert
from cpusensor.store.unsealing import MINUTES, SAMPLES, unpack


class Seals:
    """The sealed hours of the open file. Every method raises sqlite3.Error."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.opened = 0
        """Counts the hours that were opened."""

    def is_near(self, time: int) -> bool:
        """Whether a time may lie in a sealed hour, or before one."""
        return time <= self._database.sealed_until

    async def open(self, from_time: int, to_time: int) -> None:
        """Make the rows of the hours that touch (from_time, to_time] rows again."""
        if not self.is_near(from_time + 1):
            return
        rows = await self._database.execute(
            "SELECT time, minutes, samples FROM sealed_hour WHERE time > ? AND time < ?", (from_time, to_time + HOUR)
        )
        for sealed in rows:
            await self._open(sealed)

    async def open_before(self, time: int) -> None:
        """Open the hour with the last sample before a time, if that is sealed."""
        sealed = await self._next("first_sample < ? ORDER BY time DESC", time)
        ((row_time,),) = await self._database.execute("SELECT max(time) FROM sample WHERE time < ?", (time,))
        if sealed and (row_time is None or row_time <= sealed[0] - HOUR):
            await self._open(sealed)

    async def open_after(self, time: int) -> None:
        """Open the hour with the first sample after a time, if that is sealed."""
        sealed = await self._next("last_sample > ? ORDER BY time", time)
        ((row_time,),) = await self._database.execute("SELECT min(time) FROM sample WHERE time > ?", (time,))
        if sealed and (row_time is None or row_time > sealed[0]):
            await self._open(sealed)

    async def newest(self) -> int:
        """The time of the newest sample that is sealed; 0 without any."""
        ((time,),) = await self._database.execute("SELECT coalesce(max(last_sample), 0) FROM sealed_hour")
        return int(time)

    async def _next(self, condition: str, time: int) -> Row | None:
        """The first hour with samples that meets a condition."""
        if not self._database.sealed_until:
            return None
        sql = f"SELECT time, minutes, samples FROM sealed_hour WHERE samples IS NOT NULL AND {condition} LIMIT 1"
        return next(iter(await self._database.execute(sql, (time,))), None)

    async def _open(self, sealed: Row) -> None:
        hour, minutes, samples = sealed
        for table, blob in ((SAMPLES, samples), (MINUTES, minutes)):
            if blob is not None:
                rows = await asyncio.to_thread(unpack, table, sealed, self._database.damage)
                # What cannot be unpacked stays where it is; beside it the hour may be written anew.
                if not rows:
                    return
                sql = insert(table.name, table.columns, on_conflict="IGNORE")
                await self._database.execute_many(sql, rows)
        await self._database.execute("DELETE FROM sealed_hour WHERE time = ?", (hour,))
        self.opened += 1
