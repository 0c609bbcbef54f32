"""What a sealed sample takes: `python -m tests.bench.bytes [FILE …]`, of generated histories and of real loads.

Generated are days of machines with 2, 16 and 64 CPUs (fill.py). The real loads (loads.py) are recorded on this machine
by the service itself, each second, for they would take hours at the usual interval; files that it recorded may be
added. All goes through the code that seals. 0 when the goal is met, 1 when it is missed. `--write` puts the outcome
into docs/PERFORMANCE.md.
"""

import argparse
import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from cpusensor.model.rollup import TIERS
from cpusensor.store.columns import Row, core_ticks
from cpusensor.store.sealed import HOUR, pack_hour, unpack_hour
from cpusensor.store.snapshot import open_snapshot
from cpusensor.store.unsealing import MINUTES, SAMPLES
from tests.bench.fill import INSERT_ROLLUP, INSERT_SAMPLE, Wanted, make_empty, record
from tests.bench.fill_load import DAY_S
from tests.bench.loads import cpu_load, disk_load, handover_load
from tests.bench.report import Verdict, as_items, machine, say, table, write_section
from tests.service import Service

GOAL_CPUS, GOAL = 2, 8.0
"""Bytes that a sample with its share of a minute may take, with so many CPUs: the mean of all that is measured."""

GENERATED = {2: 7.0, 16: 2.0, 64: 1.0}
"""CPUs, and the days that are generated."""

UNTIL = 1_764_255_600
"""When these end."""

LOADS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "as it was": nullcontext,
    "25 % of each CPU": partial(cpu_load, 0.25),
    "all of each CPU": partial(cpu_load, 1.0),
    "disk, fsync": disk_load,
    "handovers": handover_load,
}

AN_HOUR = 720
"""Samples of the usual interval: so many are packed together."""

UNPACKED = 20
"""Hours that are unpacked to tell how long it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some history as rows."""

    name: str
    interval: int
    """Seconds."""
    samples: Sequence[Row]
    minutes: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What it takes."""

    name: str
    interval: int
    cpus: int
    count: int
    """Samples."""
    samples: float
    """Bytes for each sample, as the next ones."""
    minutes: float
    rows: float
    """Not sealed."""
    unpack_ms: float
    """CPU time for the samples of an hour."""

    @property
    def whole(self) -> float:
        """Bytes for a sample with its share of a minute."""
        return self.samples + self.minutes


def pack(given: Rows) -> Packed:
    """Seal the rows, as many as an hour has at a time."""
    count = len(given.samples)
    hours = [given.samples[at : at + AN_HOUR] for at in range(0, count, AN_HOUR)]
    blobs = [pack_hour(SAMPLES.names, hour, HOUR) for hour in hours]
    spans = [(hour[0][0] - given.interval, hour[-1][0]) for hour in hours]
    inside = [[row for row in given.minutes if begin < row[0] <= end] for begin, end in spans]
    minutes = [pack_hour(MINUTES.names, rows, HOUR) for rows in inside if rows]
    began = time.process_time()
    for blob in blobs[:UNPACKED]:
        unpack_hour(blob, SAMPLES.names, HOUR)
    spent_s = time.process_time() - began
    return Packed(
        name=given.name,
        interval=given.interval,
        cpus=max((len(cores[0]) for row in given.samples if (cores := core_ticks(row[-1]))), default=0),
        count=count,
        samples=sum(map(len, blobs)) / count,
        minutes=sum(map(len, minutes)) / count,
        rows=size_of(given) / count,
        unpack_ms=1000 * spent_s / len(blobs[:UNPACKED]),
    )


def size_of(given: Rows) -> int:
    """Bytes that the rows take in a file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cpusensor.db"
        asyncio.run(make_empty(path))
        empty = path.stat().st_size
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("BEGIN")
            connection.executemany(INSERT_SAMPLE, given.samples)
            connection.executemany(INSERT_ROLLUP[TIERS[0]], given.minutes)
            connection.execute("COMMIT")
        return path.stat().st_size - empty


def generated(cpus: int, days: float) -> Rows:
    """The newest samples of a machine that was made up."""
    found: dict[str, list[Row]] = {INSERT_SAMPLE: [], INSERT_ROLLUP[TIERS[0]]: []}
    wanted = Wanted(start=UNTIL - round(days * DAY_S), until=UNTIL, cpus=cpus, seed=1, interval=5)
    record(wanted, lambda statement, rows: found.get(statement, []).extend(rows))
    samples, minutes = found.values()
    return Rows(name="generated", interval=5, samples=samples, minutes=minutes)


def recorded(name: str, file: Path) -> Rows:
    """All of a file."""
    with open_snapshot(file) as snapshot:
        samples, minutes = list(snapshot.stream(SAMPLES)), list(snapshot.stream(MINUTES))
        return Rows(name=name, interval=max(snapshot.intervals), samples=samples, minutes=minutes)


def under_loads(minutes: float) -> Iterator[Rows]:
    """A recording of each load."""
    for name, run in LOADS.items():
        with TemporaryDirectory() as folder:
            service = Service(Path(folder))
            with run(), service:
                time.sleep(60 * minutes)
            yield recorded(name, service.database)


def shown(one: Packed) -> list[str]:
    """A row of the table."""
    figures = (one.whole, one.samples, one.minutes, one.rows)
    counts = (f"{one.cpus}", f"{one.interval}", f"{one.count:,}")
    return [one.name, *counts, *(f"{value:.1f}" for value in figures), f"{one.unpack_ms:.1f}"]


HEADER = (
    *("load", "CPUs", "interval, s", "samples", "bytes a sample", "of it for samples", "for minutes"),
    *("as rows", "an hour unpacked, ms of CPU"),
)


def judge(found: Sequence[Packed]) -> Verdict:
    """The goal against the mean of what was measured."""
    sizes = [one.whole for one in found if one.cpus == GOAL_CPUS]
    text = f"{fmean(sizes):.1f} bytes a sample with {GOAL_CPUS} CPUs, {max(sizes):.1f} at the most (goal: {GOAL:g})"
    return Verdict(text=text, is_met=fmean(sizes) <= GOAL)


def measure(files: Sequence[Path], minutes: float) -> list[Packed]:
    """Everything, each shown as soon as it is known."""

    def given() -> Iterator[Rows]:
        yield from (generated(cpus, days) for cpus, days in GENERATED.items())
        yield from (recorded(file.stem, file) for file in files)
        yield from under_loads(minutes)

    found = []
    for rows in given():
        found.append(pack(rows))
        say(" | ".join(shown(found[-1])))
    return found


def main() -> int:
    """Run the bench; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bytes", description="What does a sealed sample take?")
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="a history that was recorded")
    parser.add_argument("--minutes", type=float, default=12, help="that each load is recorded for (default: 12)")
    parser.add_argument("--write", action="store_true", help="put the outcome into docs/PERFORMANCE.md")
    told = parser.parse_args()
    found = measure(told.files, told.minutes)
    verdict = judge(found)
    text = f"{machine()}.\n\n{table(HEADER, [shown(one) for one in found])}\n\n{as_items([verdict])}"
    say(f"\n{text}")
    if told.write:
        write_section("bytes", text)
    return 0 if verdict.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
