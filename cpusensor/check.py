"""Verifies a database and never changes it: `python -m cpusensor.check FILE`.

SQLite checks the integrity of the file. Then the derived tables are recomputed: minutes and gaps must follow from the
samples. These are read once, in order, and not held in memory.
"""

import argparse
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path
from typing import Generic, TextIO, TypeVar

from cpusensor.kernel.clock import Clock, SystemClock
from cpusensor.model.gaps import hole
from cpusensor.model.grid import bucket_end
from cpusensor.model.kept import ALL_KEPT, COARSE
from cpusensor.model.records import Cause, Gap, Rollup, Run, Sample
from cpusensor.model.rollup import MINUTE, TIERS, Tier, as_rollup, roll_up, sum_cores
from cpusensor.model.sanity import core_faults, sample_faults
from cpusensor.model.times import MAX_TIME
from cpusensor.store.columns import (
    GAP_COLUMNS,
    RUN_COLUMNS,
    GarbledError,
    Row,
    gap_of_row,
    histogram_of_rows,
    rollup_of_row,
    run_of_row,
    sample_of_row,
)
from cpusensor.store.levels import BLAME_COLUMNS, LEVELS, Level, rows_in
from cpusensor.store.names import numbers_of
from cpusensor.store.plan import Part
from cpusensor.store.snapshot import Snapshot, SnapshotError, known_tiers, open_unchanged, require_ours
from cpusensor.store.statements import EXTREMES, TIME_AT_EACH_POINT, extent_of, rows_of
from cpusensor.store.unsealing import MINUTES, SAMPLES

T = TypeVar("T")
Stored = TypeVar("Stored", Sample, Rollup)

MAX_SHOWN = 20
"""Findings of a kind that are printed one by one."""

TERMINAL_S, LOG_S = 0.2, 5.0
"""Seconds between two lines of progress, on a terminal and in a file."""

MINUTES_PER_LOOK = 100
STEPS_PER_LOOK = 100_000
"""Minutes of history, and steps of SQLite's virtual machine, between two looks at the clock."""


PRIMARY_CODE = 0xFF
"""The part of SQLite's error code that is its kind (rescode.html)."""

DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Progress:
    """Shows progress: one line that is overwritten on a terminal, a new line every few seconds elsewhere."""

    def __init__(self, clock: Clock, stream: TextIO) -> None:
        self._clock = clock
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._shown_at = clock.now().monotonic
        self._is_shown = False

    def show(self, text: str) -> None:
        """Write the text, unless the last one is too recent."""
        now = self._clock.now().monotonic
        if now - self._shown_at < (TERMINAL_S if self._is_terminal else LOG_S):
            return
        self._shown_at, self._is_shown = now, self._is_terminal
        self._stream.write(f"\r{text}\x1b[K" if self._is_terminal else f"{text}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Clear the line, so that something else can be printed."""
        if self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        self._is_shown = False


class Report:
    """Prints what is found, up to a limit for each kind, and counts all of it."""

    def __init__(self, progress: Progress, limit: int) -> None:
        self._progress = progress
        self._limit = limit
        self._counts: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """Findings of every kind."""
        return self._counts.total()

    def add(self, kind: str, text: str) -> None:
        """Count a finding, and print it up to the limit of its kind."""
        self._counts[kind] += 1
        if self._counts[kind] <= self._limit:
            self.say(f"{kind} {text}")

    def close(self, summary: str) -> None:
        """Print how many findings were not printed, and the summary."""
        for kind, count in self._counts.items():
            if count > self._limit:
                self.say(f"{kind}: {count - self._limit} more")
        self.say(f"{summary}: {f'findings {self.total:,}' if self.total else 'clean'}")

    def say(self, text: str) -> None:
        """Print one line of the answer."""
        self._progress.clear()
        print(text, flush=True)  # noqa: T201 - the answer of the command


class Queue(Generic[T]):
    """Records in the order of their times, taken from the front; one of them is read ahead."""

    def __init__(self, records: Iterator[T], time: Callable[[T], int]) -> None:
        self._records = records
        self._time = time
        self._front = next(records, None)
        self.taken = 0

    def take(self, until: int | None = None) -> list[T]:
        """Remove and return the records with times up to `until`; all of them without it."""
        found = []
        while self._front is not None and (until is None or self._time(self._front) <= until):
            found.append(self._front)
            self._front = next(self._records, None)
        self.taken += len(found)
        return found


time_of: Callable[[Rollup], int] = attrgetter("time")


class Checker:
    """Compares the tables of one database with each other."""

    def __init__(
        self, connection: sqlite3.Connection, report: Report, progress: Progress, tiers: Sequence[Tier] = TIERS
    ) -> None:
        self._connection = connection
        self._snapshot = Snapshot(connection, tiers, self._tell_damage)
        self._tiers = tiers
        self._report = report
        self._progress = progress
        self._runs: dict[int, Run] = {}
        self._samples = 0
        self._kept = ALL_KEPT
        self._late: set[int] = set()
        """Quarters of an hour whose samples were given up, and into which a clock that was set back wrote others."""

    def check(self) -> str:
        """Check everything; returns how much there was, in words."""
        self._check_file()
        # Rows of a damaged file would only add findings that follow from the damage.
        if self._report.total:
            return "its tables were not compared"
        # First, for samples and gaps are checked against the grid of their run.
        self._check_runs()
        minutes = Queue(self._rollups(self._tiers[0]), time_of)
        gaps = Queue(self._gaps(), lambda gap: gap.from_time)
        self._check_history(minutes, gaps)
        # The rest outlived its samples, which is no fault; it is only counted.
        minutes.take()
        for below, tier in pairwise(self._tiers):
            self._check_tier(below, tier)
        for gap in gaps.take():
            self._report.add("gap", f"{gap.from_time}: no sample closes it")
        self._check_names()
        runs = f"runs {len(self._runs):,}"
        return f"{runs}, samples {self._samples:,}, minutes {minutes.taken:,}, gaps {gaps.taken:,}"

    def _check_names(self) -> None:
        """What is kept of who used the CPU: every row can be read, and every name that it refers to is there."""
        tables = {name for (name,) in self._connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if "name" not in tables:
            return
        names = {number for (number,) in self._connection.execute("SELECT id FROM name")}
        for level in LEVELS:
            for table, time, fault in damaged_names(self._connection, level, names):
                self._report.add(table, f"{time}: {fault}")

    def _check_file(self) -> None:
        """SQLite's own check, which includes the types of the columns: later rows can be trusted for these."""
        self._connection.set_progress_handler(lambda: self._progress.show("SQLite's own check"), STEPS_PER_LOOK)
        for (text,) in self._connection.execute("PRAGMA integrity_check"):
            if text != "ok":
                self._report.add("file", text.replace("\n", " "))
        self._connection.set_progress_handler(None, 0)

    def _check_runs(self) -> None:
        for run in map(run_of_row, self._rows("run", RUN_COLUMNS)):
            if run.interval > 0 and MINUTE % run.interval == 0:
                self._runs[run.id] = run
            else:
                self._report.add("run", f"{run.id}: its interval of {run.interval} s does not divide a minute")

    def _check_history(self, minutes: Queue[Rollup], gaps: Queue[Gap]) -> None:
        """Sample by sample and minute by minute."""
        ((first, last),) = self._connection.execute(EXTREMES)
        before: Sample | None = None
        self._kept = self._snapshot.kept
        # No sample is left to judge them by.
        gaps.take(self._kept.sample)
        groups = groupby(self._read_samples(), lambda sample: bucket_end(sample.time, MINUTE))
        for number, (end, group) in enumerate(groups):
            samples = list(group)
            for sample in samples:
                self._check_sample(sample)
                if before is not None and before.time > self._kept.sample:
                    self._check_gap(before, sample, gaps.take(before.time))
                before = sample
            parts = [as_rollup(sample) for sample in samples if sample.figures.all > 0]
            if end <= self._kept.sample:
                self._late.add(bucket_end(end, COARSE))
            # A sample without ticks was reported already, and has no mean to compare.
            elif len(parts) == len(samples):
                self._check_rollup(self._tiers[0], parts, minutes.take(end), is_over=end <= last)
            self._samples += len(samples)
            if number % MINUTES_PER_LOOK == 0:
                share = (end - first) / (last - first + MINUTE)
                self._progress.show(f"{self._samples:,} samples, {share:.0%} of the time recorded")

    def _check_sample(self, sample: Sample) -> None:
        run = self._runs.get(sample.run)
        if run is None:
            self._report.add("sample", f"{sample.time}: its run {sample.run} is not known")
        elif sample.time % run.interval:
            self._report.add("sample", f"{sample.time}: lies beside the grid of its run, {run.interval} s")
        for fault in sample_faults(sample):
            self._report.add("sample", f"{sample.time}: {fault}")

    def _check_tier(self, below: Tier, tier: Tier) -> None:
        """The rollups of a tier against those of the tier below, from where it is kept."""
        ((_, last),) = self._connection.execute(extent_of(below), (MAX_TIME,))
        kept_from = dict(self._connection.execute("SELECT name, kept_from FROM tier")).get(tier.name, 0)
        stored = Queue(self._rollups(tier), time_of)
        groups = groupby(self._rollups(below), lambda part: bucket_end(part.time, tier.seconds))
        for number, (end, parts) in enumerate(groups):
            if number % MINUTES_PER_LOOK == 0:
                self._progress.show(f"{number:,} of the table {tier.name}")
            if end > kept_from and end not in self._late:
                self._check_rollup(tier, list(parts), stored.take(end), is_over=end <= last)

    def _check_rollup(self, tier: Tier, parts: Sequence[Rollup], stored: Sequence[Rollup], *, is_over: bool) -> None:
        """A rollup against its parts. `stored` may begin with rollups whose parts are gone, which is no fault."""
        end = bucket_end(parts[0].time, tier.seconds)
        rollup = stored[-1] if stored and stored[-1].time == end else None
        # The last one may not be over, and is then not stored yet.
        if rollup is None and is_over:
            count = sum(part.count for part in parts)
            self._report.add(tier.name, f"{end}: is missing, though it is over and has {count} samples")
        expected = self._expected(tier, parts, end)
        # Some of its samples are gone, which is no fault: then nothing says how its time was spread.
        if rollup is not None and expected is not None and expected.histogram is None:
            rollup = replace(rollup, histogram=None)
        if rollup is not None and expected is not None and rollup not in (expected, _of_schema_1(expected, parts)):
            self._report.add(tier.name, f"{end}: {_differences(rollup, expected)}")

    def _expected(self, tier: Tier, parts: Sequence[Rollup], end: int) -> Rollup | None:
        """What the rollup must be; without a histogram where its samples do not tell it."""
        rollup = roll_up(parts, end)
        if rollup is None or not tier.has_histogram:
            return rollup and replace(rollup, histogram=None)
        if rollup.histogram is not None:
            return rollup
        part = Part(tier=None, from_time=end - tier.seconds, to_time=end)
        points = self._snapshot.rows(TIME_AT_EACH_POINT, (part.from_time, part.to_time), (part,))
        histogram = histogram_of_rows(points)
        is_whole = sum(histogram.values()) == rollup.figures.elapsed_ms
        return replace(rollup, histogram=histogram) if is_whole else rollup

    def _check_gap(self, before: Sample, after: Sample, stored: Sequence[Gap]) -> None:
        """The stored gap against the hole between two samples; any other in `stored` begins at no sample."""
        run = self._runs.get(after.run)
        gap = stored[-1] if stored and stored[-1].from_time == before.time else None
        for stray in stored if gap is None else stored[:-1]:
            self._report.add("gap", f"{stray.from_time}: begins where no sample is")
        if run is None:
            return
        # The samples do not tell the cause, so the stored one is taken for granted.
        expected = hole(before, after, run.interval, gap.cause if gap else Cause.STALLED)
        if gap is None and expected is not None:
            self._report.add("gap", f"{expected.from_time}: is missing, though nothing is until {expected.to_time}")
        if gap is not None and expected is None:
            self._report.add("gap", f"{gap.from_time}: is none, the next sample follows at {after.time}")
        if gap is not None and expected is not None and gap.to_time != expected.to_time:
            self._report.add("gap", f"{gap.from_time}: ends at {gap.to_time}, the hole at {expected.to_time}")

    def _read_samples(self) -> Iterator[Sample]:
        for row in self._snapshot.stream(SAMPLES):
            yield self._with_cores("sample", sample_of_row, row, len(row) - 1)

    def _rollups(self, tier: Tier) -> Iterator[Rollup]:
        if tier.seconds == MINUTE:
            rows: Iterator[Row] = ((*row, None) for row in self._snapshot.stream(MINUTES))
        else:
            rows = self._connection.execute(f"{rows_of(tier)} ORDER BY 1", (-1, MAX_TIME))
        for row in rows:
            rollup = self._with_cores(tier.name, rollup_of_row, row, len(row) - 2)
            if tier.has_histogram and rollup.histogram is None:
                self._report.add(tier.name, f"{row[0]}: its histogram makes no sense")
            yield rollup

    def _with_cores(self, kind: str, make: Callable[[Row], Stored], row: Row, at: int) -> Stored:
        """The record; without its cores, which are at this place of the row, if those are garbage."""
        record = make(row)
        if (row[at] is None) == (record.cores is None) and not core_faults(record.cores):
            return record
        self._report.add(kind, f"{row[0]}: its cores make no sense")
        return make((*row[:at], None, *row[at + 1 :]))

    def _tell_damage(self, hour: int, blob: str, reason: str) -> None:
        self._report.add("sealed_hour", f"{hour}: its {blob} cannot be read: {reason}")

    def _gaps(self) -> Iterator[Gap]:
        for row in self._rows("gap", GAP_COLUMNS):
            try:
                gap = gap_of_row(row)
            except GarbledError as error:
                self._report.add("gap", f"{row[0]}: {error}")
                continue
            if (gap.busy is None) != (gap.all is None) or not 0 <= (gap.busy or 0) <= (gap.all or 0):
                self._report.add("gap", f"{gap.from_time}: busy {gap.busy} of {gap.all} ticks")
            yield gap

    def _rows(self, table: str, columns: str) -> Iterator[Row]:
        """Every row, by its primary key, which is the first column."""
        return self._connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1")  # noqa: S608 - our own constants


def damaged_names(connection: sqlite3.Connection, level: Level, names: set[int]) -> Iterator[tuple[str, int, str]]:
    """Table, time and fault of each row of a level that is wrong."""
    queries = {level.name: f"SELECT {BLAME_COLUMNS} FROM {level.name}"}  # noqa: S608 - our own constants
    if level.packed_s:
        queries[level.packed] = f"SELECT time, NULL, shares FROM {level.packed}"  # noqa: S608 - likewise
    for table, sql in queries.items():
        for time, since, blob in connection.execute(sql):
            try:
                rows = rows_in(level, time, since, blob)
            except GarbledError as error:
                yield table, time, str(error)
                continue
            entries = (entry for row in rows for entry, _ in (*row.units, *row.processes))
            if not names.issuperset(numbers_of(entries)):
                yield table, time, "it refers to a name that is not there"


def _of_schema_1(rollup: Rollup, parts: Sequence[Rollup]) -> Rollup:
    """The rollup as versions before CPUs had numbers made it: only of parts with as many cores as the last one."""
    known = [part.cores for part in parts if part.cores is not None]
    return replace(rollup, cores=sum_cores([cores for cores in known if len(cores) == len(known[-1])]))


def _differences(stored: Rollup, expected: Rollup) -> str:
    """Which columns differ; cores without their figures."""
    ours, theirs = ({**asdict(one), **asdict(one.figures)} for one in (stored, expected))
    names = [name for name in ours if name not in {"figures", "cores"} and ours[name] != theirs[name]]
    texts = [f"{name} is {ours[name]}, its samples give {theirs[name]}" for name in names]
    return "; ".join(texts + ["cores differ from its samples'"] * (ours["cores"] != theirs["cores"]))


def check(path: Path, report: Report, progress: Progress) -> str:
    """Report what is wrong with the file; what was in it, in words. Raises SnapshotError."""
    require_ours(path)
    try:
        with open_unchanged(path.resolve()) as connection:
            return Checker(connection, report, progress, known_tiers(connection)).check()
    except sqlite3.DatabaseError as error:
        # Damage is a finding; a lock or a lack of memory says nothing of the file.
        if error.sqlite_errorcode & PRIMARY_CODE not in DAMAGE:
            raise SnapshotError(str(error)) from error
        report.add("file", f"cannot be read to its end: {error}")
        return "not all of it could be read"


def main(arguments: Sequence[str] | None = None, *, clock: Clock | None = None) -> int:
    """Check one file; 0 if it is clean, 1 if something was found, 2 if it cannot be checked."""
    parser = argparse.ArgumentParser(prog="python -m cpusensor.check", allow_abbrev=False)
    parser.description = "Verifies a cpusensor database without changing it; cpusensor may be running on it."
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--limit", type=int, default=MAX_SHOWN, help=f"findings of a kind to tell (default: {MAX_SHOWN})"
    )
    options = parser.parse_args(arguments)
    progress = Progress(clock or SystemClock(), sys.stderr)
    report = Report(progress, options.limit)
    try:
        summary = check(options.file, report, progress)
    except SnapshotError as error:
        progress.clear()
        print(f"{options.file}: cannot be checked: {error}", file=sys.stderr)  # noqa: T201 - the answer of the command
        return 2
    report.close(f"{options.file}: {summary}")
    return 1 if report.total else 0


if __name__ == "__main__":
    sys.exit(main())
