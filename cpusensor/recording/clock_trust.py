"""Whether the wall clock can be trusted, and the right times of samples that were measured while it could not. Pure.

A board without a clock of its own starts with the time of its last shutdown, or in 1970, and is set right when it finds
a network. What it measures until then must neither be lost nor overwrite what was recorded before.
"""

from dataclasses import replace

from cpusensor.model.grid import EARLIEST
from cpusensor.model.records import Measured, Moment

DOUBT_S = 3600
"""Seconds for which a clock that is behind the history is not trusted. After that the history is taken to be wrong, as
recorded by a clock that once was in 2099."""

NOT_SET = "the clock stands before the year 2000; nothing is recorded until it is set"
BEHIND = "the clock stands behind what was recorded before; what is measured waits until it is set, an hour at most"


class ClockTrust:
    """Watches the clock from the start of a run until it can be trusted; later it doubts only a time before 2000."""

    def __init__(self, began: Moment, reached: int | None, interval: int) -> None:
        """`reached` is the time up to which an earlier boot recorded; None without one."""
        self.began = began
        """The start of the run, by the clock as it was then."""
        self._reached = reached
        self._interval = interval
        self._stepped_s = 0.0
        self.doubt = self._doubt(began)
        """Why the clock is not trusted, in words; None once it is."""

    def follow(self, now: Moment, clock_step_s: float) -> bool:
        """Note the clock, and by how much it was just set. Returns whether it is trusted now but was not before."""
        if self.doubt is None:
            # Even a clock that was right may be set to an impossible time, and back.
            self.doubt = NOT_SET if now.wall < EARLIEST else None
            self._stepped_s = 0.0
            return False
        self._stepped_s += clock_step_s
        self.doubt = self._doubt(now)
        return self.doubt is None

    def correct_time(self, measured: Measured) -> Measured | None:
        """A sample that was measured while the clock was in doubt, with its time by the clock that is trusted now.

        None where an earlier boot recorded: when nobody set the clock, but it went on until it had caught up.
        """
        # Whole slots, the same for all: each sample keeps a slot of its own.
        by = round(self._stepped_s / self._interval) * self._interval
        time = measured.sample.time + by
        if self._reached is not None and time <= self._reached:
            return None
        return replace(measured, sample=replace(measured.sample, time=time))

    def _doubt(self, now: Moment) -> str | None:
        if now.wall < EARLIEST:
            return NOT_SET
        # On the boot-time clock, which no setting of the wall clock moves.
        if now.boottime - self.began.boottime >= DOUBT_S:
            self._reached = None
        # The slot of the newest sample is taken until it is over.
        is_behind = self._reached is not None and now.wall < self._reached + self._interval
        return BEHIND if is_behind else None
