"""The sampling grid: the slots on which samples lie, and how far back a stream resumes. Pure."""

REPLAY_S = 3600
"""Seconds before the newest sample from which a stream may resume: the range that a page shows."""

EARLIEST = 946_684_800
"""The year 2000, in UTC Unix seconds: an earlier time comes from a clock that was never set."""


def slot_at(wall: float, interval: int) -> int:
    """The newest grid point at or before a wall-clock time, in UTC seconds: a multiple of `interval`."""
    return int(wall // interval) * interval


def due_slot(wall: float, expected: int, interval: int) -> int:
    """The slot that a reading at `wall` belongs to, if `expected` was the slot that it was scheduled for.

    A reading less than a step late is labelled with the expected slot; a later one with the newest slot before it.
    """
    # A timer may fire a little early: rounding down would then label the slot before, which is taken.
    return expected if wall < expected + interval else slot_at(wall, interval)


def bucket_end(time: int, step: int) -> int:
    """The end of the bucket (end - step, end] that a time lies in: the next multiple of `step`, or the time itself."""
    # Rounds up: an interval is named by its end, and Python's // rounds down.
    return -(-time // step) * step
