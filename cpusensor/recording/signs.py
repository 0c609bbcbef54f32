"""What several readings in a row show of unreliable counters. Pure."""

from cpusensor.model.figures import Figures
from cpusensor.model.rollup import UNRELIABLE_RUN, is_reliable

REPORTED_RUN = 3
"""Ticks in a row without a sample, or without a CPU, before that is reported: one or two are normal after a start, and
after a CPU was plugged in."""


class Signs:
    """Counts how often the same happened in a row."""

    def __init__(self) -> None:
        self.clock_step_s = 0.0
        """By how many seconds the clock was found set forward (back: negative) at the last reading."""
        self._missed = 0
        self._reason = "no two readings fit together"
        self._unreliable = 0
        self._left_out: dict[int, int] = {}

    def miss(self, reason: str) -> None:
        """Note why the present tick gives no sample."""
        self._reason = reason

    def ticked(self, figures: Figures | None, left_out: tuple[int, ...] = ()) -> None:
        """Note the end of a tick: the figures of its sample, if it gave one, and the CPUs that are left out of them."""
        # Without a sample nothing is learned of the CPUs: their counts stay.
        if figures is None:
            self._missed += 1
            return
        self._missed = 0
        self._unreliable = 0 if is_reliable(figures) else self._unreliable + 1
        if left_out or self._left_out:
            self._left_out = {cpu: self._left_out.get(cpu, 0) + 1 for cpu in left_out}

    @property
    def are_good(self) -> bool:
        """Whether the last tick gave a sample with which nothing is wrong."""
        return not (self._missed or self._unreliable or self._left_out)

    @property
    def is_blind(self) -> bool:
        """Whether nothing is recorded now."""
        return self._missed >= REPORTED_RUN

    @property
    def blindness(self) -> str | None:
        """Why nothing is recorded; None while there are samples."""
        return f"nothing is recorded: {self._reason}" if self.is_blind else None

    @property
    def miscount(self) -> str | None:
        """That the figures are unreliable, in words; None while as many ticks are counted as the clock says."""
        if self._unreliable < UNRELIABLE_RUN:
            return None
        return "the figures are unreliable: the kernel accounts for less or more CPU time than there is"

    @property
    def missing_cpus(self) -> str | None:
        """Which CPUs are left out of the figures, in words; None while none is."""
        numbers = [str(cpu) for cpu, times in sorted(self._left_out.items()) if times >= REPORTED_RUN]
        return f"left out, for their counters make no sense: CPU {', '.join(numbers)}" if numbers else None
