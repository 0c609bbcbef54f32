"""The history as a reader sees it: what is committed, with what is published but not committed yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from cpusensor.model.blame import Blame
from cpusensor.model.buckets import names_for
from cpusensor.model.figures import TOP
from cpusensor.model.gaps import hole
from cpusensor.model.grid import bucket_end
from cpusensor.model.query import LEADERS, Answer, Query, Question, choose_grid
from cpusensor.model.records import CoreTicks, Gap, Measured, OpenGap, Sample, Span
from cpusensor.model.rollup import sum_cores
from cpusensor.recording.recorder import Recorder
from cpusensor.store.opening import History
from cpusensor.store.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What the database does not have yet, at one instant."""

    interval: int
    """Seconds between two samples of the present run."""
    waiting: Sequence[Measured] = ()
    """Published and not committed, in order."""
    newest: Sample | None = None
    """The sample committed last."""
    open_gap: OpenGap | None = None


def pending(history: History, recorder: Recorder) -> Pending:
    """What is pending now. To be asked before the database is read: a commit meanwhile then counts no sample twice."""
    return Pending(
        interval=history.runs.present.interval,
        waiting=recorder.committer.waiting(),
        newest=history.writer.newest,
        open_gap=recorder.open_gap(),
    )


async def answer(asked: Query, now: float, history: History, recorder: Recorder) -> Answer:
    """What was recorded in the range that is asked for. Raises BadRequestError, ReadError and GarbledError."""
    present = pending(history, recorder)
    question = await choose(asked, history.reader, present)
    found = await look_up(question, now, history.reader, present)
    step, kept = question.grid.step, history.reader.kept
    leaders = await _leaders(question, history) if TOP in question.series else {}
    return replace(found, kept_from=kept.since(step) or history.backfill.kept_from(step), kept=kept, leaders=leaders)


async def _leaders(question: Question, history: History) -> Mapping[int, Blame]:
    """Who used the CPU most in each bucket, as far as it is stored."""
    grid = question.grid
    return await history.culprits.buckets(Span(from_time=grid.floor, to_time=grid.end), grid.step, LEADERS)


async def choose(asked: Query, reader: Reader, present: Pending) -> Question:
    """The grid for what is asked for. Raises as `answer`."""
    intervals = await reader.intervals(asked.from_time, asked.to_time)
    # A run without a committed sample is not among them yet.
    if not intervals or any(asked.from_time < one.sample.time <= asked.to_time for one in present.waiting):
        intervals = intervals | {present.interval}
    return Question(grid=choose_grid(asked, intervals, reader.kept), interval=min(intervals), series=asked.series)


async def look_up(question: Question, now: float, reader: Reader, present: Pending) -> Answer:
    """What was recorded on a grid. Raises ReadError and GarbledError."""
    grid = question.grid
    waiting = [one for one in present.waiting if grid.floor < one.sample.time <= grid.to_time]
    # The database is read only up to the backlog.
    until = min(grid.end, waiting[0].sample.time - 1) if waiting else grid.end
    samples = [one.sample for one in waiting if one.sample.time <= grid.end]
    # Of the whole backlog: the first sample inside the range follows the one before it, which may wait as well.
    coming = gaps_before(present.waiting, present.newest, present.interval)
    names = names_for(question.series, with_extremes=grid.step > question.interval)
    # First, for of a sealed hour they need all that the buckets do, and then it is unpacked once.
    cores = await reader.cores(grid.floor, until, grid.step) if "cores" in question.series else None
    buckets = await reader.buckets(grid.floor, until, grid.step, names)
    gaps = await reader.gaps(grid.from_time, grid.to_time, now)
    steps = await reader.clock_steps(grid.from_time, grid.to_time)
    return Answer(
        grid=grid,
        interval=question.interval,
        buckets=buckets.followed_by(samples, grid.step),
        cores={} if cores is None else _extend_cores(cores, samples, grid.step),
        gaps=[*gaps, *(one for one in coming if one.from_time < grid.to_time and one.to_time > grid.from_time)],
        open_gap=present.open_gap if present.open_gap and present.open_gap.from_time < grid.to_time else None,
        clock_steps=[*steps, *(step for one in waiting for step in one.clock_steps)],
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
