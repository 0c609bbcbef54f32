"""Writes who used the CPU: what was read for a tick, and the sums of it that this completes."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from cpusensor.model.accounts import Baseline
from cpusensor.model.blame import Blame, cut, merge
from cpusensor.model.grid import bucket_end
from cpusensor.model.times import MAX_TIME
from cpusensor.store.baselines import INSERT as INSERT_BASELINE
from cpusensor.store.baselines import row_of_baseline
from cpusensor.store.columns import Row
from cpusensor.store.database import RECENT_S, Database
from cpusensor.store.levels import (
    BLAME_COLUMNS,
    LEVELS,
    PACKED_COLUMNS,
    TICKS,
    Level,
    arguments_between,
    read_rows,
    rows_between,
    tell_damaged,
)
from cpusensor.store.names import Names, named
from cpusensor.store.shares import coded, pack, pack_rows
from cpusensor.store.statements import insert

OPEN_LIMIT = 200
"""Names of each view that are remembered of what a bucket that is not over holds: many more than are kept of it."""

PACK_AFTER_S = 3600
"""Seconds for which what is over stays as it is, since a clock may be set back a little."""

NEWEST = f"""SELECT max(coalesce((SELECT max(time) FROM {TICKS.name} WHERE time <= ?), 0),
    coalesce((SELECT max(time) FROM {TICKS.packed} WHERE time <= ?), 0))"""


class Blames:
    """Adds to the names; nothing else does, but the adoption of a broken history."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = Names(database)
        self.newest = 0
        """The time of the newest row, those aside that a wrong clock left in the future."""
        self._highest = 0
        """The highest time of a row."""
        self._open: dict[int, list[Blame]] = {}
        """The parts of the bucket that is not over, by the number of its level; nothing is cut yet but OPEN_LIMIT."""

    async def load(self, now: float) -> None:
        """Learn, inside a transaction, the end of what is kept. Raises sqlite3.Error."""
        self._names.forget()
        # What a wrong clock left in the future is replaced when its time comes.
        ((self.newest,),) = await self._database.execute(NEWEST, (int(now), int(now)))
        ((self._highest,),) = await self._database.execute(NEWEST, (MAX_TIME, MAX_TIME))
        await self._reopen(self.newest)

    async def add(self, blames: Sequence[Blame], baseline: Baseline | None = None) -> None:
        """Store what was read, in order, in one transaction, and the baseline of what is read after it.

        Raises WriteError; then nothing of it is stored.
        """
        newest, parts = self.newest, {number: list(some) for number, some in self._open.items()}
        try:
            async with self._database.transaction():
                for blame in blames:
                    await self._add(blame)
                if baseline is not None:
                    await self._database.execute(INSERT_BASELINE, row_of_baseline(baseline))
        except BaseException:
            # A transaction that is rolled back must take these back as well.
            self.newest, self._open = newest, parts
            self._names.forget()
            raise

    async def _add(self, blame: Blame) -> None:
        if blame.time <= self.newest:
            await self._replace(blame)
            return
        if blame.since < self.newest:
            await self._take_back(blame.since)
        await self._store_tick(blame)
        self.newest = blame.time
        await self._take(1, blame)
        # At once: after a crash only what a bucket holds that the newest reading lies in is known again.
        for number, level in enumerate(LEVELS[2:], start=2):
            parts = self._open.get(number)
            if parts and bucket_end(parts[0].time, level.seconds) < bucket_end(blame.time, level.seconds):
                await self._close(number)

    async def _take_back(self, until: int) -> None:
        """Drop what was read later, and the sums that hold some of it: what comes next covers it, as after a crash."""
        for level in LEVELS:
            span = until, bucket_end(self.newest, level.seconds)
            await self._database.execute(f"DELETE FROM {level.name} WHERE time > ? AND time <= ?", span)
        self.newest = until
        await self._reopen(until)

    async def _store_tick(self, blame: Blame) -> None:
        # Where the clock was set back there may be rows inside what this one covers.
        if blame.since < self._highest:
            sql = f"DELETE FROM {TICKS.name} WHERE time > ? AND time < ?"
            await self._database.execute(sql, (blame.since, blame.time))
        self._highest = max(self._highest, blame.time)
        await self._store(TICKS, blame, blame.time)

    async def _take(self, number: int, part: Blame) -> None:
        """Add a part to the bucket of a level that it lies in, and store each bucket that is over then."""
        if number == len(LEVELS):
            return
        seconds, parts = LEVELS[number].seconds, self._open.setdefault(number, [])
        end = bucket_end(part.time, seconds)
        if parts and bucket_end(parts[0].time, seconds) != end:
            await self._close(number)
        parts.append(part)
        if part.time == end:
            await self._close(number)

    async def _close(self, number: int) -> None:
        """Store the sum of a bucket, and add it, before it is cut, to the next level."""
        level, parts = LEVELS[number], self._open[number]
        whole = merge(parts)
        end = bucket_end(whole.time, level.seconds)
        parts.clear()
        await self._store(level, whole, end)
        await self._take(number + 1, replace(cut(whole, OPEN_LIMIT), time=end))

    async def _store(self, level: Level, blame: Blame, time: int) -> None:
        kept = cut(blame, level.limit)
        numbers = await self._names.numbers_of(kept)
        row = coded(kept, numbers.__getitem__)
        await self._database.execute(insert(level.name, BLAME_COLUMNS), (time, row.since, pack(row)))

    async def _replace(self, blame: Blame) -> None:
        """Store what was read after the clock was set back: it replaces what it covers, and the sums are made again."""
        await self._store_tick(blame)
        for number, level in enumerate(LEVELS[1:], start=1):
            end = bucket_end(blame.time, level.seconds)
            parts = await self._stored(number - 1, end - level.seconds, end)
            if parts and end <= self.newest:
                await self._store(level, merge(parts), end)
        await self._reopen(self.newest)

    async def _reopen(self, newest: int) -> None:
        """Learn what the buckets that are not over hold, from the rows that are stored."""
        self._open = {}
        for number, level in enumerate(LEVELS[1:], start=1):
            end = bucket_end(newest, level.seconds)
            is_over = await self._database.execute(f"SELECT 1 FROM {level.name} WHERE time = ?", (end,))
            self._open[number] = [] if is_over else await self._stored(number - 1, end - level.seconds, end)

    async def _stored(self, number: int, from_time: int, to_time: int) -> list[Blame]:
        """The rows of a level in (from, to]."""
        level = LEVELS[number]
        rows = await self._database.execute(rows_between(level), arguments_between(level, from_time, to_time))
        parts = read_rows(level, rows, from_time, to_time, tell_damaged)
        names = await self._names.texts_of(parts)
        return [named(one, names) for one in parts]

    async def pack_next(self, now: float) -> bool:
        """Pack the oldest rows that are over as one; False if there are none. Raises WriteError and ReadError."""
        for level in LEVELS:
            if level.packed_s is None:
                continue
            ((oldest,),) = await self._database.read(0, f"SELECT min(time) FROM {level.name}", ())
            if oldest is None:
                continue
            end = bucket_end(oldest, level.packed_s)
            # Of one that no reading has ended yet the last sums are still to come.
            if end + PACK_AFTER_S <= now and end <= self.newest:
                await self._pack(level, end)
                return True
        return False

    async def _pack(self, level: Level, end: int) -> None:
        span = end - (level.packed_s or 0), end
        query = rows_between(level), arguments_between(level, *span)
        # As for a long range, and in a thread, for it is some 50 ms.
        rows = await self._database.read(RECENT_S + 1, *query)
        blob = await asyncio.to_thread(_packed, level, rows, span)
        async with self._database.transaction():
            # A broken history may be taken in meanwhile.
            if len(await self._database.execute(*query)) == len(rows):
                await self._database.execute(insert(level.packed, PACKED_COLUMNS), (end, blob))
                await self._database.execute(f"DELETE FROM {level.name} WHERE time > ? AND time <= ?", span)

    async def forget_ticks(self, until: int) -> None:
        """Drop what was read for single ticks of the hours that end until a time: their minutes stay."""
        await self._database.write(f"DELETE FROM {TICKS.packed} WHERE time <= ?", (until,))


def _packed(level: Level, rows: Sequence[Row], span: tuple[int, int]) -> bytes:
    return pack_rows(read_rows(level, rows, *span, tell_damaged), span[1])
