"""Records -> the JSON and SSE text that leave the service. Pure; the only place where their shapes are written down."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

from cpusensor.model.figures import MODES, SHOWN, Show, percent
from cpusensor.model.query import Answer, Grid
from cpusensor.model.records import Cost, Gap, Health, Rollup, Sample
from cpusensor.model.rollup import MINUTE, is_reliable

T = TypeVar("T")

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | bool | None"

COMPACT: dict[str, Any] = {"separators": (",", ":"), "allow_nan": False}
"""How JSON is written here: without spaces, and never a NaN, which is no JSON."""

MIB = 1 << 20


def encode(value: Json) -> str:
    """Compact JSON in ASCII, so that it is one line wherever it is put."""
    return json.dumps(value, **COMPACT)


def encode_by_member(value: Mapping[str, Json]) -> str:
    """The same for a large object, so that a thread in which it is done lets the others run between its members."""
    return "{" + ",".join(f"{encode(name)}:{encode(member)}" for name, member in value.items()) + "}"


def sample(record: Sample) -> dict[str, Json]:
    """A sample as the stream and /api/now show it: percentages, `elapsed` in seconds, `weight` in ticks of 1/100 s."""
    figures = record.figures
    return {
        "time": record.time,
        "elapsed": figures.elapsed_ms / 1000,
        "weight": figures.all,
        "cpu": percent(figures.busy, figures.all),
        **{key: show(figures, 1) for key, show in _MODES.items()},
        "cores": None if record.cores is None else [percent(core.busy, core.all) for core in record.cores],
        **{key: show(figures, 1) for key, show in _SINGLE.items()},
    }


def minute(record: Rollup) -> Json:
    """A minute as the stream shows it; `accounted` is the share of the CPU time that the kernel's counters tell of."""
    return {
        "time": record.time,
        "cpu": percent(record.figures.busy, record.figures.all),
        "min": record.cpu_min_bp / 100,
        "max": record.cpu_max_bp / 100,
        "count": record.count,
        "accounted": round(record.figures.all / record.figures.expected, 3) if record.figures.expected else None,
    }


def gap(record: Gap) -> Json:
    """A gap as the stream and the history show it; `cpu` is null where the counters prove nothing."""
    return {
        "from": record.from_time,
        "to": record.to_time,
        "cause": record.cause.value,
        "cpu": percent(record.busy, record.all),
    }


def cost(before: Cost, after: Cost) -> dict[str, Json]:
    """What recording costs: CPU seconds and MiB written an hour since the first of two states, and MiB of memory.

    What is spent at the start says nothing of an hour: until a minute has passed there are no rates.
    """
    passed_s = after.moment.monotonic - before.moment.monotonic
    hours = passed_s / 3600 if passed_s >= MINUTE else None
    written = None if before.written is None or after.written is None else after.written - before.written
    return {
        "cpu_seconds_per_hour": None if hours is None else round((after.cpu_s - before.cpu_s) / hours, 2),
        "memory_mib": None if after.memory is None else round(after.memory / MIB, 1),
        "written_mib_per_hour": None if hours is None or written is None else round(written / MIB / hours, 2),
    }


def history(record: Answer, series: Sequence[str], header: Mapping[str, Json]) -> dict[str, Json]:
    """The body of /api/history: columns on a dense grid, null where nothing was recorded.

    `header` comes first; `series` names the further columns. Above the sampling interval each element also has the
    extremes and the number of its samples, and `unreliable` lists the elements whose counting cannot be trusted.
    """
    grid, buckets = record.grid, record.buckets
    columns: dict[str, Json] = {"cpu": _column(grid, buckets, lambda one: percent(one.figures.busy, one.figures.all))}
    if grid.step > record.interval:
        columns["min"] = _column(grid, buckets, lambda one: one.cpu_min_bp / 100)
        columns["max"] = _column(grid, buckets, lambda one: one.cpu_max_bp / 100)
        columns["count"] = [count or 0 for count in _column(grid, buckets, lambda one: one.count)]
        columns["unreliable"] = [one.time for one in buckets if not is_reliable(one)]
    return {
        **header,
        "from": grid.from_time,
        "to": grid.to_time,
        "step": grid.step,
        "start": grid.start,
        **columns,
        **{name: _SERIES[name](record) for name in series},
        "gaps": [gap(one) for one in record.gaps],
        "clock_steps": [{"time": step.time, "seconds": step.by_ms / 1000} for step in record.clock_steps],
    }


def event(name: str, data: Json, event_id: int | None = None) -> bytes:
    """One server-sent event (html.spec.whatwg.org §9.2.6); its id, if it has one, becomes the reader's position."""
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}event: {name}\ndata: {encode(data)}\n\n".encode()


def closed(records: Sequence[Gap | Rollup]) -> bytes:
    """The gaps and minutes that a tick closed, in their order, all without an id."""
    return b"".join(event("gap", gap(one)) if isinstance(one, Gap) else event("minute", minute(one)) for one in records)


def sampled(record: Sample) -> bytes:
    """The event that closes a tick, with its id."""
    return event("sample", sample(record), record.time)


def hello(greeting: Json, retry_ms: int) -> bytes:
    """The first event of a stream, with the time after which a reader that lost it should come back.

    The time stands inside the event: some readers (httpx-sse) make an empty `message` of a block that holds no data.
    """
    return f"retry: {retry_ms}\n".encode() + event("hello", greeting)


def beat(now: float) -> bytes:
    """The frame that shows that a silent stream lives."""
    return event("beat", {"now": int(now)})


def state(degraded: str | None) -> bytes:
    """The frame that tells that the recording now fares otherwise."""
    return event("state", {"state": state_of(Health(is_ticking=True, degraded=degraded))})


def state_of(health: Health) -> str:
    """How the recording fares, in a word: `recording`, `degraded: …`, or for how long there was no tick."""
    if health.degraded is None:
        return "recording"
    return f"degraded: {health.degraded}" if health.is_ticking else health.degraded


def resync(last_id: int | None, reason: str) -> bytes:
    """The frame that tells a reader to fetch the history again."""
    return event("resync", {"last_id": last_id, "reason": reason})


def _column(grid: Grid, buckets: Sequence[Rollup], of: Callable[[Rollup], T | None]) -> list[T | None]:
    column: list[T | None] = [None] * grid.length
    for one in buckets:
        column[(one.time - grid.start) // grid.step] = of(one)
    return column


def _modes(record: Answer) -> Json:
    return {key: _shown(record, show) for key, show in _MODES.items()}


def _shown(record: Answer, show: Show) -> Json:
    return _column(record.grid, record.buckets, lambda one: show(one.figures, one.count))


def _cores(record: Answer) -> Json:
    grid = record.grid
    rows: list[list[float | None]] = []
    for time, cores in record.cores.items():
        rows.extend([None] * grid.length for _ in range(len(rows), len(cores)))
        for row, core in zip(rows, cores, strict=False):
            row[(time - grid.start) // grid.step] = percent(core.busy, core.all)
    return rows


_MODES = {figure.key: figure.show for figure in SHOWN if figure.series == MODES and figure.key and figure.show}
_SINGLE = {figure.key: figure.show for figure in SHOWN if figure.series != MODES and figure.key and figure.show}
"""The figures that are shown, by the names that readers know them by: the kinds of work, and those that stand alone."""

_SERIES: dict[str, Callable[[Answer], Json]] = {
    MODES: _modes,
    "cores": _cores,
    **{key: partial(_shown, show=show) for key, show in _SINGLE.items()},
}
