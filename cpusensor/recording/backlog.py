"""A bounded queue of samples that are not committed yet: while the database refuses them, the oldest are lost."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cpusensor.model.gaps import first_cause
from cpusensor.model.records import Cause, Measured, Tick


class Backlog:
    """Samples in the order in which they were measured."""

    def __init__(self, limit: int) -> None:
        """At most `limit` samples."""
        self._limit = limit
        self._waiting: deque[Measured] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Measured]:
        return iter(self._waiting)

    def append(self, measured: Measured) -> None:
        """Append a sample. Over the limit the oldest is dropped, and the next one gets the cause of the gap."""
        self._waiting.append(measured)
        if len(self._waiting) <= self._limit:
            return
        # What the lost sample had to report is still true: the gap began before it.
        lost = self._waiting.popleft()
        oldest = self._waiting[0]
        cause = first_cause({lost.cause, oldest.cause, Cause.UNWRITTEN})
        self._waiting[0] = replace(oldest, cause=cause, clock_steps=lost.clock_steps + oldest.clock_steps)

    def remove(self, stored: Sequence[Tick]) -> None:
        """Remove the samples that were committed."""
        # By time, for a stored sample may have another run than the one in the queue.
        times = {tick.sample.time for tick in stored}
        self._waiting = deque(one for one in self._waiting if one.sample.time not in times)
