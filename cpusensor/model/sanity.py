"""Which values of a stored record are impossible, whatever the machine did. Pure."""

from collections.abc import Iterator

from cpusensor.model.figures import FIGURES, Figures, Source, Ticks
from cpusensor.model.records import CoreTicks, Rollup, Sample

WHOLE_BP = 10_000
"""All of the time, in basis points."""


def core_faults(cores: tuple[CoreTicks, ...] | None) -> bool:
    """Whether the ticks of some core are impossible, or there is no core. Cores that are not known are no fault."""
    return cores is not None and not (cores and all(0 <= core.busy <= core.all for core in cores))


def sample_faults(sample: Sample) -> Iterator[str]:
    """Each impossible value of a sample, in words.

    They are not left to SQLite, which forgets the CHECK constraints of a table that it may only read (build.c,
    sqlite3AddCheckConstraint).
    """
    yield from _faults_of_figures(sample.figures)
    if not 0 <= sample.total_busy <= sample.total_all:
        yield f"the running totals say busy {sample.total_busy} of {sample.total_all}"


def rollup_faults(rollup: Rollup) -> Iterator[str]:
    """Each impossible value of a rollup, in words; its cores and its histogram aside."""
    yield from _faults_of_figures(rollup.figures)
    if rollup.count <= 0:
        yield f"it counts {rollup.count} samples"
    if not 0 <= rollup.cpu_min_bp <= rollup.cpu_max_bp <= WHOLE_BP:
        yield f"its CPU use goes from {rollup.cpu_min_bp} to {rollup.cpu_max_bp} basis points"


def _faults_of_figures(figures: Figures) -> Iterator[str]:
    if (fault := _fault_of_ticks(figures)) is not None:
        yield fault
    for figure in FIGURES:
        if figure.source is not Source.CPUS and (getattr(figures, figure.name) or 0) < 0:
            yield f"{figure.name} is negative"


def _fault_of_ticks(ticks: Ticks) -> str | None:
    iowait, steal = ticks.iowait or 0, ticks.steal or 0
    if ticks.all <= 0 or min(ticks.user, ticks.system, ticks.irq or 0, iowait, steal) < 0:
        return "a count of ticks is negative, or all of them are none"
    # Less than all is right: idle has no column, it is what is left.
    if ticks.busy + iowait + steal > ticks.all:
        return f"its kinds of ticks add up to {ticks.busy + iowait + steal}, more than all {ticks.all}"
    return None
