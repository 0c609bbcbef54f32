"""Why the CPU was busy, or kept waiting: rules over the figures of a stretch of time. Pure.

Every rule is a threshold, and says its figure: what the API tells of the same span proves it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cpusensor.model.blame import Share
from cpusensor.model.buckets import Buckets
from cpusensor.model.figures import percent
from cpusensor.model.names import ROOT
from cpusensor.model.records import Gap, Rollup, Span
from cpusensor.model.summary import Spread, join
from cpusensor.model.top import Top

DISK_PERCENT, STEAL_PERCENT = 20, 10
"""Of all CPU time, from which on the disk, or the neighbours, kept the CPUs from working."""

WAITING_PERCENT = 40
"""Of the time in which something waited for a CPU, from which on more was runnable than there are CPUs."""

KERNEL_PERCENT, IRQ_PERCENT = 5, 5
"""Of all CPU time, from which on the kernel's work, and its interrupts, are worth a word."""

NAMED_PERCENT, MAX_NAMED = 3, 3
"""Of all CPU time, from which on who used it is named, and how many at most; the first one always is."""

EXCESS_PERCENT, UNEXPLAINED_PERCENT = 10, 30
"""Of the busy time, from which on it is told that the accounts hold more, or explain less."""

THROTTLED_PERCENT, WAITED_PERCENT = 10, 1
"""Of the periods of a unit's limit, and of the time that passed: from which on it is told that the limit held it back
in so many, and that it waited for so long."""

MAX_WAITS, MAX_GAPS = 5, 5
"""Stretches of waiting, and gaps, that are told: those that lasted longest."""


class Rule(StrEnum):
    """What can be said of a stretch."""

    BUSY = "busy"
    DISK = "disk"
    NEIGHBOUR = "neighbour"
    RUNNABLE = "runnable"
    ONE_CORE = "one_core"
    INTERRUPTS = "interrupts"
    EXCESS = "excess"
    UNEXPLAINED = "unexplained"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A rule that holds, with its figure in whole percent."""

    rule: Rule
    percent: int
    name: str = ""
    """Of the unit that it is said of; empty where it is said of the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who used the CPU in a span."""

    units: Top
    processes: Top


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A stretch of time that is explained."""

    span: Span
    rollup: Rollup
    """Of the samples inside."""
    spread: Spread | None
    """Which cores it was the work of; None where that is not known, or asked."""
    who: Who | None
    """None where names are not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An incident in words to be."""

    span: Span
    reasons: Sequence[Reason]
    """The first is BUSY."""
    names: Sequence[tuple[str, int]]
    """Who it was, most first, in whole percent of all CPU time."""
    kernel: int | None
    """Of it the kernel's work, interrupts included; None where it is not worth a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened in a span."""

    span: Span
    at: int | None
    """The moment that was asked for; None for a span."""
    mean: float | None
    """CPU use in percent; None where nothing was recorded, as for `highest`."""
    highest: float | None
    highest_time: int | None
    recorded: float
    """The share of the samples that there are, 0 to 1."""
    names: Sequence[tuple[str, int]]
    """Who used most, in whole percent of the busy time."""
    are_names_told: bool
    throttled: Sequence[Reason]
    """Which units a limit of their own held back."""
    events: Sequence[Explained | Gap]
    """In the order of time."""


def explain(incident: Incident) -> Explained:
    """What the rules say of it."""
    figures = incident.rollup.figures
    kernel = _whole(figures.system + (figures.irq or 0), figures.all)
    reasons = [Reason(rule=rule, percent=found) for rule, found, least in _figures(incident) if found >= least]
    return Explained(
        span=incident.span,
        reasons=[*reasons, *(throttled(incident.who) if incident.who else ())],
        names=_named(incident.who) if incident.who else (),
        kernel=kernel if kernel >= KERNEL_PERCENT else None,
    )


