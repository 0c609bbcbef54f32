"""Who used the CPU in a span as a reader sees it: what is stored, with what waits, against what was recorded."""

from collections.abc import Sequence

from cpusensor.model.blame import Blame
from cpusensor.model.query import TopQuery
from cpusensor.model.records import Measured, Span
from cpusensor.model.top import Found, Top, joined, seen_in, top
from cpusensor.recording.summary import Divided, whole_of
from cpusensor.store.culprits import Culprits
from cpusensor.store.opening import History
from cpusensor.store.shares import TICK_US


async def lead(asked: TopQuery, history: History, waiting: Sequence[Measured], readings: Sequence[Blame]) -> Top:
    """The leaders of the span; what waits and the `readings` are not stored yet. Raises ReadError and GarbledError."""
    found = await find(asked.span, history.culprits, readings)
    busy, every = await recorded(asked.span, history, waiting)
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


async def recorded(span: Span, history: History, waiting: Sequence[Measured]) -> tuple[int, int]:
    """Busy and all ticks of a span: of its samples, and of the outages of the service inside it."""
    inside = history.reader.kept.inside(span)
    whole = await whole_of(history.summaries, Divided(inside, [one.sample for one in waiting]))
    busy, every = (whole.busy, whole.rollup.figures.all) if whole else (0, 0)
    # Who lives through an outage of the service is counted over it, and so is what the kernel counted meanwhile.
    off_busy, off_all = await history.culprits.outages(span)
    return busy + off_busy, every + off_all
