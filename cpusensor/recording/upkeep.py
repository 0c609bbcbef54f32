"""Work on the history as a whole, beside the recording: it ends by itself, and waits for whatever is more urgent."""

import asyncio
import logging

from cpusensor.kernel.clock import Clock
from cpusensor.recording.health import Part, Problems
from cpusensor.store.database import ReadError, WriteError
from cpusensor.store.file import StorageError
from cpusensor.store.opening import History

log = logging.getLogger(__name__)

REST = 2
"""Times as long as a slice took is waited before the next one: upkeep must not be the load that is recorded."""

RETRY_S = 5.0
"""Seconds until what failed is tried again."""

LOG_S = 10.0
"""Seconds between two lines of progress."""

WORTH_TELLING_S = 7 * 86_400
"""Of less history the answers are quick without it, and it is added up before anybody could have read of it."""


async def verify_after_crash(history: History, clock: Clock) -> None:
    """Check the whole database once after a crash; for a year of history that takes seconds."""
    try:
        await history.verify(clock.wall())
    except (ReadError, StorageError, WriteError) as error:
        log.error("the database could not be verified (%s)", error)


async def fill_tiers(history: History, problems: Problems) -> None:
    """Add up what was recorded before this version, so that long ranges are quick; tells how far it is."""
    now = asyncio.get_running_loop().time
    whole_s = history.backfill.left_s
    logged, has_failed = now(), False
    while history.backfill.is_pending:
        started = now()
        try:
            await history.backfill.fill_slice()
        except (ReadError, WriteError) as error:
            if not has_failed:
                log.warning("older history cannot be added up (%s); trying again every %g s", error, RETRY_S)
            has_failed = True
            await asyncio.sleep(RETRY_S)
            continue
        has_failed = False
        if whole_s > WORTH_TELLING_S:
            done = 1 - history.backfill.left_s / whole_s
            problems.begin(
                Part.FILLING, f"older history is being added up, until then long ranges are slow: {done:.0%}"
            )
            if now() - logged >= LOG_S:
                logged = now()
                log.info("older history is being added up for long ranges: %.0f %%", 100 * done)
        await asyncio.sleep(REST * (now() - started))
    if problems.end(Part.FILLING):
        log.info("all of the history is added up")
