"""Who used the CPU: names with their CPU time, and what no name explains. Pure.

Two views of the same span: by unit (control groups, which are disjoint here) and by process. In each view

    its names + other + exited + unattributed = busy + excess

holds to the microsecond, for one reading as for any span of them. Names are sanitised before they get here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The CPU time of one unit, or of one process under one name."""

    name: str
    """A process that calls exec has another name from then on, and another share."""
    unit: str
    """The unit's own name, or that of the unit in which the process runs; empty where it is not known."""
    pid: int | None
    """None of a unit."""
    started: int | None
    """When the process was started, in UTC Unix seconds; None of a unit."""
    cpu_us: int
    """Microseconds of CPU time, above 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """How a unit was held back by a limit of its own."""

    unit: str
    periods: int
    """Periods of the limit in which it had work."""
    throttled: int
    """Those of them in which it used up what it may."""
    throttled_us: int
    """Microseconds for which it then waited, on all CPUs together."""

    @property
    def percent(self) -> float:
        """Percent of its periods."""
        return 100 * self.throttled / self.periods if self.periods else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """Who used the CPU in (since, time]; both in UTC Unix seconds, all the rest in microseconds of CPU time."""

    time: int
    since: int
    busy_us: int
    """What the counters of the CPUs recorded as busy."""
    all_us: int
    """CPU time of every kind, idle included: the whole machine for the whole span."""
    units: tuple[Share, ...]
    """Most first."""
    processes: tuple[Share, ...]
    """Most first."""
    exited_us: int
    """Of processes that ended before they were read; a unit's own time has it already, so it counts by process only."""
    other_us_by_unit: int = 0
    """Of names below those that are kept."""
    other_us_by_process: int = 0
    throttles: tuple[Throttle, ...] = ()
    """Of units that were ever held back by a limit of their own, those that waited longest first."""

    @property
    def unattributed_us_by_unit(self) -> int:
        """Busy time that no unit's account holds: interrupts, and what lies between the readings at the edges."""
        return max(0, -self._surplus_by_unit)

    @property
    def excess_us_by_unit(self) -> int:
        """Time that the exact accounts hold above the busy time, which the kernel's tick only samples."""
        return max(0, self._surplus_by_unit)

    @property
    def unattributed_us_by_process(self) -> int:
        """As `unattributed_us_by_unit`, of the processes."""
        return max(0, -self._surplus_by_process)

    @property
    def excess_us_by_process(self) -> int:
        """As `excess_us_by_unit`, of the processes."""
        return max(0, self._surplus_by_process)

    @property
    def _surplus_by_unit(self) -> int:
        return _sum(self.units) + self.other_us_by_unit - self.busy_us

    @property
    def _surplus_by_process(self) -> int:
        return _sum(self.processes) + self.other_us_by_process + self.exited_us - self.busy_us


def merge(blames: Sequence[Blame]) -> Blame:
    """One Blame for the whole span of several, at least one, in order of time.

    What is above the busy time in one part and below it in another cancels out: the tick's sampling is noise, which a
    longer span averages away. So merge all that there is before anything is cut.
    """
    return Blame(
        time=blames[-1].time,
        since=blames[0].since,
        busy_us=sum(one.busy_us for one in blames),
        all_us=sum(one.all_us for one in blames),
        units=_added(share for one in blames for share in one.units),
        processes=_added(share for one in blames for share in one.processes),
        exited_us=sum(one.exited_us for one in blames),
        other_us_by_unit=sum(one.other_us_by_unit for one in blames),
        other_us_by_process=sum(one.other_us_by_process for one in blames),
        throttles=added_throttles(one for blame in blames for one in blame.throttles),
    )


def cut(blame: Blame, limit: int) -> Blame:
    """The same with the `limit` first names of each view; the rest is `other`."""
    return replace(
        blame,
        units=blame.units[:limit],
        processes=blame.processes[:limit],
        other_us_by_unit=blame.other_us_by_unit + _sum(blame.units[limit:]),
        other_us_by_process=blame.other_us_by_process + _sum(blame.processes[limit:]),
        throttles=blame.throttles[:limit],
    )


def ranked(shares: Iterable[Share]) -> tuple[Share, ...]:
    """The shares, most first; equal ones by name, so that the order is always the same."""
    return tuple(sorted(shares, key=lambda one: (-one.cpu_us, one.name, one.pid or 0)))


_identity = attrgetter("name", "unit", "pid", "started")


def _added(shares: Iterable[Share]) -> tuple[Share, ...]:
    """Shares of the same unit or process added up, most first."""
    sums: dict[tuple[str, str, int | None, int | None], Share] = {}
    for share in shares:
        key = _identity(share)
        known = sums.get(key)
        sums[key] = share if known is None else replace(known, cpu_us=known.cpu_us + share.cpu_us)
    return ranked(sums.values())


def added_throttles(throttles: Iterable[Throttle]) -> tuple[Throttle, ...]:
    """Those of the same unit added up, those that waited longest first."""
    sums: dict[str, Throttle] = {}
    for one in throttles:
        known = sums.get(one.unit, Throttle(unit=one.unit, periods=0, throttled=0, throttled_us=0))
        sums[one.unit] = Throttle(
            unit=one.unit,
            periods=known.periods + one.periods,
            throttled=known.throttled + one.throttled,
            throttled_us=known.throttled_us + one.throttled_us,
        )
    return tuple(sorted(sums.values(), key=lambda one: (-one.throttled_us, one.unit)))


def _sum(shares: Iterable[Share]) -> int:
    return sum(share.cpu_us for share in shares)
