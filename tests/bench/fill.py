"""Makes a history of years as the service would have recorded it: `python -m tests.bench.fill FILE --years 3`.

A machine is made up (fill_machine.py) with its loads (fill_load.py) and all that happens to it (fill_events.py). The
same seed and `--until` make the same rows. Gaps are those of `gaps.hole`; rollups are sums over columns
(fill_blocks.py), and `python -m cpusensor.check` compares them with what the model makes of the samples.
"""

import argparse
import asyncio
import marshal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import TypeAlias

from cpusensor.check.progress import Progress
from cpusensor.kernel.clock import Clock, SystemClock
from cpusensor.model.gaps import hole
from cpusensor.model.grid import bucket_end, slot_at
from cpusensor.model.records import Cause, ClockStep, Rollup, Run, Sample
from cpusensor.model.rollup import MINUTE, TIERS, Tier, roll_up
from cpusensor.store.backup import Backup
from cpusensor.store.columns import (
    SAMPLE_COLUMNS,
    Row,
    columns_of,
    row_of_clock_step,
    row_of_gap,
    row_of_rollup,
    row_of_run,
    sample_of_row,
)
from cpusensor.store.database import Database
from cpusensor.store.file import claim
from cpusensor.store.opening import open_history
from cpusensor.store.statements import INSERT_CLOCK_STEP, INSERT_GAP, INSERT_RUN, insert
from tests.bench.fill_blocks import Block
from tests.bench.fill_events import YEAR_S, plan, sleep
from tests.bench.fill_load import DAY_S
from tests.bench.fill_machine import Machine
from tests.bench.fill_names import Namer

DAYS = 31
"""Of single readings, where no other number is asked for: as the service keeps them."""

SETTLED_S = 600
"""Between two things that happen to the machine it is recorded for so long."""

BULK = ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -65536")
"""Nothing protects the file while it is made, for one that is not whole is deleted."""

INTERVALS = [seconds for seconds in range(1, MINUTE + 1) if MINUTE % seconds == 0]

Write: TypeAlias = Callable[[str, Sequence[Row]], None]
"""Runs a statement for each of the rows."""

# ABORT shows a fault of ours that REPLACE would hide.
INSERT_SAMPLE = insert("sample", SAMPLE_COLUMNS, on_conflict="ABORT")
INSERT_ROLLUP = {tier: insert(tier.name, columns_of(tier), on_conflict="ABORT") for tier in TIERS}


