"""What this process costs the machine."""

from cpusensor.kernel.clock import Clock
from cpusensor.kernel.counters import Kernel
from cpusensor.model.records import Cost


class CostMeter:
    """Remembers what had been used when it was made, so that a rate can be told."""

    def __init__(self, kernel: Kernel, clock: Clock) -> None:
        self._kernel = kernel
        self._clock = clock
        self._began = kernel.cost(clock.now())

    def read(self) -> tuple[Cost, Cost]:
        """What this process had used then, and what it has used by now."""
        return self._began, self._kernel.cost(self._clock.now())
