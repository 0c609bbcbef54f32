"""Whether the wall clock can be believed, and where samples belong that were measured while it could not. Pure.

A board without a clock of its own starts with the time of its last shutdown, or in 1970, and is set right when it finds
a network. What it measures until then must neither be lost nor overwrite what was recorded before.
"""

from dataclasses import replace

from cpusensor.model.grid import EARLIEST
from cpusensor.model.records import Measured, Moment

DOUBT_S = 3600
"""For how long a clock that stands behind the history is not believed. After that it is the history that is taken to be
wrong, recorded by a clock that once stood in 2099."""

NOT_SET = "the clock stands before the year 2000; nothing is recorded until it is set"
BEHIND = "the clock stands behind what was recorded before; what is measured waits until it is set, an hour at most"


class ClockTrust:
    """Follows the clock from the start of a run until it can be believed, and from then on believes it."""

    def __init__(self, began: Moment, reached: int | None, interval: int) -> None:
        """`reached` is the time up to which an earlier boot recorded; None without one."""
        self.began = began
        """When the run began, by the clock as it was."""
        self._reached = reached
        self._interval = interval
        self._stepped_s = 0.0
        self.doubt = self._doubt(began)
        """Why the clock is not believed, in words; None once it is."""

    def follow(self, now: Moment, clock_step_s: float) -> bool:
        """Look at the clock, which was just set by so many seconds; whether it is believed from now on."""
        if self.doubt is None:
            # Even a clock that was right may be set to where no clock can stand, and back.
            self.doubt = NOT_SET if now.wall < EARLIEST else None
            self._stepped_s = 0.0
            return False
        self._stepped_s += clock_step_s
        self.doubt = self._doubt(now)
        return self.doubt is None

    def place(self, measured: Measured) -> Measured | None:
        """A sample that was measured in doubt, at the time that it has on the clock as it is believed now.

        All of them move by the same number of slots, so that each keeps one of its own. None where an earlier boot
        recorded, as when nobody set the clock but it went on until it had caught up with the history.
        """
        by = round(self._stepped_s / self._interval) * self._interval
        time = measured.sample.time + by
        if self._reached is not None and time <= self._reached:
            return None
        return replace(measured, sample=replace(measured.sample, time=time))

    def _doubt(self, now: Moment) -> str | None:
        if now.wall < EARLIEST:
            return NOT_SET
        if now.boottime - self.began.boottime >= DOUBT_S:
            self._reached = None
        # The slot of the newest sample is taken until it is over.
        is_behind = self._reached is not None and now.wall < self._reached + self._interval
        return BEHIND if is_behind else None