class Store:
    """The tables: writes samples, and with them the gap and the rollups that they close, as the writer does."""

    def __init__(self, write: Write, interval: int) -> None:
        self._write = write
        self._interval = interval
        self._open: dict[Tier, list[Rollup]] = {tier: [] for tier in TIERS}
        """The parts so far of the bucket of each tier that is not over."""
        self._newest: Sample | None = None

    def add(self, block: Block, cause: Cause) -> None:
        """Write samples; `cause` explains the slots before them, if these are empty."""
        rows = block.rows()
        before, self._newest = self._newest, sample_of_row(rows[-1])
        gap = hole(before, sample_of_row(rows[0]), self._interval, cause) if before else None
        if gap is not None:
            self._write(INSERT_GAP, [row_of_gap(gap)])
        self._write(INSERT_SAMPLE, rows)
        for tier in TIERS:
            self._roll_up(block, tier)

    def add_run(self, run: Run) -> None:
        """Write a run that is over."""
        self._write(INSERT_RUN, [row_of_run(run)])

    def add_clock_step(self, step: ClockStep) -> None:
        """Write that the clock was set."""
        self._write(INSERT_CLOCK_STEP, [row_of_clock_step(step)])

    def finish(self) -> None:
        """Write the rollups of the buckets that the last sample closes."""
        for tier, parts in self._open.items():
            if parts and self._newest and parts[0].time <= self._newest.time:
                self._close(tier)

    def _roll_up(self, block: Block, tier: Tier) -> None:
        """Add the samples to the buckets of a tier, and write those that are over."""
        first, last, step = block.times[0], block.times[-1], tier.seconds
        ends = range(bucket_end(first, step), bucket_end(last, step) + 1, step)
        self._add_part(block, tier, ends[0])
        # Those between the first and the last are whole.
        if len(ends) > 2:
            self._close(tier)
            part = slice(*((time - first) // self._interval + 1 for time in (ends[0], ends[-2])))
            self._write(INSERT_ROLLUP[tier], list(block.whole_rollups(part, tier)))
        if len(ends) > 1:
            self._add_part(block, tier, ends[-1])

    def _add_part(self, block: Block, tier: Tier, end: int) -> None:
        """Add those samples to the bucket that ends then, which later ones may fall into as well."""
        if self._open[tier] and self._open[tier][0].time != end:
            self._close(tier)
        first = block.times[0]
        part = slice(*(max(0, (time - first) // self._interval + 1) for time in (end - tier.seconds, end)))
        self._open[tier].append(block.rollup(part, tier, end))

    def _close(self, tier: Tier) -> None:
        """Write the rollup of the bucket that is not over yet."""
        parts = self._open[tier]
        rollup = roll_up(parts, parts[0].time) if parts else None
        if rollup is not None:
            self._write(INSERT_ROLLUP[tier], [row_of_rollup(rollup, tier)])
        parts.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The history that is made."""

    start: int
    until: int
    """The time of the newest sample."""
    cpus: int
    seed: int
    interval: int
    names_since: int | None = None
    """From when on it is told who used the CPU; None for never."""
    ticks_since: int = 0
    """From when on that is told of single readings."""


def record(wanted: Wanted, write: Write) -> None:
    """Record all that happens to the machine, and who did it."""
    if wanted.names_since is None:
        record_machine(wanted, write)
        return
    statements = INSERT_SAMPLE, INSERT_ROLLUP[TIERS[0]]
    since, ticks_since = wanted.names_since, wanted.ticks_since
    namer = Namer(write, statements, since=since, ticks_since=ticks_since, seed=wanted.seed)
    record_machine(wanted, namer.write)
    namer.finish()


def record_machine(wanted: Wanted, write: Write) -> None:
    """Record all that happens to the machine."""
    rng, store = Random(wanted.seed), Store(write, wanted.interval)  # noqa: S311 - to be repeated, not to be secret
    machine = Machine(rng, store, cpus=wanted.cpus, interval=wanted.interval, start=wanted.start)
    for event in plan(rng, wanted.start, wanted.until):
        # The machine was down for this night anyway.
        if event.happen is sleep and event.time < machine.now:
            continue
        machine.record(min(max(event.time, int(machine.now) + SETTLED_S), wanted.until))
        # Towards the end only recording is left.
        if machine.now + event.seconds + SETTLED_S < wanted.until:
            event.happen(machine, event.seconds)
    machine.record(wanted.until)
    store.add_run(replace(machine.run, ended=wanted.until))
    store.finish()


def send_all(wanted: Wanted, pipe: Connection) -> None:
    """Make all rows, and send them with their statements; at last nothing. What the second process does."""

    def send(statement: str, rows: Sequence[Row]) -> None:
        pipe.send_bytes(marshal.dumps((statement, rows)))  # type: ignore[arg-type] # numbers, texts, bytes and nulls

    # Whoever interrupts the first process interrupts this one too, and is told there.
    with suppress(KeyboardInterrupt, BrokenPipeError):
        record(wanted, send)
        pipe.send_bytes(b"")


def receive_all(wanted: Wanted) -> Iterator[tuple[str, Sequence[Row]]]:
    """Statements with their rows. Raises EOFError if the second process fails, which then says why."""
    # Making the rows takes as long as writing them. Not forked: there may be threads.
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=send_all, args=(wanted, theirs), daemon=True)
    process.start()
    theirs.close()
    with ours:
        while packed := ours.recv_bytes():
            yield marshal.loads(packed)  # noqa: S302 - it comes from `send_all`
    process.join()


async def make_empty(path: Path) -> None:
    """Make a file as the service makes it."""
    claim(path, had_history=False)
    database = Database(path, Backup(path).begin)
    await database.open(is_new=True)
    await database.close()


def write_all(path: Path, wanted: Wanted, tell: Callable[[int, int], None]) -> int:
    """Write the history into an empty file; the number of samples. Tells the time of each day's last, and how many."""
    samples, day = 0, 0
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in BULK:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        for statement, rows in receive_all(wanted):
            connection.executemany(statement, rows)
            if statement != INSERT_SAMPLE:
                continue
            samples += len(rows)
            tell(rows[-1][0], samples)
            if rows[-1][0] // DAY_S != day:
                day = rows[-1][0] // DAY_S
                connection.execute("COMMIT")
                connection.execute("BEGIN")
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    return samples


def fill(path: Path, wanted: Wanted, progress: Progress, clock: Clock) -> str:
    """Make the file, or none at all; what it holds and what it took, in words."""
    began, part = clock.now().monotonic, path.with_name(f"{path.name}.part")

    def tell(time: int, samples: int) -> None:
        share, took = (time - wanted.start) / (wanted.until - wanted.start), clock.now().monotonic - began
        left = took / share - took
        progress.show(f"{share:.0%}, {samples:,} samples, {samples / took:,.0f} a second, {left:.0f} s left")

    part.unlink(missing_ok=True)
    try:
        asyncio.run(make_empty(part))
        samples = write_all(part, wanted, tell)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
        progress.clear()
    took = clock.now().monotonic - began
    size = path.stat().st_size
    return f"{samples:,} samples, {size / 2**20:,.0f} MiB, {took:.0f} s, {samples / took:,.0f} a second"


async def seal(path: Path, until: int) -> None:
    """Seal every hour that ends at a time or before, as the service does."""
    async with open_history(path, until) as history:
        while await history.sealing.seal_slice(until):
            pass
        while await history.sealing.give_back():
            pass


def positive(text: str) -> float:
    """A number above 0. Raises ValueError."""
    if (number := float(text)) <= 0:
        raise ValueError(text)
    return number


def main(arguments: Sequence[str] | None = None, *, clock: Clock | None = None) -> int:
    """Make one file; 0 if it is made, 2 if it may not or cannot be, 130 if it is interrupted."""
    clock = clock or SystemClock()
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fill", description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--years", type=positive, default=3)
    parser.add_argument("--cores", type=int, default=8, choices=range(1, 1025), metavar="1..1024")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval", type=int, default=5, choices=INTERVALS, help="seconds between two samples")
    parser.add_argument("--keep-rows", type=int, help="seal what is older than so many days (default: nothing)")
    parser.add_argument(
        "--names", type=float, default=0, metavar="YEARS", help="tell who used the CPU in so many of the newest years"
    )
    parser.add_argument("--until", type=int, default=int(clock.wall()), help="the newest sample's time (default: now)")
    told = parser.parse_args(arguments)
    if told.file.exists():
        print(f"{told.file}: exists and is not overwritten; name another file", file=sys.stderr)
        return 2
    wanted = Wanted(
        start=slot_at(told.until - told.years * YEAR_S, told.interval),
        until=slot_at(told.until, told.interval),
        cpus=told.cores,
        seed=told.seed,
        interval=told.interval,
        names_since=slot_at(told.until - told.names * YEAR_S, DAY_S) if told.names else None,
        ticks_since=slot_at(told.until - (DAYS if told.keep_rows is None else told.keep_rows) * DAY_S, DAY_S),
    )
    try:
        print(f"{told.file}: {fill(told.file, wanted, Progress(clock, sys.stderr), clock)}")
        if told.keep_rows is not None:
            asyncio.run(seal(told.file, wanted.until - max(1, told.keep_rows * DAY_S)))
            print(f"{told.file}: sealed, {told.file.stat().st_size / 2**20:,.0f} MiB")
    except KeyboardInterrupt:
        print(f"{told.file}: interrupted, and not made", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"{told.file}: cannot be made: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
