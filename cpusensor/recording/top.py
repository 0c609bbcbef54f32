"""Who used the CPU in a span as a reader sees it: what is stored, with what waits, against what was recorded."""

from collections.abc import Sequence

from cpusensor.model.blame import Blame
from cpusensor.model.query import TopQuery
from cpusensor.model.records import Span
from cpusensor.model.top import Found, Top, joined, seen_in, top
from cpusensor.recording.summary import Divided, Present, whole_of
from cpusensor.recording.view import gaps_before
from cpusensor.store.culprits import Culprits
from cpusensor.store.opening import History
from cpusensor.store.shares import TICK_US


async def lead(asked: TopQuery, history: History, present: Present, readings: Sequence[Blame]) -> Top:
    """The leaders of the span; `readings` are not stored yet. Raises ReadError and GarbledError."""
    found = await find(asked.span, history.culprits, readings)
    busy, every = await recorded(asked.span, history, present)
    return top(asked, found, busy_us=busy * TICK_US, all_us=every * TICK_US)


async def find(span: Span, culprits: Culprits, readings: Sequence[Blame]) -> Found | None:
    """What was read inside a span; None if nothing was."""
    # The database is read only up to what waits: what is stored during the query then counts once.
    until = min((one.time - 1 for one in readings), default=span.to_time)
    stored = await culprits.over(Span(from_time=span.from_time, to_time=min(span.to_time, until)))
    waiting = [
        Found(blame=one, seen=seen_in(one))
        for one in readings
        if span.from_time <= one.since and one.time <= span.to_time
    ]
    return joined([*([stored] if stored else []), *waiting])


async def recorded(span: Span, history: History, present: Present) -> tuple[int, int]:
    """Busy and all ticks of the samples in a span, and of the gaps inside it that the counters prove."""
    whole = await whole_of(history.summaries, Divided(span, [one.sample for one in present.waiting]))
    gaps = await history.reader.gaps(span.from_time, span.to_time, present.now)
    gaps += gaps_before(present.waiting, history.writer.newest, history.runs.present.interval)
    # Who lived through a gap is accounted for over it.
    inside = [one for one in gaps if span.from_time <= one.from_time and one.to_time <= span.to_time]
    busy = sum(one.busy or 0 for one in inside) + (whole.busy if whole else 0)
    return busy, sum(one.all or 0 for one in inside) + (whole.rollup.figures.all if whole else 0)
