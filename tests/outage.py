"""What an engine has after it was killed under push, and the service meanwhile, against what the database has.

`python -m tests.bench.fleet --prove` lets it be dead for ten minutes, tests/test_engines.py for seconds.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cpusensor.store.columns import SAMPLE_COLUMNS, sample_of_row
from tests.engines import VICTORIA, Engine, Kind, Labels, Points
from tests.service import Service
from tests.waiting import newest_id, wait_for_samples, wait_until

NAME = "box"
EVERYTHING = '{__name__=~"cpusensor_.*"}'
DOWN_S = 3.0
"""How long the service is gone each time, so that slots stay empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the engine and the database were found to differ in: nothing, where all is well."""

    samples: int
    values: int
    """Of all series of these samples."""
    gaps: int
    lost: tuple[str, ...]
    """Points of the database that the engine lacks."""
    wrong: tuple[str, ...]
    """Points with another value, or that the database does not have."""
    made_up: tuple[int, ...]
    """Times in a gap, in seconds, at which the engine says that there was a value."""
    unended: tuple[int, ...]
    """Ends of samples before a gap that have no stale marker; only VictoriaMetrics tells."""
    behind_s: float
    """From the engine's start until it had all that was recorded before."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is amiss."""
        return not (self.lost or self.wrong or self.made_up or self.unended)

    def __str__(self) -> str:
        found = {"lost": self.lost, "wrong": self.wrong, "made up": self.made_up, "not ended": self.unended}
        told = "; ".join(f"{name}: {len(some)}, as {some[0]}" for name, some in found.items() if some)
        head = f"{self.samples:,} samples, {self.values:,} values, {self.gaps} gaps; caught up in {self.behind_s:.1f} s"
        return f"{head}; {told or 'none lost, none wrong, no gap with a value in it'}"


def prove(kind: Kind, folder: Path, outage_s: float, *, say: Callable[[str], None] = lambda _: None) -> Proof:
    """Kill the engine for so long; kill the service once and stop it once in that time; compare."""
    with Engine(kind, folder) as engine:
        push = folder / "push.toml"
        push.write_text(f'[[remote_write]]\nurl = "{engine.write_url}"\ninterval = 1\n')
        with Service(folder, "--config", str(push), "--name", NAME, "--top", "off") as service:
            wait_for_samples(service, 3)
            wait_until(lambda: _has(engine, newest_id(service) - 1), "the engine has no sample")
            say(f"{kind.name}: killed for {outage_s:g} s")
            engine.kill()
            for end in (service.kill, service.terminate):
                time.sleep(outage_s / 3)
                end()
                time.sleep(DOWN_S)
                service.start()
                wait_for_samples(service, 2)
            time.sleep(outage_s / 3)
            say(f"{kind.name}: started again")
            engine.start()
            began, newest = time.monotonic(), newest_id(service)
            wait_until(lambda: _has(engine, newest), "the engine does not get what it missed")
            behind_s = time.monotonic() - began
            service.terminate()
            return compare(engine, service.database, behind_s)


def compare(engine: Engine, database: Path, behind_s: float) -> Proof:
    """The engine against the database of a service that has ended."""
    recorded, gaps = _recorded(database), _gaps(database)
    times = sorted(recorded[_series("cpusensor_cpu_ratio")])
    wait_until(lambda: _has(engine, times[-1] // 1000), "the engine lacks the newest sample")
    is_victoria = engine.kind is VICTORIA
    span = times[0] // 1000 - 1, times[-1] // 1000
    told = engine.exported(EVERYTHING) if is_victoria else engine.points(EVERYTHING, *span)
    ends = told[_series("cpusensor_cpu_ratio")] if is_victoria else {}
    found = {
        series: {at: value for at, value in points.items() if value is not None} for series, points in told.items()
    }
    return Proof(
        samples=len(times),
        values=sum(map(len, recorded.values())),
        gaps=len(gaps),
        lost=tuple(f"{series} at {at}" for series, values in recorded.items() for at in values - found[series].keys()),
        wrong=tuple(
            f"{series} at {at}: {value}"
            for series, values in found.items()
            for at, value in values.items()
            if value != recorded.get(series, {}).get(at)
        ),
        made_up=tuple(at for since, until in gaps for at in range(since + 1, until + 1) if engine.now(EVERYTHING, at)),
        unended=tuple(since for since, _ in gaps if ends and ends.get(1000 * since + 1, 0.0) is not None),
        behind_s=behind_s,
    )


def share(part: int, whole: int) -> float:
    """To the six decimals with which shares are pushed."""
    return round(part / whole, 6)


def _has(engine: Engine, at: int) -> bool:
    """Whether the engine has the sample of that time, in seconds."""
    return any(1000 * at in values for values in engine.points("cpusensor_cpu_ratio", at - 1, at).values())


def _series(metric: str, **label: str) -> Labels:
    return tuple(sorted({"__name__": metric, "host": NAME, **label}.items()))


def _recorded(database: Path) -> Points:
    """What each series must have, by the definitions of docs/API.md, from the rows."""
    points: Points = {}
    with closing(sqlite3.connect(database)) as connection:
        query = f"SELECT {SAMPLE_COLUMNS} FROM sample ORDER BY time"  # noqa: S608 - the project's own columns
        rows = connection.execute(query).fetchall()
    for one in map(sample_of_row, rows):
        figures = one.figures
        values: dict[Labels, float | None] = {
            _series("cpusensor_cpu_ratio"): share(figures.user + figures.system + (figures.irq or 0), figures.all),
            _series("cpusensor_load1"): figures.load_centi / 100 if figures.load_centi is not None else None,
        }
        for mode in ("user", "system", "irq", "iowait", "steal"):
            ticks = getattr(figures, mode)
            values[_series("cpusensor_mode_ratio", mode=mode)] = (
                share(ticks, figures.all) if ticks is not None else None
            )
        for core in one.cores or ():
            values[_series("cpusensor_core_ratio", cpu=str(core.cpu))] = (
                share(core.busy, core.all) if core.all else None
            )
        if figures.pressure_us is not None:
            pressure = min(1.0, share(figures.pressure_us, 1000 * figures.elapsed_ms))
            values[_series("cpusensor_pressure_ratio")] = pressure
        for series, value in values.items():
            if value is not None:
                points.setdefault(series, {})[1000 * one.time] = value
    return points


def _gaps(database: Path) -> list[tuple[int, int]]:
    """The time of the last sample before each gap, and its last empty slot."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT from_time, to_time FROM gap ORDER BY from_time").fetchall()
