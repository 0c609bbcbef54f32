"""Samples, runs and strategies for them, for the tests of whatever takes samples."""

from dataclasses import replace

from hypothesis import strategies as st

from cpusensor.model.figures import Figures
from cpusensor.model.records import Cause, CoreTicks, Measured, Run, Sample

NOON = 1_763_936_400
"""A full minute in UTC."""

RUN = Run(id=1, boot_id="boot-1", started=0, ended=None, interval=5, version="1.0.0")


def sample(time: int, busy: int = 250, all_ticks: int = 1000, *, run: int = 1, total: int | None = None) -> Sample:
    """A sample of two equal cores; the running totals count as if all samples had been like it, unless given."""
    total_all = time * 200 if total is None else total
    return Sample(
        time=time,
        run=run,
        figures=Figures(
            user=busy,
            system=0,
            irq=0,
            iowait=0,
            steal=0,
            all=all_ticks,
            elapsed_ms=5 * all_ticks,
            expected=all_ticks,
            load_centi=42,
            pressure_us=1000,
        ),
        cores=tuple(CoreTicks(cpu=cpu, busy=busy // 2, all=all_ticks // 2) for cpu in range(2)),
        total_busy=total_all // 4,
        total_all=total_all,
    )


def at(*slots: int) -> list[Sample]:
    """A sample on each of these slots after noon."""
    return [sample(NOON + 5 * slot) for slot in slots]


def measured(*samples: Sample, cause: Cause = Cause.STALLED) -> list[Measured]:
    return [Measured(sample=one, cause=cause) for one in samples]


def without_known(one: Sample) -> Sample:
    """The sample as of a system that reports only the least."""
    return replace(
        one,
        figures=replace(one.figures, iowait=None, steal=None, load_centi=None, pressure_us=None),
        cores=None,
    )


@st.composite
def histories(draw: st.DrawFn, interval: int = 5, length: int = 40) -> list[Sample]:
    """Samples on a grid, in order, some slots left out."""
    slots = draw(st.lists(st.integers(1, length), min_size=1, max_size=length, unique=True))
    shares = st.tuples(st.integers(0, 1000), st.integers(2, 4000))
    return [
        sample(1_763_936_400 + slot * interval, *(min(pair), max(pair)))
        for slot in sorted(slots)
        for pair in [draw(shares)]
    ]
