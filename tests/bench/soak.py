"""Thirty days in minutes: `python -m tests.bench.soak` runs the whole service on a clock that is told to advance.

Every sample is measured, committed and published as ever; streams come and go and ranges are asked for all the while.
What is looked at is what grows: memory, descriptors, tasks. Only time and the kernel's counters are not real. With
`--filled` so many days were recorded before (fill.py), as rows that the service has to seal beside all that: 355 and
`--days 10` make a year. `--write` puts the outcome into docs/SOAK.md.
"""

import argparse
import asyncio
import logging
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from cpusensor.check.command import main as check
from cpusensor.check.progress import Progress
from cpusensor.kernel.clock import SystemClock
from tests.bench.fill import Wanted, fill
from tests.bench.report import machine
from tests.fakes import START, FakeClock
from tests.running import Running
from tests.service import ROOT

PAGE, FENCE = ROOT / "docs" / "SOAK.md", "\n```\n"

DAY_S = 86_400
LOOKS, KEPT_LOOKS = 60, 10
"""How often the process is measured; each one of so many is put into the page."""

WARM_UP_DAYS = 10
"""The slope leaves out the beginning, in which caches fill and the longest range that is asked for still grows."""

CONNECTS = 10_000
QUERIES = ("range=1h", "range=6h&series=modes", "range=24h&series=cores", "range=7d")
GOAL_MIB_A_DAY = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the process held at one moment."""

    day: float
    rss_mib: float
    descriptors: int
    tasks: int


def look(day: float) -> Look:
    """The process as it is now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Look(
        day=day,
        rss_mib=pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        descriptors=sum(1 for _ in Path("/proc/self/fd").iterdir()),
        tasks=len(asyncio.all_tasks()),
    )


def slope(looks: Sequence[Look]) -> float:
    """MiB of memory a day, by least squares."""
    mean_day = sum(one.day for one in looks) / len(looks)
    mean_rss = sum(one.rss_mib for one in looks) / len(looks)
    spread = sum((one.day - mean_day) ** 2 for one in looks)
    return sum((one.day - mean_day) * (one.rss_mib - mean_rss) for one in looks) / spread


async def watch(running: Running, number: int) -> None:
    """One reader: every other one resumes where it was a few minutes ago."""
    newest = running.history.writer.newest
    position = f"?after={newest.time - 300}" if newest is not None and number % 2 else ""
    async with running.events(position) as stream:
        await stream.take(3 if position else 1)


async def live_through(running: Running, days: float, queries: Iterator[str], readers: Iterator[int]) -> None:
    """Let this much time pass, in hours, with readers and queries in each."""
    hours = round(days * 24)
    for _ in range(hours):
        await running.clock.advance(3600)
        await running.json(f"api/history?{next(queries)}")
        for _ in range(readers_an_hour(hours, days)):
            await watch(running, next(readers))


def readers_an_hour(hours: int, days: float) -> int:
    """How many readers come each hour, so that there are `CONNECTS` in thirty days."""
    return max(1, round(CONNECTS / 30 * days / hours))


async def soak(directory: Path, days: float, keep_rows: int) -> list[Look]:
    """The looks at a service that lived through so many days, and sealed what was older than some of them."""
    queries, readers = cycle(QUERIES), count()
    async with AsyncExitStack() as stack:
        running = Running(directory / "soak.db", FakeClock())
        await running.start("--keep-rows", str(keep_rows))
        stack.push_async_callback(running.stop)
        looks = [look(0.0)]
        began = time.monotonic()
        for number in range(1, LOOKS + 1):
            await live_through(running, days / LOOKS, queries, readers)
            looks.append(look(number * days / LOOKS))
            say(shown(looks[-1], time.monotonic() - began), is_kept=number % KEPT_LOOKS == 0)
        samples = round(days * DAY_S / 5)
        say(f"{samples:,} samples, {next(readers):,} streams, {days:g} days in {time.monotonic() - began:.0f} s")
        await running.stop()
        say(stored(running.database))
        say(f"check: {'clean' if check([str(running.database)]) == 0 else 'NOT clean'}")
    return looks


def fill_before(directory: Path, days: float) -> None:
    """Make the history of so many days before the clock begins."""
    wanted = Wanted(start=START - round(days * DAY_S), until=START - 60, cpus=2, seed=1, interval=5)
    clock = SystemClock()
    say(f"filled: {fill(directory / 'soak.db', wanted, Progress(clock, sys.stderr), clock)}")


def stored(database: Path) -> str:
    """What the file holds, and its size."""
    with closing(sqlite3.connect(database)) as connection:
        ((hours, samples, packed),) = connection.execute(
            "SELECT count(*), coalesce(sum(count), 0), coalesce(sum(length(samples) + length(minutes)), 0)"
            " FROM sealed_hour"
        )
    size = database.stat().st_size / 2**20
    return f"{size:.1f} MiB; {hours:,} hours are sealed, {packed / max(1, samples):.2f} bytes a sample"


def shown(one: Look, seconds: float) -> str:
    """One line of progress."""
    line = f"day {one.day:5.1f}  {one.rss_mib:7.1f} MiB  {one.descriptors:3} descriptors  {one.tasks:3} tasks"
    return f"{line}  after {seconds:4.0f} s"


TOLD: list[str] = []
"""What was said, for the page."""


def say(text: str, *, is_kept: bool = True) -> None:
    """One line, at once."""
    TOLD.extend([text] * is_kept)
    print(text, flush=True)


def write_page() -> None:
    """Put what was said into docs/SOAK.md."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split("```\n", 1)
    told = "\n".join([machine(), *TOLD])
    PAGE.write_text(f"{before}```\n{told}{FENCE}{rest.split(FENCE, 1)[1]}", encoding="utf-8")


def main() -> int:
    """Print the looks and the verdict; 1 if something grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__.split("\n")[0])
    parser.add_argument("--days", type=float, default=30.0, help="days to live through (default: 30)")
    parser.add_argument("--keep-rows", type=int, default=31, help="days after which hours are sealed (default: 31)")
    parser.add_argument("--filled", type=float, default=0.0, help="days that were recorded before (default: 0)")
    parser.add_argument("--write", action="store_true", help="put the outcome into docs/SOAK.md")
    options = parser.parse_args()
    days = options.days
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder:
        if options.filled:
            fill_before(Path(folder), options.filled)
        looks = asyncio.run(soak(Path(folder), days, options.keep_rows))
    settled = [one for one in looks if one.day >= min(WARM_UP_DAYS, days / 2)]
    growth = slope(settled)
    first, last = settled[0], looks[-1]
    say(f"from day {first.day:g} on memory grows by {growth:+.3f} MiB a day (goal: at most {GOAL_MIB_A_DAY})")
    say(f"descriptors {first.descriptors} -> {last.descriptors}, tasks {first.tasks} -> {last.tasks}")
    if options.write:
        write_page()
    grew = growth > GOAL_MIB_A_DAY or last.descriptors > first.descriptors or last.tasks > first.tasks
    return 1 if grew else 0


if __name__ == "__main__":
    sys.exit(main())
