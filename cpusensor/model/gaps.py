"""Two neighbouring records -> the gap between them: its cause, and the CPU use that the counters prove. Pure."""

from collections.abc import Iterable, Sequence
from heapq import nlargest
from itertools import groupby

from cpusensor.model.figures import TICKS_PER_SECOND
from cpusensor.model.records import Cause, Gap, MergedGaps, Moment, Run, Sample

TOLERANCE_S = 1.0
"""Clocks that differ by no more were read unevenly or slewed: adjtimex(2) slews by at most 0.5 ms a second."""

PLAUSIBLE = (0.25, 2.0)
"""Counted ticks divided by those that fit into the time of the gap. Outside of this the counters do not cover it."""

MAX_GAPS = 2000
"""Of one answer: more than a screen has pixels."""

WHOLE_GAPS, CELLS = 500, 998
"""How many of the longest are told by themselves, and into how many parts of the span the others are put together: each
of the long ones may cut one part in two, which makes MAX_GAPS in all."""

# The counters begin anew at a boot, need not run during a suspension, and a stepped clock leaves the length unknown.
_UNPROVEN = frozenset({Cause.REBOOTED, Cause.SUSPENDED, Cause.CLOCK})
_ORDER = list(Cause)


def clock_step(before: Moment, after: Moment) -> float:
    """By how many seconds the wall clock was set forward (back: negative) between two instants."""
    return (after.wall - before.wall) - (after.boottime - before.boottime)


def interruption(before: Moment, after: Moment) -> Cause | None:
    """What makes the interval between two instants of one run unfit for a sample, None if nothing does."""
    slept = (after.boottime - before.boottime) - (after.monotonic - before.monotonic)
    # Asked first: a clock is often set right after waking up, and the suspension is then the reason.
    if slept > TOLERANCE_S:
        return Cause.SUSPENDED
    if abs(clock_step(before, after)) > TOLERANCE_S:
        return Cause.CLOCK
    return None


def restart_cause(before: Run, after: Run) -> Cause:
    """Why one run followed another."""
    if before.boot_id != after.boot_id:
        return Cause.REBOOTED
    return Cause.CRASHED if before.ended is None else Cause.STOPPED


def first_cause(causes: Iterable[Cause]) -> Cause:
    """The first in the order of `Cause`. Without any, nothing but the loop itself can have stood still."""
    return min(causes, key=_ORDER.index, default=Cause.STALLED)


def hole(before: Sample, after: Sample, interval: int, cause: Cause) -> Gap | None:
    """The gap between two neighbouring samples, `interval` seconds a slot; None if no slot between them is empty."""
    # Its last slot is the one before the sample, whose own slot is not empty.
    to_time = after.time - interval
    if to_time <= before.time:
        return None
    busy, all_ticks = _proven(before, after, cause) or (None, None)
    return Gap(from_time=before.time, to_time=to_time, cause=cause, busy=busy, all=all_ticks)


def merge_short(gaps: Sequence[Gap], from_time: int, to_time: int) -> Sequence[Gap | MergedGaps]:
    """The gaps of a span, in order; of more than MAX_GAPS the short ones that lie close together as one."""
    if len(gaps) <= MAX_GAPS:
        return gaps
    longest = {gap.from_time for gap in nlargest(WHOLE_GAPS, gaps, key=_length)}
    cell = max(1, (to_time - from_time) // CELLS)
    # A long gap has a group of its own and ends that of the short ones before it.
    groups = groupby(gaps, lambda gap: (gap.from_time in longest and gap.from_time, gap.from_time // cell))
    return [_merge(list(group)) for _, group in groups]


def _merge(gaps: Sequence[Gap]) -> Gap | MergedGaps:
    if len(gaps) == 1:
        return gaps[0]
    return MergedGaps(
        from_time=gaps[0].from_time,
        to_time=gaps[-1].to_time,
        count=len(gaps),
        seconds=sum(map(_length, gaps)),
        causes=tuple(sorted({gap.cause for gap in gaps}, key=_ORDER.index)),
    )


def _length(gap: Gap) -> int:
    return gap.to_time - gap.from_time


def _proven(before: Sample, after: Sample, cause: Cause) -> tuple[int, int] | None:
    """Busy and all ticks in the gap: what the running totals rose by, less what the second sample covers.

    None for other boots or CPUs, and for totals that do not fit the time. After a stall the second sample covers the
    gap itself; then its own ticks are the answer, for its mean is the mean of both.
    """
    if cause in _UNPROVEN or not _same_cpus(before, after):
        return None
    all_ticks = after.total_all - before.total_all - after.figures.all
    busy = after.total_busy - before.total_busy - after.figures.busy
    # Not exactly zero: a counter that fell a little counts as 0 in the figures, but lowers the totals.
    if abs(all_ticks) * 100 < after.figures.all:
        return after.figures.busy, after.figures.all
    passed_s = after.time - before.time - after.figures.elapsed_ms / 1000
    if not 0 <= busy <= all_ticks or not is_plausible(passed_s, all_ticks, len(after.cores or ())):
        return None
    return busy, all_ticks


def is_plausible(passed_s: float, all_ticks: int, cpus: int) -> bool:
    """Whether so many CPUs counted about as many ticks as there is room for in the time that passed."""
    lowest, highest = PLAUSIBLE
    room = TICKS_PER_SECOND * passed_s * cpus
    # What is shorter than the clocks are exact proves nothing against the counters.
    return passed_s <= TOLERANCE_S or lowest * room <= all_ticks <= highest * room


def _same_cpus(before: Sample, after: Sample) -> bool:
    if before.cores is None or after.cores is None:
        return False
    return [core.cpu for core in before.cores] == [core.cpu for core in after.cores]
