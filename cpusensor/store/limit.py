"""Keeps the file within a size: of what is sealed the oldest samples go first, then the oldest minutes.

What is longer than a minute is never given up, and nothing of the last day that was recorded. Which hours are old is
told by their order alone, never by a clock: one that is set years ahead makes nothing older than it was.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cpusensor.model.kept import COARSE
from cpusensor.model.rollup import TIERS
from cpusensor.model.times import time_text
from cpusensor.store.columns import Row
from cpusensor.store.database import RECENT_S, Database
from cpusensor.store.levels import LEVELS, Level
from cpusensor.store.rollups import Rollups
from cpusensor.store.sealed import HOUR

log = logging.getLogger(__name__)

SPARE = 1 << 20
"""Bytes of the limit that stay free: the file does not grow beyond it between two looks."""

PROTECTED = 86_400 // COARSE
"""Quarters of an hour that were recorded last: nothing of their samples and minutes is given up."""

HOURS_A_SLICE, BYTES_A_SLICE = 24, 128 << 10
"""Given up at a time: less than a millisecond or two of writing."""

PAGES_A_SLICE = 32
"""Given back to the disk at a time, likewise."""

SIZE = "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"

PROTECTED_FROM = f"""SELECT time - {COARSE} FROM {TIERS[1].name} WHERE time <= ?
    ORDER BY time DESC LIMIT 1 OFFSET {PROTECTED - 1}"""
"""When the last day begins that was recorded until a time; no row where there is less than a day."""

UNCOUNTED = f"""SELECT time FROM sealed_hour WHERE time IN ({{times}}) AND count > (SELECT coalesce(sum(later.count), 0)
    FROM {TIERS[1].name} AS later WHERE later.time > sealed_hour.time - {HOUR} AND later.time <= sealed_hour.time)"""
"""Those of some hours that hold more samples than their quarters of an hour tell of."""

KEEP_FROM = """INSERT INTO tier(name, kept_from) VALUES (?, ?)
    ON CONFLICT(name) DO UPDATE SET kept_from = max(kept_from, excluded.kept_from)"""


class Detail(NamedTuple):
    """A resolution that is given up."""

    name: str
    """Of its table, and in `tier`."""
    words: str
    find: str
    """The query for the oldest hours that have it, and how long their blobs are."""
    give_up: str
    blames: Level
    """Who used the CPU, as finely."""


SAMPLES = Detail(
    "sample",
    "samples",
    f"""SELECT time, length(samples) FROM sealed_hour INDEXED BY sealed_hour_with_samples
        WHERE samples IS NOT NULL AND time <= ? ORDER BY time LIMIT {HOURS_A_SLICE}""",
    "UPDATE sealed_hour SET samples = NULL WHERE time IN ({times})",
    LEVELS[0],
)
MINUTES = Detail(
    TIERS[0].name,
    "minutes",
    f"""SELECT time, length(minutes) FROM sealed_hour
        WHERE samples IS NULL AND time <= ? ORDER BY time LIMIT {HOURS_A_SLICE}""",
    "DELETE FROM sealed_hour WHERE time IN ({times})",
    LEVELS[1],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Of the file, in bytes."""

    whole: int
    used: int
    """Without the pages that are free."""
    page: int


class Limit:
    """The limit of the open file; None for none. One slice of work is done at a time."""

    def __init__(self, database: Database, rollups: Rollups, size: int | None) -> None:
        self._database = database
        self._rollups = rollups
        self._size = size
        self._told: set[str] = set()
        self._counted: set[int] = set()
        """Hours whose quarters were added up anew."""
        self.missing: int | None = None
        """Bytes that cannot be freed, for what takes them is never given up; None while the limit is kept."""

    async def protected_from(self, newest: int) -> int:
        """The hour from which on nothing is given up, `newest` being the sample written last; 0 if all is younger."""
        rows = await self._database.read(RECENT_S + 1, PROTECTED_FROM, (newest,))
        return rows[0][0] // HOUR * HOUR if rows else 0

    async def is_exceeded(self) -> bool:
        """Whether something has to go. Raises ReadError."""
        if self._size is None:
            return False
        is_exceeded = (await self._measure()).used > self._size - SPARE
        if not is_exceeded:
            self.missing = None
        return is_exceeded

    async def give_up(self, newest: int) -> bool:
        """Give up what is oldest, if anything may be; as `protected_from`. Raises ReadError and WriteError."""
        until = await self.protected_from(newest)
        for detail in (SAMPLES, MINUTES):
            found = await self._database.read(RECENT_S + 1, detail.find, (until,))
            if found:
                await self._give_up(detail, _slice_of(found))
                return True
        # The limit is given where there is something to give up.
        self.missing = (await self._measure()).used - (self._size or 0) + SPARE
        return False

    async def give_back(self) -> bool:
        """Give free pages to the disk while the file is larger than the limit; False if it is not, or has none."""
        if self._size is None:
            return False
        size = await self._measure()
        excess = min(size.whole - self._size, size.whole - size.used)
        if excess <= 0:
            return False
        await self._database.vacuum(min(PAGES_A_SLICE, -(-excess // size.page)))
        return (await self._measure()).whole < size.whole

    async def _measure(self) -> Size:
        ((pages, free, page),) = await self._database.read(RECENT_S + 1, SIZE, ())
        return Size(whole=pages * page, used=(pages - free) * page, page=page)

    async def _give_up(self, detail: Detail, hours: Sequence[int]) -> None:
        """Give up a detail of some hours, all of what is older with it."""
        times, until = ",".join(map(str, hours)), hours[-1]
        async with self._database.transaction():
            if await self._count_again(times):
                return
            await self._database.execute(detail.give_up.format(times=times))
            for table in (detail.blames.name, detail.blames.packed):
                await self._database.execute(f"DELETE FROM {table} WHERE time <= ?", (until,))
            await self._database.execute(KEEP_FROM, (detail.name, until))
        self._note(detail, until)

    async def _count_again(self, times: str) -> bool:
        """Add up the quarters of an hour that lack samples: they are all that will be left. False if none does."""
        uncounted = {time for (time,) in await self._database.execute(UNCOUNTED.format(times=times))} - self._counted
        for end in sorted(uncounted):
            await self._rollups.close_between(TIERS[1], end - HOUR, end)
        # Once: what cannot be unpacked stays as it is counted.
        self._counted |= uncounted
        return bool(uncounted)

    def _note(self, detail: Detail, until: int) -> None:
        self._rollups.keep(detail.name, until)
        self.missing = None
        # Once in a run: from now on it happens every hour, and the answers tell since when what is there.
        if detail.name not in self._told:
            self._told.add(detail.name)
            size = (self._size or 0) >> 20
            log.warning(
                "at the limit of %d MiB the oldest %s are given up, until %s", size, detail.words, time_text(until)
            )


def _slice_of(found: Sequence[Row]) -> list[int]:
    """The first hours, by their lengths no more than BYTES_A_SLICE, one at least."""
    hours: list[int] = []
    length = 0
    for time, size in found:
        length += size or 0
        if hours and length > BYTES_A_SLICE:
            break
        hours.append(time)
    return hours
