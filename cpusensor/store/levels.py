"""The levels of sums in which names are kept, and the rows of a level in a span: loose ones and packed ones."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cpusensor.store.columns import GarbledError, Row
from cpusensor.store.shares import Coded, unpack, unpack_rows

log = logging.getLogger(__name__)

BLAME_COLUMNS = "time, since, shares"
PACKED_COLUMNS = "time, shares"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A table of names: what was read, or the sums of buckets."""

    name: str
    """Of the table."""
    seconds: int
    """Of a bucket; 1 for what was read, which ends at any time."""
    limit: int
    """How many names of each view are kept."""
    packed_s: int | None
    """Seconds of the rows that are packed as one once they are over; None for a level that is not packed."""

    @property
    def packed(self) -> str:
        """The name of the table of packed rows."""
        return f"{self.name}_packed"


TICKS = Level(name="blame_tick", seconds=1, limit=10, packed_s=3600)
LEVELS = (
    TICKS,
    Level(name="blame_minute", seconds=60, limit=10, packed_s=3600),
    Level(name="blame_quarter_hour", seconds=900, limit=20, packed_s=86_400),
    Level(name="blame_quarter_day", seconds=21_600, limit=50, packed_s=None),
)
"""From what was read to the coarsest sums. Each is added up from the one before, before that is cut."""

TABLES = tuple(table for level in LEVELS for table in (level.name, *([level.packed] if level.packed_s else [])))
"""All of them, and those of packed rows."""

Tell = Callable[[str, int, GarbledError], None]
"""Hears of a row that is damaged: its table, its time, and what is wrong."""


def rows_between(level: Level) -> str:
    """The query for what is needed of a level in (from, to], whose arguments are `arguments_between`."""
    loose = f"SELECT {BLAME_COLUMNS} FROM {level.name} WHERE time > ? AND time <= ?"
    if level.packed_s is None:
        return loose
    return f"{loose} UNION ALL SELECT time, NULL, shares FROM {level.packed} WHERE time > ? AND time < ?"


def arguments_between(level: Level, from_time: int, to_time: int) -> tuple[int, ...]:
    """The arguments of that query."""
    loose = from_time, to_time
    return loose if level.packed_s is None else (*loose, from_time, to_time + level.packed_s)


def closed_until(level: Level) -> str:
    """The query for how far a level goes in a span until a time, which is its argument as often as it has marks."""
    loose = f"SELECT max(time) FROM {level.name} WHERE time <= ?"
    if level.packed_s is None:
        return f"SELECT ({loose})"
    packed = f"SELECT min(max(time), ?) FROM {level.packed} WHERE time < ? + {level.packed_s:d}"
    return f"SELECT max(coalesce(({loose}), 0), coalesce(({packed}), 0))"


def read_rows(level: Level, rows: Sequence[Row], from_time: int, to_time: int, tell: Tell) -> list[Coded]:
    """The rows in (from, to], in order; a damaged one is told and left out."""
    found: dict[int, Coded] = {}
    for time, since, blob in rows:
        if since is not None:
            try:
                found[time] = unpack(time, since, blob)
            except GarbledError as error:
                tell(level.name, time, error)
    # A loose row is newer than one that is packed: the clock was set back.
    newer = list(found.values())
    for end, since, blob in rows:
        if since is None:
            try:
                packed = unpack_rows(blob, end)
            except GarbledError as error:
                tell(level.packed, end, error)
                continue
            begin = end - (level.packed_s or 0)
            above = [one for one in newer if begin < one.time and one.since < end]
            for one in packed:
                if from_time < one.time <= to_time and not any(_replaces(level, row, one) for row in above):
                    found[one.time] = one
    return [found[time] for time in sorted(found)]


def _replaces(level: Level, newer: Coded, older: Coded) -> bool:
    """Whether a row stands for one that was packed before it, because the clock was set back."""
    if not newer.since < older.time <= newer.time:
        return False
    # What a sum holds may have ended before its bucket did, and what comes next begins there.
    return level is TICKS or newer.since <= older.since or newer.time == older.time


def tell_damaged(table: str, time: int, error: GarbledError) -> None:
    """Log that a row is left out."""
    log.error("the row of %s until %d is damaged (%s) and is left out", table, time, error)


def rows_in(level: Level, time: int, since: int | None, blob: bytes) -> list[Coded]:
    """What a row of a level holds, loose or packed. Raises GarbledError, also for times outside the row."""
    rows = unpack_rows(blob, time) if since is None else [unpack(time, since, blob)]
    begin = time - (level.packed_s or 0) if since is None else (since or 0)
    if any(row.since >= row.time or not begin < row.time <= time for row in rows):
        raise GarbledError("it holds times that lie outside")
    return rows
