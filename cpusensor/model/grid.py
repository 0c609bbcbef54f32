"""The sampling grid: the slots on which samples lie, and how far back they are at hand. Pure."""

REPLAY_S = 3600
"""How far before the newest sample a stream may resume."""

EARLIEST = 946_684_800
"""The year 2000: an older time is that of a clock that was never set."""


def slot_at(wall: float, interval: int) -> int:
    """The newest grid point at or before a wall-clock time, in UTC seconds: a multiple of `interval`."""
    return int(wall // interval) * interval


def due_slot(wall: float, expected: int, interval: int) -> int:
    """The slot that a reading at `wall` belongs to when `expected` was waited for.

    A little early or late is still the expected slot; a whole step late, and it is the newest one.
    """
    return expected if wall < expected + interval else slot_at(wall, interval)


def bucket_end(time: int, step: int) -> int:
    """The end of the bucket (end - step, end] that a time lies in: the next multiple of `step`, or the time itself."""
    return -(-time // step) * step
