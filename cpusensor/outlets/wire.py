"""Records -> the JSON and SSE text that leave the service. Pure; no other module writes their shapes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

from cpusensor.model.accounts import Naming, Sight
from cpusensor.model.blame import Blame, Share, Throttle
from cpusensor.model.figures import MODES, SHOWN, TOP, Figures, Show, percent
from cpusensor.model.fleet import FleetView
from cpusensor.model.gaps import merge_short
from cpusensor.model.histogram import quantile, time_above
from cpusensor.model.kept import Kept
from cpusensor.model.member import MemberHistory
from cpusensor.model.query import Answer
from cpusensor.model.records import Cost, Gap, Health, Machine, MergedGaps, OpenGap, Rollup, Sample, Standing
from cpusensor.model.rollup import MINUTE
from cpusensor.model.summary import Stretch, Summary
from cpusensor.model.top import Identity, Leader, Top, identity

T = TypeVar("T")

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | bool | None"

Column: TypeAlias = Sequence[float | None]
"""A value for each element of a grid; null where nothing was recorded."""

COMPACT: dict[str, Any] = {"separators": (",", ":"), "allow_nan": False}
"""How JSON is written here: without spaces, and never a NaN, which is no JSON."""

MIB = 1 << 20

TOP_NAMES = 10
"""How many names of each view the event `top` holds."""

SIGHT_FLAGS = {
    Sight.BLIND: "--pid=host --cgroupns=host -v /sys/fs/cgroup:/sys/fs/cgroup:ro",
    Sight.NO_PROCESSES: "--pid=host",
    Sight.NO_UNITS: "--cgroupns=host -v /sys/fs/cgroup:/sys/fs/cgroup:ro",
}
"""With which flags of `docker run` or `podman run` a container sees what it does not."""

RECORDING = "recording"
OFF = "off: nothing is recorded (--record off)"
"""The state while nothing is wrong."""


def encode(value: Json) -> str:
    """Compact JSON in ASCII, so that it is one line wherever it is put."""
    return json.dumps(value, **COMPACT)


def encode_by_member(value: Mapping[str, Json]) -> str:
    """As `encode`, member by member: between two members other threads may run, among them the event loop's."""
    return "{" + ",".join(f"{encode(name)}:{encode(member)}" for name, member in value.items()) + "}"


def error(text: str) -> dict[str, Json]:
    """The body of every answer to a request that is refused or failed."""
    return {"error": text}


def sample(record: Sample) -> dict[str, Json]:
    """A sample as the stream and /api/now show it: percentages, `elapsed` in seconds, `weight` in ticks of 1/100 s."""
    figures = record.figures
    return {
        "time": record.time,
        "elapsed": figures.elapsed_ms / 1000,
        "weight": figures.all,
        "cpu": percent(figures.busy, figures.all),
        **_shown_of(figures, _MODES),
        **_cores_of(record),
        **_shown_of(figures, _SINGLE),
        "accounted": _accounted(figures),
    }


def _cores_of(record: Sample) -> dict[str, Json]:
    """The `cores`, and their numbers as `cpus` where those are not simply 0, 1, 2."""
    if record.cores is None:
        return {"cores": None}
    numbers = [core.cpu for core in record.cores]
    shares = [percent(core.busy, core.all) for core in record.cores]
    # Nearly every machine numbers its CPUs without a hole, and is spared the list.
    return {"cores": shares} if numbers == list(range(len(numbers))) else {"cpus": numbers, "cores": shares}


def _accounted(figures: Figures) -> float | None:
    """Counted over expected ticks, to three decimals; None if none are expected."""
    return round(figures.all / figures.expected, 3) if figures.expected else None


def minute(record: Rollup) -> Json:
    """A minute as the stream shows it."""
    return {
        "time": record.time,
        "cpu": percent(record.figures.busy, record.figures.all),
        "min": record.cpu_min_bp / 100,
        "max": record.cpu_max_bp / 100,
        "count": record.count,
        "accounted": _accounted(record.figures),
    }


def gap(record: Gap) -> Json:
    """A gap as the stream and the history show it; `cpu` is null where the counters prove nothing."""
    return {
        "from": record.from_time,
        "to": record.to_time,
        "cause": record.cause.value,
        "cpu": percent(record.busy, record.all),
    }


def _any_gap(record: Gap | MergedGaps) -> Json:
    """A gap, or several of which each is too short to be told among so many."""
    if isinstance(record, Gap):
        return gap(record)
    return {
        "from": record.from_time,
        "to": record.to_time,
        "count": record.count,
        "seconds": record.seconds,
        "causes": [cause.value for cause in record.causes],
    }


