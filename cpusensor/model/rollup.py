"""Samples -> a minute, minutes -> anything longer. Pure.

A mean is the sum of busy ticks over the sum of all ticks, which is the difference of the kernel's counters, and never a
mean of percentages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cpusensor.model.figures import Figures, add_up, basis_points
from cpusensor.model.grid import bucket_end
from cpusensor.model.histogram import Histogram, merge, point_of
from cpusensor.model.records import CoreTicks, Rollup, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A length of interval whose rollups are stored."""

    name: str
    """Of the table."""
    seconds: int
    has_histogram: bool
    """Of a finer one the samples are few enough to be counted when they are asked for."""


MINUTE = 60
"""Seconds."""

TIERS = (
    Tier(name="minute", seconds=MINUTE, has_histogram=False),
    # Not the hour: where clocks are half an hour or three quarters off UTC, no day begins with one.
    Tier(name="quarter_hour", seconds=900, has_histogram=True),
    Tier(name="quarter_day", seconds=21_600, has_histogram=True),
)
"""From the finest to the coarsest. The first is added up from samples, and the stream sends its rollups. Each further
one is added up from the one before, of whose length it is a multiple."""

RELIABLE = (0.80, 1.20)
"""Counted over expected ticks. A load in step with the timer was seen at 0.53 and 1.47, a plain guest with
steal at 0.94 to 1.07."""


def closed_buckets(previous: int | None, time: int, step: int) -> list[int]:
    """The ends of the buckets that a sample at `time` closes, the sample at `previous` being the one before.

    That is its own bucket if it is the last slot of it, and before that the bucket of the previous sample if no sample
    fell on its last slot.
    """
    # A bucket whose last slot is missing is only known to be over once a later sample comes.
    ends = {bucket_end(time, step)}
    if previous is not None and previous < time and previous % step:
        ends.add(bucket_end(previous, step))
    return sorted(end for end in ends if end <= time)


def as_rollup(sample: Sample) -> Rollup:
    """A sample as the rollup of itself alone."""
    use = basis_points(sample.figures.busy, sample.figures.all)
    return Rollup(
        time=sample.time,
        count=1,
        figures=sample.figures,
        cpu_min_bp=use,
        cpu_max_bp=use,
        cores=sample.cores,
        histogram={point_of(use): sample.figures.elapsed_ms},
    )


UNRELIABLE_RUN = 3
"""Samples in a row. A single one is counted unevenly now and then, the ticks of one interval landing in the next."""


def is_reliable(figures: Figures) -> bool:
    """Whether about as many ticks were counted as the clock says; if not, load and timer were in step."""
    return is_accounted(figures.all, figures.expected)


def is_accounted(counted: int, expected: int) -> bool:
    """Whether about as many ticks were counted as are expected."""
    lowest, highest = RELIABLE
    # An interval too short for one expected tick proves nothing.
    return expected == 0 or lowest * expected <= counted <= highest * expected


def roll_up(parts: Sequence[Rollup], time: int) -> Rollup | None:
    """One rollup that ends at `time` out of its parts, in any order; None for no parts."""
    figures = add_up([part.figures for part in parts])
    if figures is None:
        return None
    return Rollup(
        time=time,
        count=sum(part.count for part in parts),
        figures=figures,
        cpu_min_bp=min(part.cpu_min_bp for part in parts),
        cpu_max_bp=max(part.cpu_max_bp for part in parts),
        cores=sum_cores([part.cores for part in parts if part.cores is not None]),
        histogram=_merge_known([part.histogram for part in parts]),
    )


def _merge_known(parts: Sequence[Histogram | None]) -> Histogram | None:
    """The parts added up; None, not known, if one of them is not."""
    known = [part for part in parts if part is not None]
    return merge(known) if len(known) == len(parts) else None


def extend(buckets: Sequence[Rollup], samples: Sequence[Sample], step: int) -> list[Rollup]:
    """Buckets of `step` seconds with further samples, none of them older than the newest bucket begins."""
    extended = {bucket.time: bucket for bucket in buckets}
    for sample in samples:
        end, one = bucket_end(sample.time, step), as_rollup(sample)
        merged = roll_up([extended[end], one] if end in extended else [one], end)
        if merged is not None:
            extended[end] = merged
    return list(extended.values())


def sum_cores(parts: Sequence[tuple[CoreTicks, ...]]) -> tuple[CoreTicks, ...] | None:
    """The ticks of each CPU added up over the parts that know it, by its number; None for no parts."""
    if not parts:
        return None
    # By number and not by position: a CPU may be taken offline between two parts.
    sums: dict[int, tuple[int, int]] = {}
    for core in (core for part in parts for core in part):
        busy, all_ticks = sums.get(core.cpu, (0, 0))
        sums[core.cpu] = busy + core.busy, all_ticks + core.all
    return tuple(CoreTicks(cpu=cpu, busy=busy, all=all_ticks) for cpu, (busy, all_ticks) in sorted(sums.items()))
