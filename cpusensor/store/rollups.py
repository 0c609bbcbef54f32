"""Keeps each rollup equal to the sum of its parts. Works inside the transactions of its callers."""

from collections.abc import Sequence

from cpusensor.model.grid import bucket_end
from cpusensor.model.records import Rollup
from cpusensor.model.rollup import Tier, closed_buckets, roll_up
from cpusensor.store.columns import ROLLUP_COLUMNS, rollup_of_row, row_of_rollup
from cpusensor.store.database import Database
from cpusensor.store.statements import SAMPLE_AS_ROLLUP, insert, rows_of_tier


class Rollups:
    """The stored tiers. Every method is idempotent: each rollup is computed anew from its parts."""

    def __init__(self, database: Database, tiers: Sequence[Tier]) -> None:
        self._database = database
        self._tiers = tiers

    async def close_after(self, time: int, previous: int | None, highest: int) -> list[Rollup]:
        """Close the buckets that a sample at `time` closes; returns the rollups of the finest tier.

        `previous` is the time of the sample before, `highest` that of the last slot of the history: a sample before it
        may lie in a bucket that is closed already.
        """
        finest: list[Rollup] = []
        for number, tier in enumerate(self._tiers):
            # From the finest to the coarsest, for each tier is added up from the one below.
            own = bucket_end(time, tier.seconds)
            if own <= highest:
                await self.close(number, own)
            closed = [await self.close(number, end) for end in closed_buckets(previous, time, tier.seconds)]
            if number == 0:
                finest = [rollup for rollup in closed if rollup]
        return finest

    async def close(self, number: int, end: int) -> Rollup | None:
        """Store the rollup of a tier that ends at `end`, computed from its parts; None, and no row, for no parts."""
        tier = self._tiers[number]
        rows = await self._database.execute(f"{self._parts(number)} ORDER BY time", (end - tier.seconds, end))
        rollup = roll_up([rollup_of_row(row) for row in rows], end)
        if rollup is None:
            await self._database.execute(f"DELETE FROM {tier.name} WHERE time = ?", (end,))
            return None
        await self._database.execute(insert(tier.name, ROLLUP_COLUMNS), row_of_rollup(rollup))
        return rollup

    async def close_all(self, times: Sequence[int]) -> None:
        """Close every bucket that one of the times lies in, also one that is not over."""
        for number, tier in enumerate(self._tiers):
            for end in sorted({bucket_end(time, tier.seconds) for time in times}):
                await self.close(number, end)

    async def close_left(self, now: int) -> None:
        """Recompute the newest rollup of each tier and every later one that is over."""
        for number, tier in enumerate(self._tiers):
            below = self._tiers[number - 1].name if number else "sample"
            step = tier.seconds
            newest = f"SELECT coalesce(max(time) - {step:d}, 0) FROM {tier.name} WHERE time <= ?"
            rows = await self._database.execute(
                f"SELECT DISTINCT (time + {step:d} - 1) / {step:d} * {step:d} FROM {below}"
                f" WHERE time > ({newest}) AND time <= ?",
                (now, now),
            )
            for (end,) in rows:
                if end <= now:
                    await self.close(number, end)

    def _parts(self, number: int) -> str:
        """The query for what the rollups of a tier are made of: those of the tier below, or samples."""
        return rows_of_tier(self._tiers[number - 1].name) if number else SAMPLE_AS_ROLLUP
