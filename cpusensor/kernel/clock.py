"""The machine's clocks. The only module that reads one."""

import asyncio
import time
from collections.abc import Iterable
from typing import Protocol

from cpusensor.model.records import Moment

_SCHED = 2
"""The clock of a process that the scheduler charges, in nanoseconds (CPUCLOCK_SCHED, linux/posix-timers.h)."""

# Only Linux has one; elsewhere no suspension is noticed.
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """The clocks as the service reads them; a test gives a clock that it advances itself."""

    def now(self) -> Moment:
        """The present instant on all three clocks."""

    def wall(self) -> float:
        """The wall-clock time alone, in UTC Unix seconds."""

    async def sleep_until(self, monotonic: float) -> None:
        """Return once the monotonic clock has reached `monotonic` (seconds), at once if it has passed."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Moment:
        """The present instant, read in one go. Without a boot-time clock the monotonic one stands in for it."""
        return Moment(wall=time.time(), monotonic=time.monotonic(), boottime=time.clock_gettime(_BOOTTIME))

    def wall(self) -> float:
        """UTC Unix seconds; one clock takes a third of the time of all three, and is read for every answer."""
        return time.time()

    async def sleep_until(self, monotonic: float) -> None:
        """Sleep towards an absolute deadline, so that nothing drifts."""
        await asyncio.sleep(max(0.0, monotonic - time.monotonic()))


def cpu_us_of(pids: Iterable[int]) -> dict[int, int]:
    """The CPU time of all threads that each process has and had, in microseconds; without those that are gone.

    By the process's own clock (clock_getcpuclockid(3), whose number is computed here as there): that takes less than a
    microsecond and no descriptor, where /proc/<pid>/stat takes twenty, and is exact, where that counts in 10 ms. Every
    user may read every process's. Linux only.
    """
    read, clocks = time.clock_gettime_ns, {}
    for pid in pids:
        try:
            clocks[pid] = read(~pid << 3 | _SCHED) // 1000
        # A loop over a thousand: any call or context in it would cost as much again.
        except OSError:
            continue
    return clocks


def thread_cpu_us() -> int:
    """The CPU time of the calling thread, in microseconds."""
    return time.thread_time_ns() // 1000
