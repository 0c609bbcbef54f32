"""Fills the tiers that a new version of the schema brought, from the newest to the oldest, beside the recording.

A slice is read and added up where that holds up nobody, and stored in one short transaction together with how far the
tier goes now: killed at any moment, it goes on with the slice that it had begun.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from cpusensor.model.grid import bucket_end
from cpusensor.model.histogram import Histogram
from cpusensor.model.rollup import Tier, roll_up
from cpusensor.store.columns import GarbledError, Row, columns_of, histogram_of_rows, row_of_rollup, sound_rollup
from cpusensor.store.database import RECENT_S, Database
from cpusensor.store.plan import Part, tiers_for
from cpusensor.store.rollups import Rollups
from cpusensor.store.statements import FIRST, TIME_AT_EACH_POINT_OF_BUCKETS, extent_of, insert, rows_of

ROLLUPS_A_SLICE = 24
"""Some 20 ms of reading and half a millisecond of writing: a sample that is due meanwhile is not held up."""

KEEP_FROM = "UPDATE tier SET kept_from = ? WHERE name = ?"


class Backfill:
    """What is still to be filled of the open file. One slice is filled at a time."""

    def __init__(self, database: Database, rollups: Rollups, tiers: Sequence[Tier]) -> None:
        self._database = database
        self._rollups = rollups
        self._tiers = tiers
        self._kept_from: dict[int, int] = {}
        """By the number of the tier; without one that is whole."""
        self._first = 0

    @property
    def is_pending(self) -> bool:
        """Whether something is to be filled."""
        return bool(self._kept_from)

    @property
    def left_s(self) -> int:
        """Seconds of history that are still to be added up, in all tiers together."""
        return sum(max(0, kept_from - self._first) for kept_from in self._kept_from.values())

    def kept_from(self, step: int) -> int | None:
        """Where the tier begins that buckets of `step` seconds are read from; None if it is whole."""
        coarsest = next((tier for tier in tiers_for(step, self._tiers)), None)
        return None if coarsest is None else self._kept_from.get(self._tiers.index(coarsest))

    async def load(self) -> None:
        """Learn, inside a transaction, what is to be filled. Raises sqlite3.Error."""
        rows = await self._database.execute("SELECT name, kept_from FROM tier")
        # The finest tier is never filled: a row of it says that a limit took its older rollups away.
        numbers = {tier.name: number for number, tier in enumerate(self._tiers) if number}
        self._kept_from = {numbers[name]: kept_from for name, kept_from in rows if name in numbers}
        ((first,),) = await self._database.execute(FIRST)
        self._first = first or 0

    async def fill_slice(self) -> None:
        """Fill the newest slice that is missing, of the finest tier that misses one. Raises ReadError, WriteError."""
        # From the finest to the coarsest, for each tier is added up from the one below.
        number = min(self._kept_from)
        tier, below = self._tiers[number], self._tiers[number - 1]
        ((_, time),) = await self._database.read(RECENT_S + 1, extent_of(below), (self._kept_from[number],))
        if not time:
            await self._database.write("DELETE FROM tier WHERE name = ?", (tier.name,))
            del self._kept_from[number]
            return
        end = bucket_end(time, tier.seconds)
        start = end - ROLLUPS_A_SLICE * tier.seconds
        if await self._fill(tier, below, start, end):
            self._kept_from[number] = start

    async def _fill(self, tier: Tier, below: Tier, start: int, end: int) -> bool:
        """Fill (start, end]; False, and nothing is stored, if something there was written meanwhile."""
        changes = self._rollups.changes
        part = Part(tier=below, from_time=start, to_time=end)
        parts = await self._database.read(RECENT_S + 1, f"{rows_of(below)} ORDER BY time", (start, end), (part,))
        points: Sequence[Row] = []
        if tier.has_histogram and not below.has_histogram:
            sql = TIME_AT_EACH_POINT_OF_BUCKETS.format(step=tier.seconds)
            part = Part(tier=None, from_time=start, to_time=end)
            points = await self._database.read(RECENT_S + 1, sql, (start, end), (part,))
        try:
            rows = await asyncio.to_thread(add_up, tier, parts, points)
        except GarbledError:
            rows = None
        async with self._database.transaction():
            if self._rollups.changes != changes:
                return False
            if rows is None:
                await self._rollups.close_between(tier, start, end)
            else:
                await self._database.execute_many(insert(tier.name, columns_of(tier)), rows)
            await self._database.execute(KEEP_FROM, (start, tier.name))
        return True


def add_up(tier: Tier, parts: Sequence[Row], points: Sequence[Row]) -> list[Row]:
    """The rows of a tier, from those of the tier below and the time at each percent. Raises GarbledError."""
    histograms = _histograms(points)
    rows = []
    for end, group in groupby(map(sound_rollup, parts), lambda part: bucket_end(part.time, tier.seconds)):
        rollup = roll_up(list(group), end)
        if rollup is not None and rollup.histogram is None:
            rollup = replace(rollup, histogram=histograms.get(end, {}))
        if rollup is not None:
            rows.append(row_of_rollup(rollup, tier))
    return rows


def _histograms(points: Sequence[Row]) -> dict[int, Histogram]:
    """Rows of a bucket's time, a whole percent and the milliseconds at it, by the bucket's time."""
    groups = groupby(points, lambda row: row[0])
    return {end: histogram_of_rows([(point, ms) for _, point, ms in group]) for end, group in groups}
