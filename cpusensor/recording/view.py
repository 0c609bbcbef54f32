"""The history as a reader sees it: what is committed, with what is published but not committed yet."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from cpusensor.model.buckets import names_for
from cpusensor.model.gaps import hole, merge_short
from cpusensor.model.grid import bucket_end
from cpusensor.model.query import Answer, Query, choose_grid
from cpusensor.model.records import CoreTicks, Gap, Measured, Sample
from cpusensor.model.rollup import sum_cores
from cpusensor.recording.recorder import Recorder
from cpusensor.store.opening import History


async def answer(asked: Query, now: float, history: History, recorder: Recorder) -> Answer:
    """What was recorded in the range that is asked for. Raises BadRequestError, ReadError and GarbledError."""
    # The database is read only up to the backlog: a commit during the query then counts no sample twice.
    reader, own = history.reader, history.runs.present.interval
    open_gap, backlog = recorder.open_gap(), recorder.committer.waiting()
    # Of the whole backlog: the first sample inside the range follows the one before it, which may wait as well.
    coming = gaps_before(backlog, history.writer.newest, own)
    waiting = [one for one in backlog if asked.from_time < one.sample.time <= asked.to_time]
    intervals = await reader.intervals(asked.from_time, asked.to_time)
    # A run without a committed sample is not among them yet.
    if waiting or not intervals:
        intervals = intervals | {own}
    grid = choose_grid(asked, intervals)
    until = min(grid.end, waiting[0].sample.time - 1) if waiting else grid.end
    samples = [one.sample for one in waiting if one.sample.time <= grid.end]
    interval = min(intervals)
    names = names_for(asked.series, with_extremes=grid.step > interval)
    buckets = await reader.buckets(grid.floor, until, grid.step, names)
    cores = await reader.cores(grid.floor, until, grid.step) if "cores" in asked.series else None
    gaps = await reader.gaps(asked.from_time, asked.to_time, now)
    steps = await reader.clock_steps(asked.from_time, asked.to_time)
    return Answer(
        grid=grid,
        interval=interval,
        buckets=buckets.followed_by(samples, grid.step),
        cores={} if cores is None else _extend_cores(cores, samples, grid.step),
        gaps=merge_short(
            [*gaps, *(one for one in coming if one.from_time < asked.to_time and one.to_time > asked.from_time)],
            asked.from_time,
            asked.to_time,
        ),
        open_gap=open_gap if open_gap and open_gap.from_time < asked.to_time else None,
        clock_steps=[*steps, *(step for one in waiting for step in one.clock_steps)],
        kept_from=history.backfill.kept_from(grid.step),
    )


def gaps_before(waiting: Sequence[Measured], newest: Sample | None, interval: int) -> list[Gap]:
    """The gaps that the commit of these samples will store, `newest` being the last one that is committed."""
    samples = [newest, *(one.sample for one in waiting)]
    pairs = zip(pairwise(samples), waiting, strict=True) if waiting else ()
    found = (hole(before, after, interval, one.cause) for (before, after), one in pairs if before and after)
    return [gap for gap in found if gap is not None]


def _extend_cores(
    cores: Mapping[int, tuple[CoreTicks, ...]], samples: Sequence[Sample], step: int
) -> dict[int, tuple[CoreTicks, ...]]:
    """The sums of each core, by the bucket's time, with further samples."""
    extended = dict(cores)
    for sample in samples:
        end = bucket_end(sample.time, step)
        parts = [part for part in (extended.get(end), sample.cores) if part is not None]
        merged = sum_cores(parts)
        if merged is not None:
            extended[end] = merged
    return extended
