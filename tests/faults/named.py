"""Names in a history of a fault: readings of a second of CPU time each, and whether every one counts once."""

import sqlite3
from contextlib import closing
from pathlib import Path

from cpusensor.model.blame import Blame
from cpusensor.model.records import Span
from cpusensor.store.levels import TICKS, arguments_between, read_rows, rows_between, tell_damaged
from cpusensor.store.opening import open_history
from tests.blames import blame, process, unit
from tests.fakes import START

LATE_S = 864_000
"""By so much the clock of the packing is ahead, so that what is over is packed at once."""


def reading(since: int, time: int) -> Blame:
    """One that finds a second of one unit and of its process."""
    return blame(time, unit("writer.service"), process("writer"), since=since)


async def names_in(path: Path, now: int) -> tuple[list[int], int]:
    """The times of all readings until now, and the seconds of CPU time in the sums over all of them."""
    with closing(sqlite3.connect(path)) as connection:
        arguments = arguments_between(TICKS, START, now)
        rows = connection.execute(rows_between(TICKS), arguments).fetchall()
    times = [row.time for row in read_rows(TICKS, rows, START, now, tell_damaged)]
    async with open_history(path, now) as store:
        found = await store.culprits.over(Span(from_time=START, to_time=now))
    return times, found.blame.units[0].cpu_us // 1_000_000 if found else 0
