"""One machine of the fleet: what an engine is asked of its history in PromQL, and what its answers come to. Pure.

Its answer has the form of a history of this machine, so that the same charts show it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cpusensor.model.fleet import METRIC, Labels, Series, Strip, quoted, window
from cpusensor.model.query import CSV, RANGES, BadRequestError, Grid, Query, parse_format, parse_query

MODE_METRIC = "cpusensor_mode_ratio"
MODES = ("user", "system", "irq", "iowait", "steal")
"""The kinds of work that are pushed."""

EXTREMES = ("min_over_time", "max_over_time", "count_over_time")
"""What is asked of an element that covers more than one sample, beside its mean."""

INTERVALS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
"""Seconds between two samples that a machine may be set to."""

MAX_SPAN_S = 2 * RANGES["1y"]
"""An engine goes through every sample of it."""
MAX_LABELS = 50

SILENT_S = 60
"""After so many seconds without a sample a machine is silent: what was sent takes some to be there."""

_LABEL = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]*")
"""As Prometheus allows it; what begins with two underscores is its own."""

Column: TypeAlias = Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberQuery:
    """What a reader asks of one machine."""

    labels: Labels
    """All that it has."""
    query: Query

    @property
    def has_modes(self) -> bool:
        """Whether the kinds of work are asked for."""
        return bool(self.query.series)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberHistory:
    """What the engine has of one machine, in percent."""

    grid: Grid
    interval: int
    """Seconds between two samples, as far as they tell."""
    cpu: Column
    extremes: tuple[Column, Column, Sequence[int]] | None
    """Lowest and highest sample, and how many there are; None where an element is one sample."""
    modes: Mapping[str, Column]
    gaps: Sequence[tuple[int, int | None]]
    """The time of the last element before each, and that of its last empty one; None for one that goes on."""


def parse_member_query(parameters: Mapping[str, str], labels: Iterable[str], newest: int) -> MemberQuery:
    """The question in these parameters; each label is `name=value`. Raises BadRequestError."""
    if parse_format(parameters) == CSV:
        raise BadRequestError("format: 'csv' is not allowed; an engine's history comes as JSON")
    query = parse_query(parameters, newest)
    if others := [name for name in query.series if name != "modes"]:
        raise BadRequestError(f"series: {others[0]!r} is not allowed; it must be modes")
    if query.to_time - query.from_time > MAX_SPAN_S:
        raise BadRequestError(
            f"from: {query.from_time} is more than {MAX_SPAN_S} s before to, which is as much as an engine is asked for"
        )
    return MemberQuery(labels=_parse_labels(labels), query=query)


def _parse_labels(texts: Iterable[str]) -> Labels:
    labels: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and _LABEL.fullmatch(name)) or name in labels or len(labels) == MAX_LABELS:
            raise BadRequestError(
                f"label: {text!r} is not allowed; it must be name=value, each name once and at most {MAX_LABELS}"
            )
        labels[name] = value
    if not labels:
        raise BadRequestError("label: missing; give each label of the machine as label=name=value")
    return tuple(sorted(labels.items()))


def mean_of(labels: Labels, step: int) -> str:
    """The query for the mean of each element."""
    return _over("avg_over_time", METRIC, labels, step)


def extremes_of(labels: Labels, step: int) -> list[str]:
    """Those for what else is told of an element."""
    return [_over(function, METRIC, labels, step) for function in EXTREMES]


def modes_of(labels: Labels, step: int) -> str:
    """The query for the kinds of work."""
    return _over("avg_over_time", MODE_METRIC, labels, step)


def samples_of(labels: Labels) -> str:
    """The query for the samples of each minute."""
    return _over("count_over_time", METRIC, labels, 60)


def _over(function: str, metric: str, labels: Labels, step: int) -> str:
    chosen = ",".join(f"{name}={quoted(value)}" for name, value in labels)
    return f"{function}({metric}{{{chosen}}}{window(step)})"


def interval_of(samples: list[Series], labels: Labels) -> int:
    """Seconds between two samples, by the fullest of these minutes; without any 5, which is what nobody has to set."""
    most = max(values_of(samples, labels).values(), default=12)
    return min(INTERVALS, key=lambda interval: abs(interval - 60 / max(1.0, most)))


def values_of(answer: list[Series], labels: Labels) -> Mapping[int, float]:
    """The values of the machine that has these labels and no others."""
    wanted = dict(labels)
    return next((values for found, values in answer if dict(found) == wanted), {})


def history_of(
    query: MemberQuery, grid: Grid, interval: int, answers: Sequence[list[Series]], newest: int
) -> MemberHistory:
    """What the answers to `mean_of`, `extremes_of` and `modes_of`, as far as those were asked, come to."""
    strip = strip_of(grid)
    cpu = strip.column(values_of(answers[0], query.labels))
    is_mean = grid.step > interval
    return MemberHistory(
        grid=grid,
        interval=interval,
        cpu=cpu,
        extremes=_extremes(strip, query.labels, answers[1:4]) if is_mean else None,
        modes=_modes(strip, query.labels, answers[-1]) if query.has_modes else {},
        gaps=_gaps(cpu, strip, newest),
    )


def strip_of(grid: Grid) -> Strip:
    """The cells that the engine is asked for."""
    return Strip(start=grid.start, step=grid.step, length=grid.length)


def _extremes(strip: Strip, labels: Labels, answers: Sequence[list[Series]]) -> tuple[Column, Column, Sequence[int]]:
    lowest, highest, counts = (values_of(answer, labels) for answer in answers)
    times = (strip.start + index * strip.step for index in range(strip.length))
    return strip.column(lowest), strip.column(highest), [round(counts.get(time, 0)) for time in times]


def _modes(strip: Strip, labels: Labels, answer: list[Series]) -> dict[str, Column]:
    return {mode: strip.column(values_of(answer, tuple(sorted((*labels, ("mode", mode)))))) for mode in MODES}


def _gaps(cpu: Column, strip: Strip, newest: int) -> list[tuple[int, int | None]]:
    """Runs without a value that follow one: what lies before the first, nobody knows to be a gap."""
    gaps: list[tuple[int, int | None]] = []
    last: int | None = None
    for index, value in enumerate(cpu):
        time = strip.start + index * strip.step
        if value is None:
            continue
        if last is not None and time - last > strip.step:
            gaps.append((last, time - strip.step))
        last = time
    if last is not None and strip.end - last >= max(SILENT_S, strip.step):
        gaps.append((last, None if newest - strip.end < max(SILENT_S, strip.step) else strip.end))
    return gaps
