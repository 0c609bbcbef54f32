"""Has hours that are over for long sealed, hour by hour, where neither a sample nor a reader waits for it."""

import asyncio
import logging
from collections.abc import Callable

from cpusensor.recording.health import Part, Problems
from cpusensor.recording.upkeep import LOG_S, REST, RETRY_S
from cpusensor.store.database import ReadError, WriteError
from cpusensor.store.opening import History
from cpusensor.store.sealed import HOUR

log = logging.getLogger(__name__)

LULL_S = 0.1
"""Seconds before the next reading in which nothing is begun: to seal an hour takes less."""

IDLE_S = 10.0
"""Seconds between two looks at whether something is to be sealed."""

WORTH_TELLING = 7 * 24
"""Of fewer hours nobody notices that they are being sealed."""


class Sealer:
    """Seals what is older than so many seconds before the newest sample, by whatever clock that was recorded."""

    def __init__(
        self, history: History, problems: Problems, keep_rows_s: int, seconds_left: Callable[[], float]
    ) -> None:
        """`seconds_left` tells how long it is until the next reading."""
        self._history = history
        self._problems = problems
        self._keep_rows_s = keep_rows_s
        self._seconds_left = seconds_left
        self._has_failed = False
        self._done, self._logged = 0, 0.0

    async def seal_forever(self) -> None:
        """Seal all that is due, and look again after a while."""
        now = asyncio.get_running_loop().time
        while True:
            left = self._seconds_left()
            if 0 <= left < LULL_S:
                await asyncio.sleep(left + LULL_S)
            began = now()
            try:
                has_worked = await self._work()
            except (ReadError, WriteError) as error:
                if not self._has_failed:
                    log.warning("older hours are not sealed or given up (%s); again every %g s", error, RETRY_S)
                self._has_failed, has_worked = True, False
                await asyncio.sleep(RETRY_S)
            else:
                self._has_failed = False
            self._tell(now(), has_worked=has_worked)
            await asyncio.sleep(REST * (now() - began) if has_worked else IDLE_S)

    async def _work(self) -> bool:
        """One slice of work; False if there is none. Raises ReadError and WriteError."""
        history, newest = self._history, self._history.writer.newest
        # Older history is still to be added up or taken in, from rows; then it is sealed.
        if newest is None or history.is_being_completed:
            return False
        # The newest sample stays a row.
        until = (newest.time - max(self._keep_rows_s, 1)) // HOUR * HOUR
        if await history.sealing.seal_slice(until) or await self._keep_limit(newest.time):
            return True
        return await history.limit.give_back() or await history.sealing.give_back()

    async def _keep_limit(self, newest: int) -> bool:
        """Make room in a file that has reached its limit; False if there is enough, or nothing may go."""
        limit, sealing = self._history.limit, self._history.sealing
        has_worked = await limit.is_exceeded() and (
            # Earlier than it was asked for: that loses nothing.
            await sealing.seal_slice(await limit.protected_from(newest)) or await limit.give_up(newest)
        )
        self._tell_missing(limit.missing)
        return has_worked

    def _tell_missing(self, missing: int | None) -> None:
        """Note, and log once, that the limit cannot be kept, or is kept again."""
        if missing is None:
            if self._problems.end(Part.LIMIT):
                log.warning("the database is within its limit again")
            return
        text = f"the database takes {-(-missing >> 20)} MiB more than --max-size allows, and none of it may be given up"
        if self._problems.begin(Part.LIMIT, text):
            log.error("%s: it is of the last day, or longer than a minute; allow for more", text)

    def _tell(self, now: float, *, has_worked: bool) -> None:
        """Log how far it is, if it takes long."""
        if not has_worked and self._done > WORTH_TELLING:
            log.warning("all older hours are sealed")
        self._done = self._done + 1 if has_worked else 0
        if self._done > WORTH_TELLING and now - self._logged >= LOG_S:
            self._logged = now
            log.warning("older hours are being sealed, so that they take less room: %d done", self._done)
