"""What was measured of a fleet as tables, and what follows from it for larger ones by calculation."""

from collections.abc import Sequence

from tests.bench.fleet_engine import HOUR_S, Measured
from tests.bench.fleet_machines import OUTAGE_S, STEP_S
from tests.bench.report import Verdict, table

YEAR_S = 365 * 24 * HOUR_S
SIZES = (10_000, 100_000)
GIB = 2**30

PUSH_CPU_S, PAINTED_MS, PAGE_KB = 0.2, 1000, 250
"""The goals."""


def values_a_second(machines: int, series: int) -> float:
    """What goes into the engine: series × machines ÷ interval."""
    return machines * series / STEP_S


def bytes_a_value(one: Measured) -> float:
    """On disk, without the index."""
    return one.weight.data_bytes / one.weight.values


def bytes_a_year(one: Measured) -> float:
    """Of one machine: what its values take."""
    return bytes_a_value(one) * values_a_second(1, one.weight.series) * YEAR_S


def live_cores(one: Measured, machines: int) -> float:
    """Cores that the engine is busy with while all is well: from the time that a value took."""
    return values_a_second(machines, one.weight.series) * one.live.engine_cpu_s / one.live.values


def outage_rate(one: Measured) -> float:
    """Values a second that one core of the engine takes of those that had to wait."""
    return one.outage.values / one.outage.engine_cpu_s


def judge(found: Sequence[Measured]) -> list[Verdict]:
    """Each goal against what was measured."""
    slowest = max(one.page.first_ms for one in found)
    largest = max(one.page.sent_bytes for one in found)
    compared = [one.service_cpu_s for one in found if one.service_cpu_s]
    more = max((with_push - without for without, with_push in compared), default=None)
    return [
        Verdict(
            is_met=None if more is None else more <= PUSH_CPU_S,
            text=f"pushing takes at most {PUSH_CPU_S} CPU s/h more" + ("" if more is None else f": {more:+.2f}"),
        ),
        Verdict(is_met=slowest <= PAINTED_MS, text=f"`/fleet` painted within {PAINTED_MS} ms: {slowest:,.0f}"),
        Verdict(is_met=largest <= PAGE_KB * 1000, text=f"… in at most {PAGE_KB} kB: {largest / 1000:,.0f}"),
    ]


def measured_table(found: Sequence[Measured]) -> str:
    """Rows of figures, a column for each engine."""

    def row(name: str, *texts: str) -> list[str]:
        return [name, *texts]

    return table(
        ["measured", *(one.kind.name for one in found)],
        [
            row("machines, 5 of them real; series of each", *(f"{m.machines + 5:,}; {m.weight.series}" for m in found)),
            row("live: values a second", *(f"{m.live.values / m.live.seconds:,.0f}" for m in found)),
            row("live: the engine, of a core", *(f"{m.live.engine_cpu_s / m.live.seconds:.1%}" for m in found)),
            row("live: pushing, CPU s/h a machine", *(f"{_push_hour(m):.2f}" for m in found)),
            row("an hour's outage of all: caught up in", *(f"{m.outage.seconds:.0f} s" for m in found)),
            row("… values a second", *(f"{m.outage.values / m.outage.seconds:,.0f}" for m in found)),
            row("… the engine, CPU µs a value", *(f"{1e6 / outage_rate(m):.2f}" for m in found)),
            row("… pushing, CPU s a machine", *(f"{m.outage.push_cpu_s / m.machines:.3f}" for m in found)),
            row("bytes a value on disk", *(f"{bytes_a_value(m):.2f}" for m in found)),
            row("index, bytes a series", *(f"{m.weight.index_bytes / _series(m):,.0f}" for m in found)),
            row("the engine's memory", *(f"{m.memory_mib:,.0f} MiB" for m in found)),
            row(
                "`/fleet` painted: first, next reader",
                *(f"{m.page.first_ms:,.0f}, {m.page.next_ms:,.0f} ms" for m in found),
            ),
            row("`/fleet`: sent until then", *(f"{m.page.sent_bytes / 1000:,.0f} kB" for m in found)),
            row("a real service with `--top off`, CPU s/h: without, with push", *(_difference(m) for m in found)),
        ],
    )


def calculated_table(found: Sequence[Measured]) -> str:
    """The same for larger fleets, each figure proportional to the number of values."""
    rows = []
    for size in SIZES:
        for one in found:
            values = values_a_second(size, one.weight.series)
            hour_s = values * OUTAGE_S / outage_rate(one)
            rows.append(
                [
                    f"{size:,}, {one.kind.name}",
                    f"{values:,.0f}",
                    f"{live_cores(one, size):.1f}",
                    f"{hour_s / 60:,.0f} min",
                    f"{one.memory_mib * size / one.machines / 1024:,.0f} GiB",
                    f"{bytes_a_year(one) * size / GIB:,.0f} GiB",
                ]
            )
    header = ["calculated, not measured", "values a second", "cores, live", "an hour's outage, on one core"]
    return table([*header, "memory, in proportion", "disk, a year"], rows)


def _push_hour(one: Measured) -> float:
    return one.live.push_cpu_s / one.machines * HOUR_S / one.live.seconds


def _series(one: Measured) -> int:
    return one.machines * one.weight.series


def _difference(one: Measured) -> str:
    return "–" if one.service_cpu_s is None else f"{one.service_cpu_s[0]:.2f}, {one.service_cpu_s[1]:.2f}"
