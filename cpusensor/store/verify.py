"""Asks SQLite whether the whole file is sound: seconds for a year of it."""

import math

from cpusensor.store.database import RECENT_S, Database, ReadError, is_damage


async def find_damage(database: Database) -> str | None:
    """What SQLite's quick check finds first (pragma.html#pragma_quick_check), None if the file is sound.

    Raises ReadError if it cannot be asked.
    """
    try:
        # As for a long range, whose connection may be busy for seconds, and without a timeout.
        rows = await database.read(RECENT_S + 1, "PRAGMA quick_check(1)", (), timeout_s=math.inf)
    except ReadError as error:
        if is_damage(error.__cause__):
            return str(error.__cause__)
        raise
    return None if rows == [("ok",)] else str(rows[0][0])
