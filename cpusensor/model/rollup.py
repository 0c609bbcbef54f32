"""Samples -> a minute, minutes -> anything longer. Pure.

A mean is the sum of busy ticks over the sum of all ticks, which is the difference of the kernel's counters, and never a
mean of percentages.
"""

from collections.abc import Sequence

from cpusensor.model.records import CoreTicks, Rollup, Sample
from cpusensor.model.usage import basis_points, sum_known, sum_ticks

MINUTE = 60
"""Seconds."""

RELIABLE = (0.80, 1.20)
"""Counted over expected ticks of a minute. A load in step with the timer was seen at 0.53 and 1.47, a plain guest with
steal at 0.94 to 1.07."""


def bucket_end(time: int, step: int) -> int:
    """The end of the bucket (end - step, end] that a time lies in: the next multiple of `step`, or the time itself."""
    return -(-time // step) * step


def closed_minutes(previous: int | None, time: int) -> list[int]:
    """The ends of the minutes that a sample at `time` closes, the sample at `previous` being the one before.

    That is its own minute if it is the last slot of it, and before that the minute of the previous sample if no sample
    fell on its last slot.
    """
    ends = {bucket_end(time, MINUTE)}
    if previous is not None and previous < time and previous % MINUTE:
        ends.add(bucket_end(previous, MINUTE))
    return sorted(end for end in ends if end <= time)


def as_rollup(sample: Sample) -> Rollup:
    """A sample as the rollup of itself alone."""
    use = basis_points(sample.ticks.busy, sample.ticks.all)
    return Rollup(
        time=sample.time,
        count=1,
        elapsed_ms=sample.elapsed_ms,
        ticks=sample.ticks,
        expected=sample.expected,
        cpu_min_bp=use,
        cpu_max_bp=use,
        load_centi=sample.load_centi,
        pressure_us=sample.pressure_us,
        cores=sample.cores,
    )


def is_reliable(rollup: Rollup) -> bool:
    """Whether as many ticks were counted as the clock says; if not, the load and the timer were in step."""
    lowest, highest = RELIABLE
    return rollup.expected == 0 or lowest * rollup.expected <= rollup.ticks.all <= highest * rollup.expected


def roll_up(parts: Sequence[Rollup], time: int) -> Rollup | None:
    """One rollup that ends at `time` out of its parts, in any order; None for no parts."""
    ticks = sum_ticks([part.ticks for part in parts])
    if ticks is None:
        return None
    return Rollup(
        time=time,
        count=sum(part.count for part in parts),
        elapsed_ms=sum(part.elapsed_ms for part in parts),
        ticks=ticks,
        expected=sum(part.expected for part in parts),
        cpu_min_bp=min(part.cpu_min_bp for part in parts),
        cpu_max_bp=max(part.cpu_max_bp for part in parts),
        load_centi=sum_known([part.load_centi for part in parts]),
        pressure_us=sum_known([part.pressure_us for part in parts]),
        cores=sum_cores([part.cores for part in parts if part.cores is not None]),
    )


def sum_cores(parts: Sequence[tuple[CoreTicks, ...]]) -> tuple[CoreTicks, ...] | None:
    """The ticks of each core added up; of parts with different numbers of cores, only those like the newest count."""
    if not parts:
        return None
    alike = [part for part in parts if len(part) == len(parts[-1])]
    return tuple(
        CoreTicks(busy=sum(core.busy for core in same), all=sum(core.all for core in same))
        for same in zip(*alike, strict=True)
    )