def _figures(incident: Incident) -> Iterator[tuple[Rule, int, int]]:
    """Each rule, its figure, and from which on it holds."""
    figures = incident.rollup.figures
    yield Rule.BUSY, _whole(figures.busy, figures.all), 0
    yield Rule.DISK, _whole(figures.iowait, figures.all), DISK_PERCENT
    yield Rule.NEIGHBOUR, _whole(figures.steal, figures.all), STEAL_PERCENT
    # The kernel books waiting in bursts, so more than all of the time may come out.
    waited = min(100, (figures.pressure_us or 0) // max(1, 10 * figures.elapsed_ms))
    yield Rule.RUNNABLE, waited, WAITING_PERCENT
    if incident.spread is Spread.ONE:
        yield Rule.ONE_CORE, _whole(figures.busy, figures.all), 0
    yield Rule.INTERRUPTS, _whole(figures.irq, figures.all), IRQ_PERCENT
    if incident.who is not None:
        top = incident.who.units
        yield Rule.EXCESS, _whole(top.excess_us, top.busy_us), EXCESS_PERCENT
        # Where nothing was read there is nothing to wonder at.
        if top.leaders:
            yield Rule.UNEXPLAINED, _whole(top.unattributed_us, top.busy_us), UNEXPLAINED_PERCENT


def _named(who: Who) -> list[tuple[str, int]]:
    shares = [(label, _whole(cpu_us, who.units.all_us)) for label, cpu_us in _labelled(who)]
    return [(label, share) for place, (label, share) in enumerate(shares) if share >= NAMED_PERCENT or not place]


def leading(who: Who) -> list[tuple[str, int]]:
    """Who used most, in whole percent of the busy time."""
    shares = [(label, _whole(cpu_us, who.units.busy_us)) for label, cpu_us in _labelled(who)]
    return [(label, share) for label, share in shares if share]


def throttled(who: Who) -> list[Reason]:
    """The units that a limit of their own held back, those that waited longest first."""
    span = who.units.span
    least_us = WAITED_PERCENT * 10_000 * (span.to_time - span.from_time)
    return [
        Reason(rule=Rule.THROTTLED, percent=round(one.percent), name=one.unit)
        for one in who.units.throttles
        if one.percent >= THROTTLED_PERCENT and one.throttled_us >= least_us
    ][:MAX_NAMED]


def _labelled(who: Who) -> list[tuple[str, int]]:
    """The first units with their CPU time, each behind the name of the processes that did half of it and more.

    What is in no unit, or where units cannot be seen, is told by the names of the processes.
    """
    sums: dict[tuple[str, str], int] = {}
    for one in who.processes.leaders:
        key = one.share.unit, one.share.name
        sums[key] = sums.get(key, 0) + one.share.cpu_us
    units = [one.share for one in who.units.leaders if one.share.name != ROOT]
    alone = [(name, cpu_us) for (unit, name), cpu_us in sums.items() if unit == ROOT or not who.units.leaders]
    labelled = [*((_label(one, sums), one.cpu_us) for one in units), *alone]
    return sorted(labelled, key=lambda one: -one[1])[:MAX_NAMED]


def _label(share: Share, sums: Mapping[tuple[str, str], int]) -> str:
    main = [name for (unit, name), cpu_us in sums.items() if unit == share.name and 2 * cpu_us >= share.cpu_us]
    # A container's name says its main process already.
    return share.name if not main or main[0] in share.name else f"{main[0]} ({share.name})"


def waits(buckets: Buckets, step: int, busy: Sequence[Span]) -> list[Span]:
    """The longest stretches of buckets in which the disk or the neighbours kept the CPUs from working.

    Those that touch a busy one are left out: what is told of that one says it.
    """
    columns = (buckets.column(name) for name in ("time", "iowait", "steal", "all"))
    times = [
        time
        for time, iowait, steal, every in zip(*columns, strict=True)
        if 100 * (iowait or 0) >= DISK_PERCENT * every or 100 * (steal or 0) >= STEAL_PERCENT * every
    ]
    spans = [one for one in join(times, step) if not any(_touch(one, other) for other in busy)]
    return sorted(spans, key=_length, reverse=True)[:MAX_WAITS]


def longest(gaps: Sequence[Gap]) -> list[Gap]:
    """Those that are told."""
    return sorted(gaps, key=lambda one: one.from_time - one.to_time)[:MAX_GAPS]


def around(events: Sequence[Explained | Gap], at: int, slack_s: int) -> list[Explained | Gap]:
    """What a moment lies in, or next to by so many seconds."""
    return [one for one in events if begin_of(one) - slack_s <= at <= end_of(one) + slack_s]


def begin_of(event: Explained | Gap) -> int:
    """When it began."""
    return event.from_time if isinstance(event, Gap) else event.span.from_time


def end_of(event: Explained | Gap) -> int:
    """When it ended."""
    return event.to_time if isinstance(event, Gap) else event.span.to_time


def _touch(one: Span, other: Span) -> bool:
    return one.from_time < other.to_time and other.from_time < one.to_time


def _length(span: Span) -> int:
    return span.to_time - span.from_time


def _whole(part: int | None, whole: int) -> int:
    """In whole percent, rounded; 0 where it is not known."""
    return round(percent(part, whole) or 0)
