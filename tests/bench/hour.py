"""An hour of a machine with eight CPUs, put into a database as the service itself would have recorded it."""

import asyncio
from itertools import accumulate
from pathlib import Path
from random import Random

from cpusensor import __version__
from cpusensor.kernel.clock import SystemClock
from cpusensor.model.figures import Figures
from cpusensor.model.records import Cause, CoreTicks, Measured, Run, Sample
from cpusensor.store.opening import open_history

CORES = 8
STEP_S = 5
SAMPLES = 3600 // STEP_S
CORE_TICKS = 100 * STEP_S


def fill_hour(database: Path) -> None:
    """Write the hour until now; a service that starts at once has no hole in it."""
    asyncio.run(_fill_hour(database))


async def _fill_hour(database: Path) -> None:
    now = SystemClock().now().wall
    newest = int(now) // STEP_S * STEP_S
    async with open_history(database, now) as store:
        run = await store.runs.start("another boot", newest - 3600, STEP_S, __version__)
        times = range(newest - (SAMPLES - 1) * STEP_S, newest + 1, STEP_S)
        samples = [_sample(run, at, shares) for at, shares in zip(times, busy_shares(), strict=True)]
        await store.writer.add([Measured(sample=one, cause=Cause.STALLED) for one in samples])
        await store.runs.end(newest)


def busy_shares() -> list[list[float]]:
    """By sample, then by core: a load that wanders, with bursts, never the same on two cores; the same at each call."""
    draw = Random(720)  # noqa: S311 - repeatable, not secret
    levels = accumulate(range(1, SAMPLES), lambda level, _: _wander(level, draw), initial=0.2)
    return [[min(1.0, max(0.0, draw.gauss(level, 0.08))) for _ in range(CORES)] for level in levels]


def _wander(level: float, draw: Random) -> float:
    burst = draw.uniform(0.2, 0.6) if draw.random() < 0.02 else 0.0
    return min(0.95, max(0.02, 0.2 + 0.85 * (level - 0.2) + draw.gauss(0, 0.03) + burst))


def _sample(run: Run, at: int, shares: list[float]) -> Sample:
    cores = tuple(
        CoreTicks(cpu=cpu, busy=round(CORE_TICKS * share), all=CORE_TICKS) for cpu, share in enumerate(shares)
    )
    busy, all_ticks = sum(core.busy for core in cores), CORES * CORE_TICKS
    system, irq = busy // 4, busy // 50
    return Sample(
        time=at,
        run=run.id,
        figures=Figures(
            user=busy - system - irq,
            system=system,
            irq=irq,
            iowait=busy % 20,
            steal=0,
            all=all_ticks,
            elapsed_ms=1000 * STEP_S,
            expected=all_ticks,
            load_centi=busy // 10,
            pressure_us=10 * busy,
        ),
        total_busy=0,
        total_all=0,
        cores=cores,
    )
