"""Which values of a stored record are impossible, whatever the machine did. Pure."""

from collections.abc import Iterator

from cpusensor.model.figures import FIGURES, Source, Ticks
from cpusensor.model.records import CoreTicks, Sample


def core_faults(cores: tuple[CoreTicks, ...] | None) -> bool:
    """Whether the ticks of some core are impossible, or there is no core. Cores that are not known are no fault."""
    return cores is not None and not (cores and all(0 <= core.busy <= core.all for core in cores))


def sample_faults(sample: Sample) -> Iterator[str]:
    """Each impossible value of a sample, in words.

    They are not left to SQLite, which forgets the CHECK constraints of a table that it may only read (build.c,
    sqlite3AddCheckConstraint).
    """
    if (fault := _fault_of_ticks(sample.figures)) is not None:
        yield fault
    for figure in FIGURES:
        if figure.source is not Source.CPUS and (getattr(sample.figures, figure.name) or 0) < 0:
            yield f"{figure.name} is negative"
    if not 0 <= sample.total_busy <= sample.total_all:
        yield f"the running totals say busy {sample.total_busy} of {sample.total_all}"


def _fault_of_ticks(ticks: Ticks) -> str | None:
    iowait, steal = ticks.iowait or 0, ticks.steal or 0
    if ticks.all <= 0 or min(ticks.user, ticks.system, ticks.irq or 0, iowait, steal) < 0:
        return "a count of ticks is negative, or all of them are none"
    # Less than all is right: idle has no column, it is what is left.
    if ticks.busy + iowait + steal > ticks.all:
        return f"its kinds of ticks add up to {ticks.busy + iowait + steal}, more than all {ticks.all}"
    return None
