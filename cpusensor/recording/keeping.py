"""Stores who used the CPU, after the samples and beside them: it neither delays nor fails any."""

import asyncio
import logging
from collections import deque

from cpusensor.kernel.clock import Clock
from cpusensor.model.accounts import Baseline
from cpusensor.model.blame import Blame
from cpusensor.model.grid import bucket_end
from cpusensor.model.rollup import MINUTE
from cpusensor.recording.health import Part, Problems
from cpusensor.store.database import ReadError, WriteError
from cpusensor.store.opening import History

log = logging.getLogger(__name__)

MAX_WAITING = 720
"""Readings that are kept in memory while the database takes none: an hour of them."""

PACK_EVERY_S = 600.0
"""Seconds between two looks for what is over."""

CLOSE_TIMEOUT_S = 0.2
"""Seconds to write what is left when the service ends."""


class Keeper:
    """Queues what was read, and writes it as soon as the database takes it."""

    def __init__(
        self, *, clock: Clock, history: History, problems: Problems, commit_interval: int, keep_ticks_s: int
    ) -> None:
        """`commit_interval` is how many seconds a reading may wait for its commit, at most to the end of its minute.

        After `keep_ticks_s` of what was read for single ticks its minutes are left.
        """
        self._clock = clock
        self._history = history
        self._problems = problems
        self._commit_interval = commit_interval
        self._keep_ticks_s = keep_ticks_s
        self._waiting: deque[Blame] = deque(maxlen=MAX_WAITING)
        self._is_due = asyncio.Event()
        self._is_writing = False
        self._pack_at = 0.0
        self._baseline: Baseline | None = None
        """The newest one."""
        self._baseline_at: int | None = None
        """From which time on the next one is stored; None for any."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is due and nothing is being written."""
        return not self._is_due.is_set() and not self._is_writing

    def waiting(self) -> list[Blame]:
        """What is not stored yet, in order."""
        return list(self._waiting)

    def take(self, blame: Blame, baseline: Baseline) -> None:
        """Queue what was read, and remember from what the next reading is counted. It never waits."""
        self._baseline = baseline
        self._waiting.append(blame)
        is_last_of_minute = not blame.time % MINUTE
        if not self._commit_interval or not blame.time % self._commit_interval or is_last_of_minute:
            self._is_due.set()

    async def write(self) -> None:
        """Wait until something is due and store it; what is refused is tried again with the next reading."""
        await self._is_due.wait()
        self._is_due.clear()
        self._is_writing = True
        try:
            await self._write_waiting()
            await self._pack()
        except (ReadError, WriteError) as error:
            if self._problems.begin(Part.NAMES, f"who uses the CPU cannot be stored: {error}"):
                log.error("who uses the CPU cannot be stored (%s); keeping the newest %d readings", error, MAX_WAITING)
        else:
            if self._problems.end(Part.NAMES):
                log.warning("who uses the CPU is stored again")
        finally:
            self._is_writing = False

    async def close(self) -> None:
        """Write the rest of the queue."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                self._baseline_at = None
                await self._write_waiting()
        except (WriteError, TimeoutError) as error:
            log.warning("who used the CPU last could not be stored (%s)", str(error) or "the disk does not answer")

    async def _write_waiting(self) -> None:
        blames, baseline = tuple(self._waiting), self._baseline
        if baseline is not None and self._baseline_at is not None:
            # Once a minute: what was read since is read again after a crash.
            baseline = baseline if baseline.time >= self._baseline_at else None
        if blames or baseline is not None:
            await self._history.blames.add(blames, baseline)
        if baseline is not None:
            self._baseline_at = bucket_end(baseline.time + 1, MINUTE)
        # Others may have come meanwhile, and have pushed out as many of these if they were too many.
        stored = set(map(id, blames))
        while self._waiting and id(self._waiting[0]) in stored:
            self._waiting.popleft()

    async def _pack(self) -> None:
        """Pack what is over, now and then."""
        now = self._clock.now()
        if now.monotonic < self._pack_at:
            return
        self._pack_at = now.monotonic + PACK_EVERY_S
        while await self._history.blames.pack_next(now.wall):
            pass
        await self._history.blames.forget_ticks(int(now.wall) - self._keep_ticks_s)


async def keep_forever(keeper: Keeper) -> None:
    """Store what is read, as it becomes due."""
    while True:
        await keeper.write()
