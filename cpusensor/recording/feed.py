"""What was committed -> who follows it."""

from collections.abc import Sequence
from typing import Protocol

from cpusensor.model.records import Entry, Gap, Rollup, Sample


class Follower(Protocol):
    """Who is told of every entry; it never makes anybody wait."""

    def publish(self, entry: Entry) -> None:
        """Take an entry."""

    def tell(self, degraded: str | None) -> None:
        """Take what is wrong with the recording now, None if nothing is."""


class Feed:
    """Publishes each sample once, and with the first one after a commit what that commit closed.

    A sample is published after it was committed; where the commit may be late, before.
    """

    def __init__(self, follower: Follower, newest: Sample | None) -> None:
        """`newest` is the sample published last in an earlier run."""
        self._follower = follower
        self._samples: list[Sample] = []
        self._closed: list[Gap | Rollup] = []
        self._told: str | None = None
        self.newest = newest
        """The sample published last; None before the first ever."""

    def add(self, sample: Sample) -> None:
        """A sample was measured, and waits to be published."""
        self._samples.append(sample)

    def committed(self, entries: Sequence[Entry]) -> None:
        """Entries were committed, in order."""
        for entry in entries:
            self._closed += entry.closed

    def publish(self) -> None:
        """Publish what waits for it."""
        for sample in self._samples:
            closed, self._closed = tuple(self._closed), []
            self.newest = sample
            self._follower.publish(Entry(sample=sample, closed=closed))
        self._samples.clear()

    def is_published(self, sample: Sample) -> bool:
        """Whether it does not wait any more."""
        return all(waiting is not sample for waiting in self._samples)

    def tell(self, degraded: str | None) -> None:
        """Tell how the recording fares, if that has changed."""
        if degraded != self._told:
            self._told = degraded
            self._follower.tell(degraded)
