"""When names are worth reading, and how often that may be. Pure.

Reading them at every tick would cost more than all other recording. So it is done when there is something to explain,
else once a minute, and less often where it costs more than it is worth: where there are tens of thousands of processes.
"""

from collections import deque
from dataclasses import dataclass

from cpusensor.model.rollup import MINUTE

BUSY_SHARE = 0.05
"""CPU time by the time that passed, from which there is something to explain: 0.25 s in 5 s."""

BUSY_EVERY_S, IDLE_EVERY_S = 5, MINUTE
"""Seconds between two readings with something to explain, and without, so that there always is a difference."""

MAX_OF_CORE, MAX_OF_BUSY = 0.005, 0.02
"""So much CPU time may readings take: of the time that passes, and of the busy time that they explain."""

WINDOW_S = 600
"""Over so long both are averaged."""

MAX_DOUBLINGS = 6
"""Then 5 s are 5 min, and a minute is an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """One reading, and what it explained."""

    time: int
    since: int
    """UTC Unix seconds of this reading and of the one before."""
    cost_us: int
    """What as many readings would have cost as there are in the same time when nothing is doubled."""
    busy_us: int


class Pace:
    """Decides at each sample whether names are to be read."""

    def __init__(self) -> None:
        self._read_at: int | None = None
        self._paid: deque[Paid] = deque()
        self.doublings = 0
        """How often the intervals are doubled at present."""

    @property
    def every_s(self) -> int:
        """Seconds between two readings while there is something to explain."""
        return BUSY_EVERY_S << self.doublings

    def is_due(self, time: int, elapsed_ms: int, busy_us: int) -> bool:
        """Whether to read at the sample that ends at `time`; it took so long, and the CPUs worked so much in it."""
        if self._read_at is None or time < self._read_at:
            return True
        is_busy = busy_us >= BUSY_SHARE * 1000 * elapsed_ms
        every_s = BUSY_EVERY_S if is_busy else IDLE_EVERY_S
        return time - self._read_at >= every_s << self.doublings

    def begin(self, time: int) -> None:
        """A reading was asked for at the sample that ends at `time`."""
        self._read_at = time

    def pay(self, since: int, time: int, busy_us: int, cost_us: int) -> None:
        """A reading that explains (since, time] took so much CPU time."""
        self._paid.append(Paid(time=time, since=since, cost_us=cost_us << self.doublings, busy_us=busy_us))
        # Of a clock that was set back the window begins anew.
        while not time - WINDOW_S < self._paid[0].time <= time:
            self._paid.popleft()
        self.doublings = self._needed_doublings(time)

    def _needed_doublings(self, now: int) -> int:
        """The fewest with which the readings of the window would have stayed within both limits."""
        cost_us = sum(one.cost_us for one in self._paid)
        busy_us = sum(one.busy_us for one in self._paid)
        allowed_us = min(MAX_OF_CORE * 1e6 * (now - self._paid[0].since), MAX_OF_BUSY * busy_us)
        fitting = (doublings for doublings in range(MAX_DOUBLINGS) if cost_us <= allowed_us * 2**doublings)
        return next(fitting, MAX_DOUBLINGS)
