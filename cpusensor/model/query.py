"""The parameters of a request for history -> the grid of its answer. Pure.

A grid has a step; its elements are the UTC multiples of the step in (from, to], each covering (time - step, time].
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cpusensor.model.figures import SERIES
from cpusensor.model.grid import slot_at
from cpusensor.model.records import ClockStep, CoreTicks, Gap, OpenGap, Rollup, Span

RANGES = {"1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000, "1y": 31_536_000}
"""Seconds of each named range."""

STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
"""Seconds between two elements that are offered, beside the sampling interval itself."""
DEFAULT_POINTS = 1500
"""About one for each pixel of a wide chart."""
MAX_POINTS = 5000
"""Bounds the work and the memory of one answer."""
MAX_TIME = 253_402_300_799
"""The last second of the year 9999."""
# Checked before int(), which takes time that grows with the square of the digits.
MAX_TIME_DIGITS = len(str(MAX_TIME))

_PARAMETERS = ("range", "from", "to", "step", "points", "series")
_SUMMARY_PARAMETERS = ("range", "from", "to", "above")

DEFAULT_ABOVE = 80
"""Percent from which on the CPU use counts as high, unless it is asked for otherwise."""


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
    series: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryQuery:
    """A span that is to be summed up."""

    span: Span
    above: int
    """Whole percent from which on the CPU use counts as high."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was recorded on a grid."""

    grid: Grid
    interval: int
    """Seconds between two samples."""
    buckets: Sequence[Rollup]
    cores: Mapping[int, tuple[CoreTicks, ...]]
    """By the bucket's time."""
    gaps: Sequence[Gap]
    open_gap: OpenGap | None
    """The gap that goes on now, if it touches the range; else None."""
    clock_steps: Sequence[ClockStep]


def parse_query(query: Mapping[str, str], newest: int) -> Query:
    """What the parameters ask for, `newest` being the newest grid point. Raises BadRequestError."""
    _refuse_others(query, _PARAMETERS)
    if "step" in query and "points" in query:
        raise BadRequestError(f"points: {query['points']!r} cannot be combined with step; give one of them")
    from_time, to_time = _parse_span(query, newest)
    return Query(
        from_time=from_time,
        to_time=to_time,
        step=_parse_integer(query, "step", 1, STEPS[-1]) if "step" in query else None,
        points=_parse_integer(query, "points", 1, MAX_POINTS) if "points" in query else DEFAULT_POINTS,
        series=_parse_series(query.get("series")),
    )


def parse_summary_query(query: Mapping[str, str], newest: int) -> SummaryQuery:
    """What the parameters ask to have summed up, `newest` being the newest grid point. Raises BadRequestError."""
    _refuse_others(query, _SUMMARY_PARAMETERS)
    from_time, to_time = _parse_span(query, newest)
    above = _parse_integer(query, "above", 0, 100) if "above" in query else DEFAULT_ABOVE
    return SummaryQuery(span=Span(from_time=from_time, to_time=to_time), above=above)


def newest_hour(newest: int, *, step: int | None = None, points: int = DEFAULT_POINTS) -> Query:
    """The hour that ends at `newest`: every `step` seconds, or without one as finely as `points` elements allow."""
    return Query(from_time=newest - RANGES["1h"], to_time=newest, step=step, points=points, series=())


def choose_grid(query: Query, intervals: Iterable[int]) -> Grid:
    """The grid for a query over runs with these sampling intervals. Raises BadRequestError."""
    # A step that is no multiple of every interval would hold now more samples, now fewer.
    finest = math.lcm(*intervals)
    offered = sorted({finest, *(step for step in STEPS if step % finest == 0)})
    if query.step is not None:
        if query.step not in offered:
            raise BadRequestError(f"step: {query.step} is not offered; allowed are {', '.join(map(str, offered))}")
        offered, limit = [query.step], MAX_POINTS
    else:
        limit = query.points
    grids = [Grid(from_time=query.from_time, to_time=query.to_time, step=step) for step in offered]
    # `offered` ascends, so the first that fits is the finest.
    fitting = next((grid for grid in grids if grid.length <= limit), None)
    if fitting is None:
        name = "points" if query.step is None else "step"
        raise BadRequestError(
            f"{name}: a step of {grids[-1].step} s gives {grids[-1].length} elements from {query.from_time} to"
            f" {query.to_time}; allowed are {limit}: ask for a shorter range or a coarser step"
        )
    return fitting


def _refuse_others(query: Mapping[str, str], allowed: Sequence[str]) -> None:
    unknown = [name for name in query if name not in allowed]
    if unknown:
        raise BadRequestError(f"{unknown[0]!r}: unknown parameter; allowed are {', '.join(allowed)}")


def _parse_span(query: Mapping[str, str], newest: int) -> tuple[int, int]:
    if "from" in query or "to" in query:
        if "range" in query:
            raise BadRequestError(
                f"range: {query['range']!r} cannot be combined with from and to; give one or the other"
            )
        from_time, to_time = (_parse_integer(query, name, 0, MAX_TIME) for name in ("from", "to"))
        if from_time >= to_time:
            raise BadRequestError(f"from: {from_time} is not before to, {to_time}; it must be")
        # Nothing is known of the future; a span that lies in it has no elements.
        return from_time, max(from_time, min(to_time, newest))
    name = query.get("range", "1h")
    if name not in RANGES:
        raise BadRequestError(
            f"range: {name!r} is not allowed; it must be one of {', '.join(RANGES)}, or give from and to"
        )
    return newest - RANGES[name], newest


def _parse_integer(query: Mapping[str, str], name: str, lowest: int, highest: int) -> int:
    text = query.get(name)
    if text is None:
        raise BadRequestError(f"{name}: missing; it must be a whole number from {lowest} to {highest}")
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_TIME_DIGITS or not lowest <= int(text) <= highest:
        raise BadRequestError(f"{name}: {text!r} is not allowed; it must be a whole number from {lowest} to {highest}")
    return int(text)


def _parse_series(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    asked = text.split(",")
    for name in asked:
        if name not in SERIES:
            raise BadRequestError(f"series: {name!r} is not allowed; it must be any of {', '.join(SERIES)}")
    # In the order of the table and each once, so that equal requests have equal answers.
    return tuple(name for name in SERIES if name in asked)
