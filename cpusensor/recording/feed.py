"""Publishes what was committed to its follower."""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Protocol

from cpusensor.model.records import Cause, Gap, Rollup, Sample, Tick

RECENT = 100
"""Ticks that are kept for who asks every few seconds: no query is needed for them."""


class Follower(Protocol):
    """Receives every tick. Its methods never wait."""

    def publish(self, tick: Tick) -> None:
        """Take a tick."""

    def tell(self, degraded: str | None) -> None:
        """Take what is wrong with the recording now, None if nothing is."""


class Feed:
    """Publishes each sample once; the first one after a commit carries the gaps and rollups that the commit closed.

    A sample is published after its commit, or before it where the commit is late or may wait.
    """

    def __init__(self, follower: Follower, newest: Sample | None) -> None:
        """`newest` is the sample published last in an earlier run."""
        self._follower = follower
        self._samples: list[Sample] = []
        self._closed: list[Gap | Rollup] = []
        self._told: str | None = None
        self.newest = newest
        """The sample published last; None before the first ever."""
        self.recent: deque[Tick] = deque(maxlen=RECENT)
        """The ticks published last."""
        self.gap_seconds: Counter[Cause] = Counter()
        """Seconds in the gaps that were published, by cause."""

    def add(self, sample: Sample) -> None:
        """A sample was measured, and waits to be published."""
        self._samples.append(sample)

    def committed(self, ticks: Sequence[Tick]) -> None:
        """Entries were committed, in order."""
        for tick in ticks:
            self._closed += tick.closed

    def publish(self) -> None:
        """Publish every sample that was added since the last time."""
        for sample in self._samples:
            # With the first sample only: what was closed is sent once.
            closed, self._closed = tuple(self._closed), []
            for gap in (one for one in closed if isinstance(one, Gap)):
                self.gap_seconds[gap.cause] += gap.to_time - gap.from_time
            self.newest = sample
            tick = Tick(sample=sample, closed=closed)
            self.recent.append(tick)
            self._follower.publish(tick)
        self._samples.clear()

    def is_published(self, sample: Sample) -> bool:
        """Whether the sample was published."""
        # By identity: comparing all figures of all that wait would cost more.
        return all(waiting is not sample for waiting in self._samples)

    def tell(self, degraded: str | None) -> None:
        """Pass on what is wrong with the recording, None if nothing is; only if it has changed."""
        if degraded != self._told:
            self._told = degraded
            self._follower.tell(degraded)
