"""Many machines in the engine that they push to: what it is asked in PromQL, and what its answers come to. Pure.

Shares come from 0 to 1 and leave in percent. Nothing that a reader or an engine says becomes part of a query unescaped.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cpusensor.model.query import RANGES, BadRequestError

METRIC = "cpusensor_cpu_ratio"

LAG_S = 30
"""Seconds after which an engine has what was recorded: it gets batches each 15 s, and VictoriaMetrics makes up what it
tells of less (its search.latencyOffset)."""

CELLS = 60
"""Elements of a machine's strip, and of the fleet's line."""

RANGE, SORT, LIMIT = "1h", "silent", 50
MAX_LIMIT = 200
"""Machines of one answer, and of one query."""

FLEET_RANGES = {name: seconds for name, seconds in RANGES.items() if seconds <= RANGES["30d"]}
"""Those for which an engine still goes through every sample in a moment."""

SPREAD = {"mean": "avg", "low": "quantile(0.1, {})", "median": "quantile(0.5, {})", "high": "quantile(0.9, {})"}

Series = tuple[Mapping[str, str], Mapping[int, float]]
"""Labels, and values by time."""
Labels = tuple[tuple[str, str], ...]
"""In the order of their names."""


Name = tuple[str, str]
"""A label and its value."""


class NonsenseError(Exception):
    """An engine answered what no engine should; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetQuery:
    """What a reader asks."""

    range_s: int
    search: str
    sort: str
    offset: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The grid of cells: each covers `step` seconds and ends at a multiple of it, the first at `start`."""

    start: int
    step: int
    length: int

    @property
    def end(self) -> int:
        """The time of the last cell."""
        return self.start + (self.length - 1) * self.step

    def column(self, values: Mapping[int, float]) -> list[float | None]:
        """Percent for each cell, None where there is nothing."""
        found = (values.get(self.start + index * self.step) for index in range(self.length))
        return [None if value is None else percent_of(value) for value in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A machine of the fleet, in percent and in UTC Unix seconds."""

    labels: Labels
    now: float | None = None
    """None of one that is silent."""
    mean: float | None = None
    max: float | None = None
    last: int | None = None
    """When its newest sample was taken; None where that is not known yet."""
    cells: Sequence[float | None] = field(default=())

    @property
    def name(self) -> Name:
        """The label that names it: its own where it pushes, that of its scraper where it is scraped."""
        labels = dict(self.labels)
        return ("host", labels["host"]) if "host" in labels else ("instance", labels.get("instance", ""))

    @property
    def host(self) -> str:
        """What it is called."""
        return self.name[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetView:
    """What is answered to a reader."""

    strip: Strip
    spread: Mapping[str, Sequence[float | None]]
    """By the names of SPREAD."""
    count: int
    """Machines that the search finds."""
    members: Sequence[Member]
    """Those that were asked for."""
    problem: str | None
    """Why the engine gives no newer answer; None while it does."""


def parse_fleet_query(parameters: Mapping[str, str]) -> FleetQuery:
    """The question in these parameters. Raises BadRequestError."""
    unknown = parameters.keys() - {"range", "search", "sort", "offset", "limit"}
    if unknown:
        raise BadRequestError(f"{min(unknown)}: is not a parameter; it must be range, search, sort, offset or limit")
    name, sort = parameters.get("range", RANGE), parameters.get("sort", SORT)
    if name not in FLEET_RANGES:
        raise BadRequestError(f"range: {name!r} is not allowed; it must be one of {', '.join(FLEET_RANGES)}")
    if sort not in _ORDERS:
        raise BadRequestError(f"sort: {sort!r} is not allowed; it must be one of {', '.join(_ORDERS)}")
    return FleetQuery(
        range_s=FLEET_RANGES[name],
        search=parameters.get("search", "").strip().lower(),
        sort=sort,
        offset=_whole(parameters, "offset", 0, 0, 10**7),
        limit=_whole(parameters, "limit", LIMIT, 1, MAX_LIMIT),
    )


def _whole(parameters: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = parameters.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and lowest <= int(text) <= highest):  # noqa: PLR2004
        raise BadRequestError(f"{name}: {text!r} is not allowed; it must be a whole number from {lowest} to {highest}")
    return int(text)


def strip_for(range_s: int, now: float) -> Strip:
    """The cells of a range that ends now, those left out that are not over and known."""
    step = range_s // CELLS
    length = range_s // step
    return Strip(start=int(now - LAG_S) // step * step - (length - 1) * step, step=step, length=length)


def now_of() -> str:
    """The query for the newest share of each machine; a silent one has none."""
    return METRIC


def seen_of() -> str:
    """The query for the time of that."""
    return f"timestamp({METRIC})"


def over(function: str, range_s: int) -> str:
    """The query for `avg_over_time` or `max_over_time` of each machine."""
    return f"{function}({METRIC}{window(range_s)})"


def fleet_of(how: str, step: int) -> str:
    """The query for the fleet's own share: one of SPREAD, over the means of the machines."""
    mean = over("avg_over_time", step)
    return how.format(mean) if "{}" in how else f"{how}({mean})"


def cells_of(names: Iterable[Name], step: int) -> str:
    """The query for the cells of some machines."""
    return " or ".join(f"avg_over_time({one}{window(step)})" for one in _selectors(names))


def last_of(names: Iterable[Name], range_s: int) -> str:
    """The query for when machines that are silent were heard of last, to a minute or the 1440th part of the range."""
    step = max(60, range_s // 1440)
    return " or ".join(f"max_over_time(timestamp({one})[{range_s}s:{step}s])" for one in _selectors(names))


def _selectors(names: Iterable[Name]) -> list[str]:
    """What selects these machines: those that push, and those that are scraped and have no name of their own."""
    values: dict[str, list[str]] = {}
    for label, value in names:
        values.setdefault(label, []).append(value)
    nameless = {"host": "", "instance": 'host="",'}
    return [f"{METRIC}{{{nameless[label]}{label}=~{_any_of(found)}}}" for label, found in values.items()]


def _any_of(names: Iterable[str]) -> str:
    """A pattern that is one of these names, as a string of PromQL: RE2 within an escaped text."""
    return quoted("|".join(re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", name) for name in names))


def quoted(text: str) -> str:
    """The text as a string of PromQL (prometheus.io/docs/prometheus/latest/querying/basics/#string-literals)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def window(step: int) -> str:
    """What follows a selector for the samples in (time - step, time].

    A millisecond less, for up to version 2 Prometheus counts one that lies at the beginning too.
    """
    return f"[{1000 * step - 1}ms]"


def series_of(answer: object) -> list[Series]:
    """The series of an engine's answer (prometheus.io/docs/prometheus/latest/querying/api). Raises NonsenseError."""
    try:
        if not isinstance(answer, dict) or answer["status"] != "success":
            raise NonsenseError(f"it says {_said(answer)}")
        result: Any = answer["data"]["result"]
        return [(_text_labels(one["metric"]), dict(map(_point, one.get("values") or [one["value"]]))) for one in result]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise NonsenseError(f"its answer is none of PromQL's ({type(error).__name__})") from None


def _said(answer: object) -> str:
    text = str(answer.get("error", "nothing")) if isinstance(answer, dict) else "nothing"
    return "".join(one if one.isprintable() else " " for one in text[:200])


def _text_labels(labels: Mapping[Any, Any]) -> dict[str, str]:
    """Half a pair of surrogates, which JSON may hold, is no text that can be sent on."""
    pairs = ((str(name), str(value)) for name, value in labels.items() if name != "__name__")
    return {_sendable(name): _sendable(value) for name, value in pairs}


def _sendable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _point(point: Sequence[Any]) -> tuple[int, float]:
    value = float(point[1])
    if not math.isfinite(value):
        raise ValueError(value)
    return round(float(point[0])), value


def members_of(now: list[Series], seen: list[Series], mean: list[Series], highest: list[Series]) -> list[Member]:
    """The machines that any of the four answers knows."""
    tables = [{_key(labels): _newest(values) for labels, values in one} for one in (now, seen, mean, highest)]
    keys = dict.fromkeys(key for table in tables for key in table)
    return [
        Member(
            labels=key,
            now=_percent(tables[0].get(key)),
            last=_time(tables[1].get(key)),
            mean=_percent(tables[2].get(key)),
            max=_percent(tables[3].get(key)),
        )
        for key in keys
    ]


def found(members: Iterable[Member], query: FleetQuery) -> list[Member]:
    """Those that a search finds, in order: each of its words stands in the name, or is `label=value` or part of one."""
    words = query.search.split()
    chosen = [member for member in members if all(_matches(member, word) for word in words)]
    return sorted(chosen, key=lambda member: (*_ORDERS[query.sort](member), member.host, member.labels))


def with_cells(members: Iterable[Member], cells: list[Series], last: list[Series], strip: Strip) -> list[Member]:
    """The machines with their strips, and when the silent ones were heard of."""
    strips = {_key(labels): values for labels, values in cells}
    times = {_key(labels): _newest(values) for labels, values in last}
    return [
        replace(
            member,
            cells=strip.column(strips.get(member.labels, {})),
            last=member.last if member.last is not None else _time(times.get(member.labels)),
        )
        for member in members
    ]


def percent_of(share: float) -> float:
    """To two decimals."""
    return round(100 * share, 2)


def _key(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def _newest(values: Mapping[int, float]) -> float | None:
    return values[max(values)] if values else None


def _percent(share: float | None) -> float | None:
    return None if share is None else percent_of(share)


def _time(value: float | None) -> int | None:
    return None if value is None else int(value)


def _matches(member: Member, word: str) -> bool:
    name, equals, value = word.partition("=")
    for label, text in member.labels:
        if word in text.lower() or (equals and label.lower() == name and text.lower() == value):
            return True
    return False


_ORDERS: dict[str, Any] = {
    "name": lambda _: (),
    "now": lambda member: (member.now is None, -(member.now or 0.0)),
    "mean": lambda member: (member.mean is None, -(member.mean or 0.0)),
    "max": lambda member: (member.max is None, -(member.max or 0.0)),
    # What is wrong comes first: who is silent, then who is busy.
    "silent": lambda member: (member.now is not None, -(member.now or 0.0)),
}
