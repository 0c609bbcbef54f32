"""What a span of the history was like: the share of it that was recorded, its gaps, and when the CPU was busy. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TypeAlias

from cpusensor.model.figures import BUSY
from cpusensor.model.grid import bucket_end, slot_at
from cpusensor.model.histogram import Histogram, quantile
from cpusensor.model.kept import ALL_KEPT, Kept
from cpusensor.model.records import Cause, CoreTicks, Gap, OpenGap, Rollup, Run, Span
from cpusensor.model.rollup import MINUTE

LONG_S = 604_800
"""Seconds of the longest span whose busy stretches are made of minutes."""

QUARTER_HOUR = 900
"""Seconds: the buckets of longer spans."""

ABOVE_MEDIAN = 25
"""Points above the span's median at which a bucket is busy, though it may be below the threshold that was asked for."""

MAX_DIP = 2
"""Buckets that are not busy, or not recorded, between two that are, for these to be one stretch."""

MAX_STRETCHES = 10

ALONE_PERCENT = 90
"""CPU use of a core from which on it is taken to be loaded without a pause."""

ALONE_SHARE = 0.8
"""Of what all cores did above the usual level, what one core did if it alone explains a stretch."""

ALIKE_SHARE = 0.5
"""Of the CPU use of the busiest core, what the idlest one has at least where all are loaded alike."""

BusyTicks: TypeAlias = Mapping[int, int]
"""Busy ticks by the time of their bucket."""


class Spread(StrEnum):
    """Which cores a stretch is the work of."""

    ONE = "one"
    SOME = "some"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time in which the CPU was busy."""

    span: Span
    """Of whole buckets."""
    rollup: Rollup
    """Of the samples inside."""
    spread: Spread | None
    """None where the cores are not known."""

    @property
    def mode(self) -> str:
        """The kind of work with the most ticks."""
        return max(BUSY, key=lambda name: getattr(self.rollup.figures, name) or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A span in a few figures."""

    span: Span
    above: int
    """Whole percent from which on the CPU use counts as high."""
    rollup: Rollup | None
    """Of all samples; None without any."""
    busy: int
    """Busy ticks of all samples; `rollup` leaves out the interrupts if they are not known at all times."""
    max_time: int | None
    """The time of the sample with the highest CPU use, the earliest of equals."""
    slots: int
    """Of the sampling grid, recorded or not."""
    gaps: Mapping[Cause, int]
    """Seconds inside the span."""
    stretches: Sequence[Stretch]
    """In the order of time."""

    @property
    def recorded(self) -> float:
        """The share of the slots that have a sample, 0 to 1 in ten-thousandths, rounded down: 1 if none is missing."""
        if self.rollup is None or not self.slots:
            return 0.0
        # Where the clock was set back, samples may lie between the slots of the run that was there first.
        return min(self.rollup.count, self.slots) * 10_000 // self.slots / 10_000


def count_slots(span: Span, runs: Sequence[Run]) -> int:
    """The slots in a span. From its start on, a run's interval says where they lie; before any run, the first run's."""
    count, begin = 0, span.from_time
    ends = [*(run.started for run in runs[1:]), span.to_time]
    for run, run_end in zip(runs, ends, strict=True):
        # A run whose clock was behind may begin before the one before it.
        end = min(max(run_end, begin), span.to_time)
        count += end // run.interval - begin // run.interval
        begin = end
    return count


def add_gaps(
    seconds: Mapping[Cause, int], gaps: Sequence[Gap], open_gap: OpenGap | None, span: Span
) -> dict[Cause, int]:
    """Seconds by cause with further gaps, each as far as it lies in the span; in the order of the causes."""
    sums = dict(seconds)
    ends = [(gap.cause, gap.from_time, gap.to_time) for gap in gaps]
    if open_gap is not None:
        ends.append((open_gap.cause, open_gap.from_time, span.to_time))
    for cause, begin, end in ends:
        inside = min(end, span.to_time) - max(begin, span.from_time)
        sums[cause] = sums.get(cause, 0) + max(0, inside)
    return {cause: sums[cause] for cause in Cause if sums.get(cause)}


def bucket_step(span: Span, kept: Kept = ALL_KEPT) -> int:
    """Seconds of the buckets that stretches are made of."""
    is_short = span.to_time - span.from_time <= LONG_S and span.from_time >= kept.minute
    return MINUTE if is_short else QUARTER_HOUR


def whole_buckets(span: Span, step: int) -> Span:
    """The buckets of `step` seconds that lie inside the span as a whole."""
    begin = bucket_end(span.from_time, step)
    return Span(from_time=begin, to_time=max(begin, slot_at(span.to_time, step)))


def busy_percent(histogram: Histogram | None, above: int) -> int:
    """The whole percent from which on a bucket is busy; without a median it is `above`."""
    median = quantile(histogram or {}, 500)
    return above if median is None else min(above, median + ABOVE_MEDIAN)


def is_busy(rollup: Rollup, percent: int) -> bool:
    """Whether the CPU use is so many percent or more."""
    return rollup.figures.busy * 100 >= percent * rollup.figures.all


def join(times: Collection[int], step: int) -> list[Span]:
    """Busy buckets joined over dips, in order."""
    spans: list[list[int]] = []
    for time in sorted(times):
        if spans and time - spans[-1][1] <= (MAX_DIP + 1) * step:
            spans[-1][1] = time
        else:
            spans.append([time - step, time])
    return [Span(from_time=begin, to_time=end) for begin, end in spans]


def dips(times: Collection[int], step: int) -> list[int]:
    """The buckets between the busy ones that `join` joins."""
    return [
        time
        for before, after in pairwise(sorted(times))
        if step < after - before <= (MAX_DIP + 1) * step
        for time in range(before + step, after, step)
    ]


def busiest(spans: Sequence[Span], ticks: BusyTicks, step: int) -> list[Span]:
    """The MAX_STRETCHES of the spans with the most busy ticks, the earlier of equals, in the order of time."""

    def total(span: Span) -> int:
        return sum(ticks.get(time, 0) for time in range(span.from_time + step, span.to_time + 1, step))

    chosen = sorted(spans, key=total, reverse=True)[:MAX_STRETCHES]
    return sorted(chosen, key=lambda span: span.from_time)


def spread(cores: tuple[CoreTicks, ...] | None, percent: int) -> Spread | None:
    """Which cores a stretch of buckets with so many percent and more is the work of; None if they are not known.

    One core alone: it was loaded without a pause, and did nearly all that the cores did above the usual level, which is
    ABOVE_MEDIAN points below what makes a bucket busy. All: none was far below the busiest one; so is a single one.
    """
    counted = [core for core in cores or () if core.all]
    if not counted:
        return None
    usual = max(0, percent - ABOVE_MEDIAN)
    rises = [max(0, 100 * core.busy - usual * core.all) for core in counted]
    shares = [core.busy / core.all for core in counted]
    highest = rises.index(max(rises))
    is_loaded = 100 * shares[highest] >= ALONE_PERCENT
    if len(counted) > 1 and is_loaded and rises[highest] >= ALONE_SHARE * sum(rises):
        return Spread.ONE
    return Spread.ALL if min(shares) >= ALIKE_SHARE * max(shares) else Spread.SOME
