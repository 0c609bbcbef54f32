"""The table of figures: what is counted in an interval, in which unit, how it adds up and how it is shown. Pure.

The fields of `Ticks` and `Figures` are the table; `FIGURES` is the same as data. Columns, inserts, the SQL of buckets,
the verification and the series of the API all follow from it. A *tick* is the unit of the kernel's CPU counters,
1/100 s (USER_HZ, proc_stat(5)).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum, auto
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar


class Source(Enum):
    """What the value of an interval is computed from."""

    CPUS = auto()
    """The counters of the CPUs."""
    CLOCK = auto()
    """The time between two readings."""
    LEVEL = auto()
    """What was read at the end of the interval."""
    RISE = auto()
    """What was read at its end less what was read at its beginning; a fall counts as 0."""


Show: TypeAlias = Callable[[int | None, int, int, int], float | None]
"""What a reader is shown of a value in an interval of so many ticks, so many milliseconds and so many samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the table."""

    name: str
    """The same for the column, for the attribute and for what is read from the kernel."""
    unit: str
    source: Source
    may_be_unknown: bool
    """Whether it can be None; of several intervals the sum is unknown if it is in any of them."""
    key: str | None
    """The name that readers know it by; None for one that is not shown by itself."""
    series: str | None
    """The `series` parameter that asks for it; the figures of MODES share one."""
    show: Show | None


MODES = "modes"
"""The series that holds the kinds of work."""


def basis_points(part: int, whole: int) -> int:
    """`part` of `whole` in hundredths of a percent, 0..10000, half rounded up. `whole` is above 0."""
    # In whole numbers, so that SQL (statements.py) computes exactly the same.
    return (20_000 * part + whole) // (2 * whole)


def percent(part: int | None, whole: int | None) -> float | None:
    """`part` of `whole` in percent, to two decimals; None where either is unknown or `whole` is 0."""
    if part is None or not whole:
        return None
    return basis_points(part, whole) / 100


def _share_of_ticks(value: int | None, all_ticks: int, _elapsed_ms: int, _count: int) -> float | None:
    """Percent of the ticks of every kind."""
    return percent(value, all_ticks)


def _mean_of_centi(value: int | None, _all_ticks: int, _elapsed_ms: int, count: int) -> float | None:
    """The mean of hundredths over the samples, to two decimals."""
    return None if value is None else round(value / count / 100, 2)


def _share_of_time(value: int | None, _all_ticks: int, elapsed_ms: int, _count: int) -> float | None:
    """Microseconds in percent of the time that passed; the kernel books waits in bursts, so at most 100."""
    if value is None or elapsed_ms <= 0:
        return None
    return min(100.0, round(value / elapsed_ms / 10, 2))


def _figure(unit: str, source: Source, show: Show | None = None, *, key: str | None = None) -> Any:  # noqa: ANN401 - stands for a value of the field's own type, as dataclasses.field does
    return field(metadata={"unit": unit, "source": source, "show": show, "key": key})


def _mode() -> Any:  # noqa: ANN401 - likewise
    return _figure("ticks", Source.CPUS, _share_of_ticks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """Ticks spent in an interval, by kind of work."""

    user: int = _mode()
    """User mode, nice and guests inside."""
    system: int = _mode()
    irq: int | None = _mode()
    """Hard and soft interrupts; None where the system does not report them, as for `iowait` and `steal`."""
    iowait: int | None = _mode()
    steal: int | None = _mode()
    all: int = _figure("ticks", Source.CPUS)
    """Of every kind, idle included: the weight of the interval in any mean."""

    @property
    def busy(self) -> int:
        """Ticks in which a CPU worked for this machine: the sum of BUSY."""
        return self.user + self.system + (self.irq or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures(Ticks):
    """All that is counted in an interval."""

    elapsed_ms: int = _figure("ms", Source.CLOCK)
    """Measured, on the monotonic clock."""
    expected: int = _figure("ticks", Source.CLOCK)
    """Ticks that the clock says there were: elapsed time x CPUs. Far from `all`, the counting is unreliable."""
    load_centi: int | None = _figure("1/100 tasks", Source.LEVEL, _mean_of_centi, key="load")
    """The load average of the last minute; added up it wants dividing by the number of samples."""
    pressure_us: int | None = _figure("µs", Source.RISE, _share_of_time, key="pressure")
    """Time in which some task waited for a CPU."""


TICKS_PER_SECOND = 100
"""The counters of the CPUs step in 1/100 s (USER_HZ, proc_stat(5))."""

BUSY = ("user", "system", "irq")
"""The kinds of work that `busy` adds up."""

SPENT = (*BUSY, "iowait", "steal")
"""The kinds that have a column; idle is what is left of all ticks."""


def _row(name: str, annotation: object, metadata: Mapping[str, Any]) -> Figure:
    show, source = metadata["show"], metadata["source"]
    key = None if show is None else metadata["key"] or name
    return Figure(
        name=name,
        unit=metadata["unit"],
        source=source,
        # The annotation is the only statement of it, so that type checker, column and sums cannot disagree.
        may_be_unknown="None" in str(annotation),
        key=key,
        series=MODES if key and source is Source.CPUS else key,
        show=show,
    )


FIGURES = tuple(_row(one.name, one.type, one.metadata) for one in fields(Figures))
"""Every figure, in the order of the columns."""

SHOWN = tuple(figure for figure in FIGURES if figure.show is not None)

SERIES = (MODES, "cores", *(figure.key for figure in SHOWN if figure.series != MODES and figure.key))
"""What may be asked for beside the CPU use."""

TOP = "top"
"""The series of who used the CPU, which is no figure."""

READ = tuple(figure for figure in FIGURES if figure.source in {Source.LEVEL, Source.RISE})
"""What the kernel is asked for beside the counters of the CPUs, by the names of the figures."""

_NAMES: dict[type[Ticks], tuple[str, ...]] = {
    kind: tuple(one.name for one in fields(kind)) for kind in (Ticks, Figures)
}

Parts = TypeVar("Parts", bound=Ticks)


def add_up(parts: Sequence[Parts]) -> Parts | None:
    """The parts added up, figure by figure; None for no parts."""
    if not parts:
        return None
    names = _NAMES[type(parts[0])]
    columns = zip(*map(attrgetter(*names), parts), strict=True)
    sums = [None if None in values else sum(values) for values in columns]
    return type(parts[0])(**dict(zip(names, sums, strict=True)))  # type: ignore[arg-type] # unknown only what may be
