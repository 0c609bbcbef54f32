"""Gathers what explains a span: when the CPU was busy or kept waiting, who it was, and what was not recorded."""

from collections.abc import Sequence
from dataclasses import dataclass

from cpusensor.model.blame import Blame
from cpusensor.model.figures import percent
from cpusensor.model.query import DEFAULT_ABOVE, MAX_LIMIT, PROCESS, UNIT, SummaryQuery, TopQuery, WhyQuery
from cpusensor.model.records import Gap, Rollup, Span
from cpusensor.model.rollup import MINUTE, as_rollup, roll_up
from cpusensor.model.summary import Spread, bucket_step, whole_buckets
from cpusensor.model.top import top
from cpusensor.model.why import (
    Explained,
    Incident,
    Story,
    Who,
    around,
    begin_of,
    explain,
    leading,
    longest,
    throttled,
    waits,
)
from cpusensor.recording.summary import Divided, Present, sum_up
from cpusensor.recording.top import find, recorded
from cpusensor.recording.view import gaps_before
from cpusensor.store.opening import History
from cpusensor.store.shares import TICK_US

WAIT_COLUMNS = ("time", "count", "busy", "iowait", "steal", "all", "expected")

CALM_S = 300
"""Seconds around a moment that are told of when nothing stands out there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a story comes from."""

    history: History
    present: Present
    readings: Sequence[Blame]
    """What was read of who used the CPU and is not stored yet."""
    are_names_told: bool


async def tell(asked: WhyQuery, sources: Sources) -> Story:
    """What happened in the span, or at the moment, that is asked for. Raises ReadError and GarbledError."""
    span = asked.span
    summary = await sum_up(SummaryQuery(span=span, above=DEFAULT_ABOVE), sources.history, sources.present)
    incidents = [await _incident(one.span, one.rollup, one.spread, sources) for one in summary.stretches]
    busy = [one.span for one in summary.stretches]
    for wait in await _waits(span, busy, sources):
        rollup = await _rollup(wait, sources)
        if rollup is not None:
            incidents.append(await _incident(wait, rollup, None, sources))
    events: list[Explained | Gap] = [*map(explain, incidents), *longest(await _gaps(span, sources))]
    if asked.at is not None:
        events = around(events, asked.at, MINUTE) or await _calm(asked.at, span, sources)
    who = await _who(span, sources)
    return Story(
        span=span,
        at=asked.at,
        mean=percent(summary.busy, summary.rollup.figures.all) if summary.rollup else None,
        highest=summary.rollup.cpu_max_bp / 100 if summary.rollup else None,
        highest_time=summary.max_time,
        recorded=summary.recorded,
        names=leading(who) if who else (),
        are_names_told=sources.are_names_told,
        throttled=throttled(who) if who else (),
        events=sorted(events, key=begin_of),
    )


async def _incident(span: Span, rollup: Rollup, spread: Spread | None, sources: Sources) -> Incident:
    return Incident(span=span, rollup=rollup, spread=spread, who=await _who(span, sources))


async def _who(span: Span, sources: Sources) -> Who | None:
    """Who it was; None where names are not told."""
    if not sources.are_names_told:
        return None
    found = await find(span, sources.history.culprits, sources.readings)
    busy, every = await recorded(span, sources.history, sources.present.waiting)
    units, processes = (
        top(TopQuery(span=span, by=by, limit=MAX_LIMIT), found, busy_us=busy * TICK_US, all_us=every * TICK_US)
        for by in (UNIT, PROCESS)
    )
    return Who(units=units, processes=processes)


async def _waits(span: Span, busy: Sequence[Span], sources: Sources) -> list[Span]:
    reader = sources.history.reader
    step = bucket_step(span, reader.kept)
    whole = whole_buckets(span, step)
    buckets = await reader.buckets(whole.from_time, whole.to_time, step, WAIT_COLUMNS)
    return waits(buckets, step, busy)


async def _rollup(span: Span, sources: Sources) -> Rollup | None:
    """What the samples of a span add up to; None without any."""
    parts = Divided(span, [one.sample for one in sources.present.waiting])
    (stored,) = await sources.history.summaries.rollups(span, [parts.committed(span)])
    waiting = [as_rollup(one) for one in parts.uncommitted(span)]
    return roll_up([*([stored] if stored else []), *waiting], span.to_time)


async def _gaps(span: Span, sources: Sources) -> list[Gap]:
    history, present = sources.history, sources.present
    stored = await history.reader.gaps(span.from_time, span.to_time, present.now)
    coming = gaps_before(present.waiting, history.writer.newest, history.runs.present.interval)
    found = [*stored, *(one for one in coming if one.from_time < span.to_time and one.to_time > span.from_time)]
    goes_on = present.open_gap
    if goes_on is not None and goes_on.from_time < span.to_time:
        found.append(Gap(from_time=goes_on.from_time, to_time=span.to_time, cause=goes_on.cause, busy=None, all=None))
    return found


async def _calm(at: int, span: Span, sources: Sources) -> list[Explained | Gap]:
    """The minutes around a moment at which nothing stands out; nothing where nothing was recorded."""
    calm = Span(from_time=max(span.from_time, at - CALM_S // 2), to_time=min(span.to_time, at + CALM_S // 2))
    rollup = await _rollup(calm, sources)
    return [] if rollup is None else [explain(await _incident(calm, rollup, None, sources))]
