"""Keeps each rollup equal to the sum of its parts. Works inside the transactions of its callers."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from cpusensor.model.grid import bucket_end
from cpusensor.model.kept import ALL_KEPT, COARSE
from cpusensor.model.records import Rollup
from cpusensor.model.rollup import MINUTE, Tier, closed_buckets, roll_up
from cpusensor.store.columns import (
    GarbledError,
    columns_of,
    histogram_of_rows,
    kept_of_row,
    rollup_of_row,
    row_of_rollup,
    sound_rollup,
)
from cpusensor.store.database import Database
from cpusensor.store.seals import Seals
from cpusensor.store.statements import KEPT, TIME_AT_EACH_POINT, insert, rows_of

log = logging.getLogger(__name__)


class Rollups:
    """The stored tiers. Every method is idempotent: each rollup is computed anew from its parts."""

    def __init__(self, database: Database, seals: Seals, tiers: Sequence[Tier]) -> None:
        self._database = database
        self._seals = seals
        self._tiers = tiers
        self._closed = [0] * len(tiers)
        """The time of each tier's newest rollup."""
        self._damaged: set[tuple[int, int]] = set()
        """By the number of the tier and the time."""
        self.finest = tiers[0].seconds
        """The length of the shortest rollups."""
        self.kept = ALL_KEPT
        """Since when samples and minutes are: what is older cannot be added up anew."""
        self.changes = 0
        """Counts the writings behind the end of the history: what was read there before does not hold any more."""

    def keep(self, name: str, time: int) -> None:
        """Note that of samples, or of minutes, only what is later than a time is still there."""
        self.kept = replace(self.kept, **{name: max(getattr(self.kept, name), time)})
        self.changes += 1

    async def close_after(self, time: int, previous: int | None, highest: int) -> list[Rollup]:
        """Close the buckets that a sample at `time` closes; returns the rollups of the finest tier.

        `previous` is the time of the sample before, `highest` that of the last slot of the history.
        """
        finest: list[Rollup] = []
        # After the clock was set back: the sample may lie in a bucket that is over or was closed.
        is_behind = time <= max(highest, *self._closed)
        self.changes += is_behind
        for number, tier in enumerate(self._tiers):
            # From the finest to the coarsest, for each tier is added up from the one below.
            own = bucket_end(time, tier.seconds)
            if is_behind and own <= max(highest, self._closed[number]):
                await self.close(number, own)
            closed = [await self.close(number, end) for end in closed_buckets(previous, time, tier.seconds)]
            if number == 0:
                finest = [rollup for rollup in closed if rollup]
        return finest

    async def close(self, number: int, end: int) -> Rollup | None:
        """Store the rollup of a tier that ends at `end`, computed from its parts; None, and no row, for no parts."""
        tier, span = self._tiers[number], (end - self._tiers[number].seconds, end)
        # What was added up of samples that are given up says more than what a clock that was set back adds to them.
        if tier.seconds <= COARSE and span[0] < self.kept.sample and (stored := await self._sound(tier, end)):
            return stored
        # A damaged time may lie anywhere, and no rollup belongs there.
        rollup = None if end % tier.seconds else roll_up(await self._parts(number, span), end)
        if rollup is None:
            await self._database.execute(f"DELETE FROM {tier.name} WHERE time = ?", (end,))
            return None
        if tier.has_histogram and rollup.histogram is None:
            await self._seals.open(*span)
            points = await self._database.execute(TIME_AT_EACH_POINT, span)
            rollup = replace(rollup, histogram=histogram_of_rows(points))
        await self._database.execute(insert(tier.name, columns_of(tier)), row_of_rollup(rollup, tier))
        self._closed[number] = max(self._closed[number], end)
        return rollup

    async def _sound(self, tier: Tier, end: int) -> Rollup | None:
        """The rollup that is stored; None if there is none or it is damaged."""
        if tier.seconds == MINUTE:
            await self._seals.open(end - tier.seconds, end)
        for row in await self._database.execute(rows_of(tier), (end - 1, end)):
            with suppress(GarbledError):
                return sound_rollup(row)
        return None

    async def close_between(self, tier: Tier, start: int, end: int) -> None:
        """Close every bucket of a tier in (start, end]."""
        for time in range(start + tier.seconds, end + 1, tier.seconds):
            await self.close(self._tiers.index(tier), time)

    @property
    def are_damaged(self) -> bool:
        """Whether `mend` has work to do."""
        return bool(self._damaged)

    def note_damaged(self, tier: Tier, faults: Mapping[int, str]) -> None:
        """Tell that rows of a tier say what cannot be, by their times, and have them added up anew."""
        for time, fault in faults.items():
            one = (self._tiers.index(tier), time)
            if one not in self._damaged:
                log.error("the %s until %d is damaged (%s); it is added up anew", tier.name, time, fault)
                self._damaged.add(one)

    async def mend(self) -> None:
        """Add up anew what is damaged."""
        # From the finest to the coarsest, for each is added up from the one below.
        for number, time in sorted(self._damaged):
            await self.close(number, time)
        self.changes += 1
        self._damaged.clear()

    async def _parts(self, number: int, span: tuple[int, int]) -> list[Rollup]:
        """What a rollup is added up from. A damaged row of a tier is told, and computed anew. Raises GarbledError."""
        if number == 0:
            await self._seals.open(*span)
            return [rollup_of_row(row) for row in await self._database.execute(f"{rows_of(None)} ORDER BY time", span)]
        below, parts = self._tiers[number - 1], []
        if number == 1:
            await self._seals.open(*span)
        for row in await self._database.execute(f"{rows_of(below)} ORDER BY time", span):
            try:
                part: Rollup | None = sound_rollup(row)
            except GarbledError as error:
                log.error("the %s until %d was damaged (%s); it is added up anew", below.name, row[0], error)
                part = await self.close(number - 1, row[0])
            if part is not None:
                parts.append(part)
        return parts

    async def close_all(self, times: Sequence[int]) -> None:
        """Close every bucket that one of the times lies in, also one that is not over."""
        self.changes += 1
        for number, tier in enumerate(self._tiers):
            for end in sorted({bucket_end(time, tier.seconds) for time in times}):
                await self.close(number, end)

    async def close_left(self, now: int) -> None:
        """Recompute the newest rollup of each tier and every later one that is over."""
        self.changes += 1
        self.kept = kept_of_row((await self._database.execute(KEPT))[0])
        for number, tier in enumerate(self._tiers):
            ((self._closed[number],),) = await self._database.execute(f"SELECT coalesce(max(time), 0) FROM {tier.name}")
            below = self._tiers[number - 1].name if number else "sample"
            step = tier.seconds
            # What is older than a new tier is added up beside the recording (backfill.py).
            kept_from = f"SELECT kept_from FROM tier WHERE name = '{tier.name}'"
            newest = f"SELECT coalesce(max(time) - {step:d}, ({kept_from}), 0) FROM {tier.name} WHERE time <= ?"
            rows = await self._database.execute(
                f"SELECT DISTINCT (time + {step:d} - 1) / {step:d} * {step:d} FROM {below}"
                f" WHERE time > ({newest}) AND time <= ?",
                (now, now),
            )
            for (end,) in rows:
                if end <= now:
                    await self.close(number, end)
