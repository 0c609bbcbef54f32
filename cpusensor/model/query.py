"""The parameters of a request for history -> the grid of its answer. Pure.

A grid has a step; its elements are the UTC multiples of the step in (from, to], each covering (time - step, time].
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from cpusensor.model.blame import Blame
from cpusensor.model.buckets import Buckets
from cpusensor.model.figures import SERIES, TOP
from cpusensor.model.grid import slot_at
from cpusensor.model.kept import ALL_KEPT, Kept
from cpusensor.model.records import ClockStep, CoreTicks, Gap, OpenGap, Span
from cpusensor.model.times import MAX_TIME, MAX_TIME_DIGITS, WRITTEN, parse_time

RANGES = {
    "15m": 900,
    "1h": 3600,
    "6h": 21_600,
    "24h": 86_400,
    "7d": 604_800,
    "30d": 2_592_000,
    "1y": 31_536_000,
}
"""Seconds of each named range."""
ALL = "all"
"""The range from the first sample on."""

STEPS = (
    *(5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400),
    *(172_800, 604_800, 2_592_000),
)
"""Seconds between two elements that are offered, beside the sampling interval and whole multiples of the last."""
DEFAULT_POINTS = 1500
"""About one for each pixel of a wide chart."""
MAX_POINTS = 5000
"""Bounds the work and the memory of one answer."""

_PARAMETERS = ("range", "from", "to", "step", "points", "series", "format")
_SUMMARY_PARAMETERS = ("range", "from", "to", "above")
_TOP_PARAMETERS = ("range", "from", "to", "by", "limit")
_WHY_PARAMETERS = ("range", "from", "to", "at", "lang")

DEFAULT_ABOVE = 80
"""Percent from which on the CPU use counts as high, unless it is asked for otherwise."""

UNIT, PROCESS = "unit", "process"
"""By whom the CPU time is told: by control group, or by process."""
AROUND_S = 3600
"""Seconds before and after a moment in which what it lies in is looked for."""
DEFAULT_LIMIT, MAX_LIMIT = 10, 100
"""Names of an answer."""

JSON, CSV = "json", "csv"
"""The formats of an answer. One in CSV is sent in parts and never held in memory, so it may have any length."""


class BadRequestError(Exception):
    """A request that cannot be answered; its text names the parameter, the value and what is allowed, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A range of the history, and the step or number of elements that it is asked for in."""

    from_time: int
    to_time: int
    step: int | None
    """Seconds; None lets `points` decide."""
    points: int
    limit: int
    """At most so many elements are answered."""
    series: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryQuery:
    """A span that is to be summed up."""

    span: Span
    above: int
    """Whole percent from which on the CPU use counts as high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopQuery:
    """A span of which is asked who used the CPU."""

    span: Span
    by: str
    """UNIT or PROCESS."""
    limit: int
    """At most so many names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyQuery:
    """A span, or a moment, that is to be explained."""

    span: Span
    at: int | None
    """The moment; None for a span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The elements of an answer: those at start, start + step, ... up to `to_time`."""

    from_time: int
    to_time: int
    step: int

    @property
    def start(self) -> int:
        """The time of the first element."""
        return self.floor + self.step

    @property
    def floor(self) -> int:
        """The beginning of the first element's interval: the multiple of the step at or before `from_time`."""
        return slot_at(self.from_time, self.step)

    @property
    def end(self) -> int:
        """The time of the last element."""
        return slot_at(self.to_time, self.step)

    @property
    def length(self) -> int:
        """The number of elements."""
        return (self.end - self.floor) // self.step

    def slices(self, elements: int) -> Iterator["Grid"]:
        """The same in parts of at most so many elements, in order."""
        for floor in range(self.floor, self.end, elements * self.step):
            yield Grid(from_time=floor, to_time=min(floor + elements * self.step, self.end), step=self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A grid, and what is asked about it."""

    grid: Grid
    interval: int
    """Seconds between two samples; the least where runs differ."""
    series: tuple[str, ...]


LEADERS = 10
"""Names of each view in a bucket: as many as are kept of a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was recorded on a grid."""

    grid: Grid
    interval: int
    """Seconds between two samples."""
    buckets: Buckets
    cores: Mapping[int, tuple[CoreTicks, ...]]
    """By the bucket's time."""
    gaps: Sequence[Gap]
    """All that touch the grid, whole."""
    open_gap: OpenGap | None
    """The gap that goes on now, if it touches the range; else None."""
    clock_steps: Sequence[ClockStep]
    kept_from: int | None = None
    """Where the tier of the step begins; None: with the first sample."""
    kept: Kept = ALL_KEPT
    """Since when finer ones are kept."""
    leaders: Mapping[int, Blame] = field(default_factory=dict)
    """Who used the CPU most, by the bucket's time; empty unless that is asked for."""


def parse_query(query: Mapping[str, str], newest: int, first: int | None = None) -> Query:
    """What the parameters ask for. Raises BadRequestError.

    `newest` is the newest grid point; at `first` the first sample's interval begins, None before any.
    """
    _refuse_others(query, _PARAMETERS)
    if "step" in query and "points" in query:
        raise BadRequestError(f"points: {query['points']!r} cannot be combined with step; give one of them")
    is_table = parse_format(query) == CSV
    limit, default = (MAX_TIME, MAX_TIME) if is_table else (MAX_POINTS, DEFAULT_POINTS)
    from_time, to_time = parse_span(query, newest, first)
    return Query(
        from_time=from_time,
        to_time=to_time,
        step=_parse_integer(query, "step", 1, MAX_TIME) if "step" in query else None,
        points=_parse_integer(query, "points", 1, limit) if "points" in query else default,
        limit=limit,
        # Names are lists, for which a table has no columns.
        series=_parse_series(query.get("series"), SERIES if is_table else (*SERIES, TOP)),
    )


def parse_summary_query(query: Mapping[str, str], newest: int, first: int | None = None) -> SummaryQuery:
    """What the parameters ask to have summed up; as `parse_query`. Raises BadRequestError."""
    _refuse_others(query, _SUMMARY_PARAMETERS)
    from_time, to_time = parse_span(query, newest, first)
    above = _parse_integer(query, "above", 0, 100) if "above" in query else DEFAULT_ABOVE
    return SummaryQuery(span=Span(from_time=from_time, to_time=to_time), above=above)


def parse_top_query(query: Mapping[str, str], newest: int, first: int | None = None) -> TopQuery:
    """Of what the parameters ask who it was; as `parse_query`. Raises BadRequestError."""
    _refuse_others(query, _TOP_PARAMETERS)
    from_time, to_time = parse_span(query, newest, first)
    by = query.get("by", UNIT)
    if by not in {UNIT, PROCESS}:
        raise BadRequestError(f"by: {by!r} is not allowed; it must be {UNIT} or {PROCESS}")
    limit = _parse_integer(query, "limit", 1, MAX_LIMIT) if "limit" in query else DEFAULT_LIMIT
    return TopQuery(span=Span(from_time=from_time, to_time=to_time), by=by, limit=limit)


def parse_why_query(
    query: Mapping[str, str], newest: int, first: int | None = None, time_of: Callable[[str], int] = int
) -> WhyQuery:
    """What the parameters ask to have explained; as `parse_query`. Raises BadRequestError.

    `time_of` is the time that a text means, in UTC Unix seconds; it raises ValueError for none.
    """
    _refuse_others(query, _WHY_PARAMETERS)
    if "at" not in query:
        from_time, to_time = parse_span(query, newest, first)
        return WhyQuery(span=Span(from_time=from_time, to_time=to_time), at=None)
    for name in ("range", "from", "to"):
        if name in query:
            raise BadRequestError(f"at: {query['at']!r} cannot be combined with {name}; give one of them")
    try:
        at = time_of(query["at"])
    except ValueError as error:
        raise BadRequestError(
            f"at: {query['at']!r} is no time; give epoch seconds, ISO 8601, or HH:MM in the machine's zone"
        ) from error
    if not 0 <= at <= newest:
        raise BadRequestError(f"at: {query['at']!r} is not in the past; it must be")
    return WhyQuery(span=Span(from_time=at - AROUND_S, to_time=min(newest, at + AROUND_S)), at=at)


def parse_format(query: Mapping[str, str]) -> str:
    """JSON or CSV. Raises BadRequestError."""
    text = query.get("format", JSON)
    if text not in {JSON, CSV}:
        raise BadRequestError(f"format: {text!r} is not allowed; it must be {JSON} or {CSV}")
    return text


def newest_hour(
    newest: int, *, step: int | None = None, points: int = DEFAULT_POINTS, series: tuple[str, ...] = ()
) -> Query:
    """The hour that ends at `newest`: every `step` seconds, or without one as finely as `points` elements allow."""
    span = newest - RANGES["1h"], newest
    return Query(from_time=span[0], to_time=span[1], step=step, points=points, limit=MAX_POINTS, series=series)


def choose_grid(query: Query, intervals: Iterable[int], kept: Kept = ALL_KEPT) -> Grid:
    """The grid for a query over runs with these sampling intervals. Raises BadRequestError.

    Without a step it is one that is kept from the beginning of the range on.
    """
    # A step that is no multiple of every interval would hold now more samples, now fewer.
    finest = math.lcm(*intervals)
    offered = sorted({finest, *(step for step in STEPS if step % finest == 0)})
    if query.step is None:
        # The steps ascend, so the first that fits is the finest.
        grids = (_grid(query, step) for step in chain(offered, count(2 * STEPS[-1], STEPS[-1])))
        return next(grid for grid in grids if grid.length <= query.points and kept.reaches(grid.step, query.from_time))
    if query.step not in offered and query.step % STEPS[-1]:
        raise BadRequestError(
            f"step: {query.step} is not offered; allowed are {', '.join(map(str, offered))} and whole multiples of"
            f" {STEPS[-1]}"
        )
    grid = _grid(query, query.step)
    if grid.length > query.limit:
        raise BadRequestError(
            f"step: a step of {grid.step} s gives {grid.length} elements from {query.from_time} to {query.to_time};"
            f" allowed are {query.limit}: ask for a shorter range or a coarser step, or for format=csv"
        )
    return grid


def _grid(query: Query, step: int) -> Grid:
    return Grid(from_time=query.from_time, to_time=query.to_time, step=step)


def _refuse_others(query: Mapping[str, str], allowed: Sequence[str]) -> None:
    unknown = [name for name in query if name not in allowed]
    if unknown:
        raise BadRequestError(f"{unknown[0]!r}: unknown parameter; allowed are {', '.join(allowed)}")


def parse_span(query: Mapping[str, str], newest: int, first: int | None = None) -> tuple[int, int]:
    """The span that `range`, or `from` and `to`, ask for; as `parse_query`."""
    if "from" in query or "to" in query:
        if "range" in query:
            raise BadRequestError(
                f"range: {query['range']!r} cannot be combined with from and to; give one or the other"
            )
        from_time, to_time = (_parse_end(query, name) for name in ("from", "to"))
        if from_time >= to_time:
            raise BadRequestError(f"from: {from_time} is not before to, {to_time}; it must be")
        # Nothing is known of the future; a span that lies in it has no elements.
        return from_time, max(from_time, min(to_time, newest))
    name = query.get("range", "1h")
    if name == ALL:
        return min(newest - RANGES["1h"] if first is None else first, newest), newest
    if name not in RANGES:
        raise BadRequestError(
            f"range: {name!r} is not allowed; it must be one of {', '.join(RANGES)}, {ALL}, or give from and to"
        )
    return newest - RANGES[name], newest


def _parse_end(query: Mapping[str, str], name: str) -> int:
    text = query.get(name)
    if text is None:
        raise BadRequestError(f"{name}: missing; it must be {WRITTEN}")
    try:
        return parse_time(text)
    except ValueError as error:
        raise BadRequestError(f"{name}: {text!r} is not allowed; it must be {WRITTEN}") from error


def _parse_integer(query: Mapping[str, str], name: str, lowest: int, highest: int) -> int:
    text = query.get(name)
    if text is None:
        raise BadRequestError(f"{name}: missing; it must be a whole number from {lowest} to {highest}")
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_TIME_DIGITS or not lowest <= int(text) <= highest:
        raise BadRequestError(f"{name}: {text!r} is not allowed; it must be a whole number from {lowest} to {highest}")
    return int(text)


def _parse_series(text: str | None, offered: Sequence[str]) -> tuple[str, ...]:
    if text is None:
        return ()
    asked = text.split(",")
    for name in asked:
        if name not in offered:
            raise BadRequestError(f"series: {name!r} is not allowed; it must be any of {', '.join(offered)}")
    # In the order of the table and each once, so that equal requests have equal answers.
    return tuple(name for name in offered if name in asked)
