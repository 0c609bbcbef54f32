"""Since when samples and minutes are kept, where a limit of the file has taken older ones away. Pure.

What is longer than a minute is kept for ever.
"""

from dataclasses import dataclass

from cpusensor.model.grid import bucket_end, slot_at
from cpusensor.model.records import Span
from cpusensor.model.rollup import MINUTE, TIERS

COARSE = TIERS[1].seconds
"""Seconds of the finest rollups that no limit takes away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Times after which there is all of it; 0: from the first on. Samples go first, so theirs is never the earlier."""

    sample: int = 0
    minute: int = 0

    def since(self, step: int) -> int:
        """After which time buckets of `step` seconds can be made; 0 for all times."""
        if step % COARSE == 0:
            return 0
        return self.sample if step % MINUTE else self.minute

    def reaches(self, step: int, time: int) -> bool:
        """Whether buckets of `step` seconds can be made from that time on."""
        since = self.since(step)
        # A time before 1970 comes of a long range, and begins with the first sample.
        return not since or since <= time

    def finest(self, time: int) -> int:
        """Seconds of the finest rollups that are kept of a time; 1 where its samples are."""
        if time >= self.sample:
            return 1
        return MINUTE if time >= self.minute else COARSE

    def inside(self, span: Span) -> Span:
        """What of a span can be added up: the whole rollups inside it, at an end of which no samples are kept."""
        begin = bucket_end(span.from_time, self.finest(span.from_time))
        end = slot_at(span.to_time, self.finest(span.to_time))
        return Span(from_time=begin, to_time=max(begin, end))


ALL_KEPT = Kept()
