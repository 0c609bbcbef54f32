"""What this process costs the machine."""

from cpusensor.kernel.clock import Clock
from cpusensor.kernel.counters import Kernel
from cpusensor.model.records import Cost


class CostMeter:
    """Holds the cost at its own beginning, so that a rate can be computed from any later one."""

    def __init__(self, kernel: Kernel, clock: Clock) -> None:
        self._kernel = kernel
        self._clock = clock
        self._began = kernel.cost(clock.now())

    def read(self) -> tuple[Cost, Cost]:
        """The cost at the beginning, and the cost now."""
        return self._began, self._kernel.cost(self._clock.now())
