"""The time and the sampling grid. The only module that reads a clock."""

import asyncio
import time
from typing import Protocol

from cpusensor.records import Moment

EARLIEST = 946_684_800
"""The year 2000: an older time is that of a clock that was never set."""

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What the service knows of time; a test gives one that it advances itself."""

    def now(self) -> Moment:
        """The present instant on all three clocks."""

    def wall(self) -> float:
        """The wall-clock time alone."""

    async def sleep_until(self, monotonic: float) -> None:
        """Return once the monotonic clock has reached `monotonic` (seconds), at once if it has passed."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Moment:
        """The present instant, read in one go. Without a boot-time clock the monotonic one stands in for it."""
        return Moment(wall=time.time(), monotonic=time.monotonic(), boottime=time.clock_gettime(_BOOTTIME))

    def wall(self) -> float:
        """UTC Unix time, in a third of the time that all three take."""
        return time.time()

    async def sleep_until(self, monotonic: float) -> None:
        """Sleep towards an absolute deadline, so that nothing drifts."""
        await asyncio.sleep(max(0.0, monotonic - time.monotonic()))


def slot_at(wall: float, interval: int) -> int:
    """The newest grid point at or before a wall-clock time, in UTC seconds: a multiple of `interval`."""
    return int(wall // interval) * interval


def due_slot(wall: float, expected: int, interval: int) -> int:
    """The slot that a reading at `wall` belongs to when `expected` was waited for.

    A little early or late is still the expected slot; a whole step late, and it is the newest one.
    """
    return expected if wall < expected + interval else slot_at(wall, interval)