def open_gap(record: OpenGap) -> Json:
    """A gap without an end: the counters prove nothing of it until it has one."""
    return {"from": record.from_time, "to": None, "cause": record.cause.value, "cpu": None}


def cost(before: Cost, after: Cost) -> dict[str, Json]:
    """What recording costs: CPU seconds and MiB written an hour since `before`, and MiB of memory.

    The rates are None for the first minute, in which the start would dominate them.
    """
    passed_s = after.moment.monotonic - before.moment.monotonic
    hours = passed_s / 3600 if passed_s >= MINUTE else None
    written = None if before.written is None or after.written is None else after.written - before.written
    return {
        "cpu_seconds_per_hour": None if hours is None else round((after.cpu_s - before.cpu_s) / hours, 2),
        "memory_mib": None if after.memory is None else round(after.memory / MIB, 1),
        "written_mib_per_hour": None if hours is None or written is None else round(written / MIB / hours, 2),
    }


def spent(before: Cost, after: Cost) -> dict[str, Json]:
    """What recording has cost since `before`: in so many seconds, those of CPU, and MiB written."""
    written = None if before.written is None or after.written is None else after.written - before.written
    return {
        "seconds": after.moment.monotonic - before.moment.monotonic,
        "cpu_seconds": round(after.cpu_s - before.cpu_s, 1),
        "written_mib": None if written is None else round(written / MIB, 2),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """How names of units and processes are read, and whether this reader may see them."""

    top: str
    """As set: `off`, `units` or `all`."""
    naming: Naming
    is_shown: bool


def who(record: Who) -> dict[str, Json]:
    """`sight` says what cannot be seen; in a container `flags` are those that let it."""
    return {
        "top": record.top,
        "sight": record.naming.sight.value,
        "flags": SIGHT_FLAGS.get(record.naming.sight),
        "every": record.naming.every_s,
        "error": record.naming.error,
        "shown": record.is_shown,
    }


def standing(record: Standing) -> dict[str, Json]:
    """How a receiver of samples fares: what it took and refused since the start, and how far it has got."""
    return {
        "receiver": record.name,
        "sent": record.sent,
        "refused": record.refused,
        "refusal": record.refusal,
        "until": record.until,
        "behind": record.behind_s,
        "problem": record.problem,
    }


def newest(
    record: Sample, status: "Status", costs: tuple[Cost, Cost], names: Who, receivers: Sequence[Standing] = ()
) -> dict[str, Json]:
    """The body of /api/now: the newest sample, its age in seconds, how the recording fares and what it costs.

    With `receivers`, how those fare, as `push`.
    """
    return {
        **sample(record),
        "age": status.now - record.time,
        "state": status.state,
        "scope": status.scope,
        "self": cost(*costs),
        "who": who(names),
        **({"push": [*map(standing, receivers)]} if receivers else {}),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of the service, as every page and stream shows it."""

    host: str
    version: str
    interval: int
    """Seconds between two samples."""
    now: int
    """UTC Unix seconds."""
    state: str
    """`recording`, or what is wrong."""
    scope: str
    """Whose the figures are: the `machine`'s, its `host`'s to a container, or the `container`'s alone."""


def host(status: Status, machine: Machine, first: int | None) -> dict[str, Json]:
    """The body of /api/host; `first` is when the first interval begins, None before it is over."""
    return {
        "host": status.host,
        "version": status.version,
        "interval": status.interval,
        "cpus": machine.cpus,
        "boot_time": machine.boot_time,
        "first": first,
        "zone": machine.zone,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """What a page shows before it has asked for anything."""

    lang: str
    texts: Mapping[str, str]
    """What the page's scripts write, by key."""
    samples: Mapping[str, Json]
    """The newest hour at the finest step, as the body of /api/history."""
    minutes: Mapping[str, Json]
    """The same hour in minutes."""
    newest: Sample | None
    machine: Machine
    who: Who
    receivers: Sequence[Standing] = ()


def boot(status: Status, record: Boot) -> dict[str, Json]:
    """The block of JSON inside the page."""
    return {
        "lang": record.lang,
        "host": status.host,
        "version": status.version,
        "interval": status.interval,
        "now": status.now,
        "texts": record.texts,
        "samples": record.samples,
        "minutes": record.minutes,
        "newest": sample(record.newest) if record.newest else None,
        "state": status.state,
        "cpus": record.machine.cpus,
        "zone": record.machine.zone,
        "boot_time": record.machine.boot_time,
        "who": who(record.who),
        **({"push": [*map(standing, record.receivers)]} if record.receivers else {}),
    }


def greeting(status: Status, boot_id: str, last_id: int | None) -> dict[str, Json]:
    """What `hello` tells; `last_id` is the newest sample's, after which the stream goes on."""
    return {
        "host": status.host,
        "version": status.version,
        "boot": boot_id,
        "interval": status.interval,
        "now": status.now,
        "last_id": last_id,
        "state": status.state,
        "scope": status.scope,
    }


def history_header(status: Status, last_id: int | None) -> dict[str, Json]:
    """What an answer of /api/history begins with; `last_id` is the newest sample's, from which a stream can go on."""
    return {"host": status.host, "now": status.now, "last_id": last_id}


def history(record: Answer, series: Sequence[str], header: Mapping[str, Json]) -> dict[str, Json]:
    """The body of /api/history: columns on a dense grid, null where nothing was recorded.

    `header` comes first; `series` names the further columns. Above the sampling interval each element also has the
    extremes and the number of its samples. `unreliable` lists the elements whose counting cannot be trusted; with
    `cores` come the numbers of the `cpus`, one for each row.
    """
    grid = record.grid
    gaps = merge_short(record.gaps, grid.from_time, grid.to_time)
    return {
        **header,
        "from": grid.from_time,
        "to": grid.to_time,
        "step": grid.step,
        "start": grid.start,
        "kept_from": record.kept_from,
        "kept": kept(record.kept),
        **means(record),
        "unreliable": record.buckets.unreliable(),
        **{name: _SERIES[name](record) for name in series},
        **({"cpus": numbers(record)} if "cores" in series else {}),
        "gaps": [*map(_any_gap, gaps), *([open_gap(record.open_gap)] if record.open_gap else [])],
        "clock_steps": [{"time": step.time, "seconds": step.by_ms / 1000} for step in record.clock_steps],
    }


def kept(record: Kept) -> dict[str, Json]:
    """Since when samples and minutes are kept; null: from the first on."""
    return {"samples_from": record.sample or None, "minutes_from": record.minute or None}


def fleet(record: FleetView) -> dict[str, Json]:
    """The body of /api/fleet: shares in percent, times in UTC Unix seconds."""
    strip = record.strip
    return {
        "from": strip.start - strip.step,
        "to": strip.end,
        "step": strip.step,
        "start": strip.start,
        "count": record.count,
        "engine": "ok" if record.problem is None else record.problem,
        "total": record.spread["mean"],
        "spread": {name: record.spread[name] for name in ("low", "median", "high")},
        "machines": [
            {
                "host": one.host,
                "labels": dict(one.labels),
                "now": one.now,
                "mean": one.mean,
                "max": one.max,
                "last": one.last,
                "cells": one.cells,
            }
            for one in record.members
        ],
    }


SILENT = "silent"
"""Why a machine's history has a gap, as far as an engine knows."""


def member(host: str, now: int, record: MemberHistory) -> dict[str, Json]:
    """The body of /api/machine, which is that of /api/history without what an engine does not know."""
    grid = record.grid
    columns: dict[str, Json] = {"cpu": record.cpu}
    if record.extremes is not None:
        columns |= dict(zip(("min", "max", "count"), record.extremes, strict=True))
    return {
        "host": host,
        "now": now,
        "last_id": None,
        "interval": record.interval,
        "from": grid.from_time,
        "to": grid.to_time,
        "step": grid.step,
        "start": grid.start,
        **columns,
        **({"modes": record.modes} if record.modes else {}),
        "gaps": [{"from": begin, "to": end, "cause": SILENT, "cpu": None} for begin, end in record.gaps],
        "clock_steps": [],
    }


def summary(record: Summary) -> dict[str, Json]:
    """The body of /api/summary: null where nothing was recorded, `above_s` in seconds, `recorded` from 0 to 1."""
    rollup = record.rollup
    histogram = rollup.histogram if rollup else None
    return {
        "from": record.span.from_time,
        "to": record.span.to_time,
        "mean": percent(record.busy, rollup.figures.all) if rollup else None,
        "min": rollup.cpu_min_bp / 100 if rollup else None,
        "max": rollup.cpu_max_bp / 100 if rollup else None,
        "max_time": record.max_time,
        **{name: quantile(histogram or {}, per_mille) for name, per_mille in _PERCENTILES.items()},
        "above_s": time_above(histogram, record.above) / 1000 if histogram else None,
        "recorded": record.recorded,
        "modes": _shown_of(rollup.figures, _MODES) if rollup else dict.fromkeys(_MODES),
        "gaps": {cause.value: seconds for cause, seconds in record.gaps.items()},
        "busy": [_stretch(one) for one in record.stretches],
    }


def _stretch(record: Stretch) -> Json:
    figures = record.rollup.figures
    return {
        "from": record.span.from_time,
        "to": record.span.to_time,
        "mean": percent(figures.busy, figures.all),
        "max": record.rollup.cpu_max_bp / 100,
        "mode": record.mode,
        "cores": record.spread.value if record.spread else None,
    }


def leaders(record: Top) -> dict[str, Json]:
    """The body of /api/top: CPU time in seconds, shares in percent of the busy time and of the whole machine."""
    return {
        "from": record.span.from_time,
        "to": record.span.to_time,
        "by": record.by,
        "busy_s": _seconds(record.busy_us),
        "top": [_leader(one, record) for one in record.leaders],
        "other_s": _seconds(record.other_us),
        "exited_s": _seconds(record.exited_us),
        "unattributed_s": _seconds(record.unattributed_us),
        "excess_s": _seconds(record.excess_us),
        "throttled": [_throttle(one) for one in record.throttles],
    }


def _throttle(record: Throttle) -> Json:
    return {
        "unit": record.unit,
        "periods": record.periods,
        "of_periods": round(record.percent, 1),
        "waited_s": _seconds(record.throttled_us),
    }


def _leader(record: Leader, top: Top) -> Json:
    share = record.share
    if share.pid is None:
        limited = next((one for one in top.throttles if one.unit == share.name), None)
        of_view: dict[str, Json] = {"throttled": round(limited.percent, 1)} if limited else {}
    else:
        of_view = {"pid": share.pid, "started": share.started}
    return {
        "name": share.name,
        "unit": share.unit,
        "cpu_s": _seconds(share.cpu_us),
        **of_view,
        "of_busy": percent(share.cpu_us, top.busy_us),
        "of_machine": percent(share.cpu_us, top.all_us),
        "first": record.seen.from_time,
        "last": record.seen.to_time,
    }


def _seconds(cpu_us: int) -> float:
    return round(cpu_us / 1_000_000, 2)


def event(name: str, data: Json, event_id: int | None = None) -> bytes:
    """One server-sent event (html.spec.whatwg.org §9.2.6); its id, if it has one, becomes the reader's position."""
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}event: {name}\ndata: {encode(data)}\n\n".encode()


def closed(records: Sequence[Gap | Rollup]) -> bytes:
    """The gaps and minutes that a tick closed, in their order, as events without an id."""
    return b"".join(event("gap", gap(one)) if isinstance(one, Gap) else event("minute", minute(one)) for one in records)


def sampled(record: Sample) -> bytes:
    """The last event of a tick. It alone has an id, so a reader that lost the stream gets the whole tick again."""
    return event("sample", sample(record), record.time)


def top(record: Blame) -> bytes:
    """Who used the CPU, most first, in percent of the whole machine over (since, time].

    Without an id: a reader that lost it finds the same in the history.
    """
    return event(
        "top",
        {
            "time": record.time,
            "since": record.since,
            "units": _shares(record.units, record.all_us),
            "processes": _shares(record.processes, record.all_us),
            "exited": percent(record.exited_us, record.all_us),
        },
    )


def _shares(shares: Sequence[Share], all_us: int) -> Json:
    return [[share.name, percent(share.cpu_us, all_us)] for share in shares[:TOP_NAMES]]


def hello(greeting: Json, retry_ms: int) -> bytes:
    """The first event of a stream, with the time after which a reader that lost it should come back.

    The time stands inside the event: some readers (httpx-sse) make an empty `message` of a block that holds no data.
    """
    return f"retry: {retry_ms}\n".encode() + event("hello", greeting)


def beat(now: float) -> bytes:
    """The frame that shows that a silent stream is alive; a comment would not reach a page's script."""
    return event("beat", {"now": int(now)})


def state(degraded: str | None) -> bytes:
    """The frame that reports a new state of the recording."""
    return event("state", {"state": state_of(Health(is_ticking=True, degraded=degraded))})


def state_of(health: Health) -> str:
    """The state of the recording: `recording`, `degraded: …`, for how long there was no tick, or that it is off."""
    if health.is_off:
        return OFF
    if health.degraded is None:
        return RECORDING
    return f"degraded: {health.degraded}" if health.is_ticking else health.degraded


def resync(last_id: int | None, reason: str) -> bytes:
    """The frame that tells a reader to fetch the history again."""
    return event("resync", {"last_id": last_id, "reason": reason})


def _column(record: Answer, values: Sequence[T], empty: T | None = None) -> list[T | None]:
    """The values of the buckets on the grid."""
    start, step, times = record.grid.start, record.grid.step, record.buckets.column("time")
    # Without a gap each element has its bucket, and they come in order.
    if len(times) == record.grid.length:
        return list(values)
    # Dense, with null for a gap: uPlot draws a line across anything that is merely missing.
    column = [empty] * record.grid.length
    for time, value in zip(times, values, strict=True):
        column[(time - start) // step] = value
    return column


def means(record: Answer) -> dict[str, Column]:
    """`cpu`, and above the sampling interval `min`, `max` and `count`."""
    buckets = record.buckets
    shares = list(map(percent, buckets.column("busy"), buckets.column("all")))
    columns: dict[str, Column] = {"cpu": _column(record, shares)}
    # Elements of a single sample: extremes and count would only repeat it.
    if record.grid.step > record.interval:
        columns["min"] = _column(record, [use / 100 for use in buckets.column("cpu_min_bp")])
        columns["max"] = _column(record, [use / 100 for use in buckets.column("cpu_max_bp")])
        columns["count"] = _column(record, buckets.column("count"), empty=0)
    return columns


def modes(record: Answer) -> dict[str, Column]:
    """Each kind of work."""
    return {key: _shown(record, name, show) for key, (name, show) in _MODES.items()}


def single(record: Answer, key: str) -> Column:
    """A figure that is a series of its own."""
    return _shown(record, *_SINGLE[key])


def _shown(record: Answer, name: str, show: Show) -> Column:
    """A column of what is shown of a figure."""
    columns = (record.buckets.column(one) for one in (name, "all", "elapsed_ms", "count"))
    return _column(record, [show(*values) for values in zip(*columns, strict=True)])


def _shown_of(figures: Figures, shown: Mapping[str, tuple[str, Show]]) -> dict[str, Json]:
    """What is shown of the figures of one sample."""
    whole = figures.all, figures.elapsed_ms, 1
    return {key: show(getattr(figures, name), *whole) for key, (name, show) in shown.items()}


def numbers(record: Answer) -> list[int]:
    """The numbers of all CPUs that some bucket knows, in order: one for each row of `cores`."""
    return sorted({core.cpu for cores in record.cores.values() for core in cores})


def cores(record: Answer) -> dict[int, Column]:
    """Each CPU, by its number."""
    grid = record.grid
    rows: dict[int, list[float | None]] = {cpu: [None] * grid.length for cpu in numbers(record)}
    for time, ticks in record.cores.items():
        for core in ticks:
            rows[core.cpu][(time - grid.start) // grid.step] = percent(core.busy, core.all)
    return dict(rows)


_MODES = {one.key: (one.name, one.show) for one in SHOWN if one.series == MODES and one.key and one.show}
_SINGLE = {one.key: (one.name, one.show) for one in SHOWN if one.series != MODES and one.key and one.show}
"""Name of each figure and how it is shown, by its key: the kinds of work share an object, the others stand alone."""

_PERCENTILES = {"p50": 500, "p95": 950, "p99": 990}
"""Thousandths of the time, by the name of the percentile."""


def leading(record: Answer) -> Json:
    """Who used the CPU most in each element, in percent of the machine: units, and processes.

    Each is named once, and an element has the place of the name and its share; null where nothing was read.
    """
    return {
        "units": _places(record, {time: (one.units, one.all_us) for time, one in record.leaders.items()}),
        "processes": _places(record, {time: (one.processes, one.all_us) for time, one in record.leaders.items()}),
    }


def _places(record: Answer, shares: Mapping[int, tuple[Sequence[Share], int]]) -> Json:
    grid = record.grid
    named: dict[Identity, Json] = {}
    places: dict[Identity, int] = {}
    elements: list[Json] = [None] * grid.length
    for time, (leaders, all_us) in shares.items():
        pairs: list[Json] = []
        for share in leaders:
            key = identity(share)
            place = places.setdefault(key, len(places))
            named[key] = {"name": share.name, "unit": share.unit, **({} if share.pid is None else {"pid": share.pid})}
            pairs.append([place, percent(share.cpu_us, all_us)])
        elements[(time - grid.start) // grid.step] = pairs
    return {"names": list(named.values()), "shares": elements}


_SERIES: dict[str, Callable[[Answer], Json]] = {
    TOP: leading,
    MODES: modes,
    "cores": lambda record: list(cores(record).values()),
    **{key: partial(single, key=key) for key in _SINGLE},
}
