"""A span in a few figures, as a reader sees it: what is committed, with what is published but not committed yet."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from cpusensor.model.query import SummaryQuery
from cpusensor.model.records import Measured, OpenGap, Sample, Span
from cpusensor.model.rollup import as_rollup, extend, roll_up
from cpusensor.model.summary import (
    Stretch,
    Summary,
    add_gaps,
    bucket_step,
    busiest,
    busy_percent,
    count_slots,
    dips,
    is_busy,
    join,
    spread,
    whole_buckets,
)
from cpusensor.recording.recorder import Recorder
from cpusensor.recording.view import gaps_before
from cpusensor.store.opening import History
from cpusensor.store.summaries import Summaries, Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What is not in the database yet."""

    now: int
    """UTC Unix seconds."""
    waiting: Sequence[Measured]
    """Samples that are published but not committed, in order."""
    open_gap: OpenGap | None
    """The gap that goes on now."""


async def summarize(asked: SummaryQuery, now: float, history: History, recorder: Recorder) -> Summary:
    """The span that is asked for in a few figures. Raises ReadError and GarbledError."""
    waiting, open_gap = recorder.committer.waiting(), recorder.open_gap()
    return await sum_up(asked, history, Present(now=int(now), waiting=waiting, open_gap=open_gap))


async def sum_up(asked: SummaryQuery, history: History, present: Present) -> Summary:
    """As above, of a history and what is to be added to it."""
    kept = history.reader.kept
    span, waiting, newest = kept.inside(asked.span), present.waiting, history.writer.newest
    runs = tuple(history.runs.known)
    parts = Divided(span, [one.sample for one in waiting])
    whole = await whole_of(history.summaries, parts)
    # A gap that the backlog ends may be stored meanwhile.
    known_until = newest.time if waiting and newest else present.now
    seconds = await history.summaries.seconds_by_cause(span, known_until)
    gaps = gaps_before(waiting, newest, history.runs.present.interval)
    stretches: Sequence[Stretch] = []
    if whole is not None:
        step = bucket_step(span, kept)
        percent = busy_percent(whole.rollup.histogram, asked.above)
        stretches = await _stretches(history.summaries, parts, step, percent)
    return Summary(
        span=span,
        above=asked.above,
        rollup=whole.rollup if whole else None,
        busy=whole.busy if whole else 0,
        max_time=whole.max_time if whole else None,
        slots=count_slots(span, runs),
        gaps=add_gaps(seconds, gaps, present.open_gap, span),
        stretches=stretches,
    )


class Divided:
    """A span, divided into what is committed and the samples that wait for it."""

    def __init__(self, span: Span, waiting: Sequence[Sample]) -> None:
        self.span = span
        self._waiting = waiting

    def committed(self, span: Span) -> Span:
        """What of a span inside this one is to be read from the database."""
        # Only up to the backlog: a commit during the query then counts no sample twice.
        first = min((one.time for one in self.uncommitted(span)), default=span.to_time + 1)
        return Span(from_time=span.from_time, to_time=first - 1)

    def uncommitted(self, span: Span) -> list[Sample]:
        """The samples inside it that wait."""
        return [one for one in self._waiting if span.from_time < one.time <= span.to_time]


async def whole_of(summaries: Summaries, parts: Divided) -> Whole | None:
    """The span added up; None without a sample."""
    found = await summaries.whole(parts.committed(parts.span))
    waiting = [as_rollup(one) for one in parts.uncommitted(parts.span)]
    rollup = roll_up([*([found.rollup] if found else []), *waiting], parts.span.to_time)
    if rollup is None:
        return None
    busy = sum(one.figures.busy for one in waiting) + (found.busy if found else 0)
    if found is not None and found.rollup.cpu_max_bp == rollup.cpu_max_bp:
        return Whole(rollup=rollup, busy=busy, max_time=found.max_time)
    highest = next(one.time for one in waiting if one.cpu_max_bp == rollup.cpu_max_bp)
    return Whole(rollup=rollup, busy=busy, max_time=highest)


async def _stretches(summaries: Summaries, parts: Divided, step: int, percent: int) -> list[Stretch]:
    """The stretches of buckets of `step` seconds whose CPU use is so many percent or more."""
    span = whole_buckets(parts.span, step)
    ticks, others = await summaries.busy_buckets(parts.committed(span), step, percent)
    others = extend(others, parts.uncommitted(span), step)
    ticks = {**ticks, **{one.time: one.figures.busy for one in others if is_busy(one, percent)}}
    # Beside the event loop: ten years may hold tens of thousands.
    joined, between = await asyncio.to_thread(lambda: (join(ticks, step), dips(ticks, step)))
    inside = {
        **ticks,
        **await summaries.ticks_at(span, step, between),
        **{one.time: one.figures.busy for one in others},
    }
    chosen = await asyncio.to_thread(busiest, joined, inside, step)
    found = await summaries.rollups(span, [parts.committed(one) for one in chosen])
    stretches = []
    for one, committed in zip(chosen, found, strict=True):
        waiting = [as_rollup(sample) for sample in parts.uncommitted(one)]
        rollup = roll_up([*([committed] if committed else []), *waiting], one.to_time)
        if rollup is not None:
            stretches.append(Stretch(span=one, rollup=rollup, spread=spread(rollup.cores, percent)))
    return stretches
