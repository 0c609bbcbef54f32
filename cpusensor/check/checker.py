"""Recomputes the derived tables: minutes, gaps and tiers must follow from the samples.

These are read once, in order, and not held in memory.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import groupby, pairwise

from cpusensor.check.names import check_names
from cpusensor.check.progress import Progress
from cpusensor.check.report import Report
from cpusensor.check.stored import Queue, Records, time_of
from cpusensor.model.gaps import hole
from cpusensor.model.grid import bucket_end
from cpusensor.model.kept import ALL_KEPT, COARSE
from cpusensor.model.records import Cause, Gap, Rollup, Run, Sample
from cpusensor.model.rollup import MINUTE, TIERS, Tier, as_rollup, roll_up, sum_cores
from cpusensor.model.sanity import sample_faults
from cpusensor.model.times import MAX_TIME
from cpusensor.store.columns import RUN_COLUMNS, histogram_of_rows, run_of_row
from cpusensor.store.plan import Part
from cpusensor.store.snapshot import Snapshot
from cpusensor.store.statements import EXTREMES, TIME_AT_EACH_POINT, extent_of

MINUTES_PER_LOOK = 100
STEPS_PER_LOOK = 100_000
"""Minutes of history, and steps of SQLite's virtual machine, between two looks at the clock."""


class Checker:
    """Compares the tables of one database with each other."""

    def __init__(
        self, connection: sqlite3.Connection, report: Report, progress: Progress, tiers: Sequence[Tier] = TIERS
    ) -> None:
        self._connection = connection
        self._snapshot = Snapshot(connection, tiers, self._tell_damage)
        self._records = Records(connection, self._snapshot, report)
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
        minutes = Queue(self._records.rollups(self._tiers[0]), time_of)
        gaps = Queue(self._records.gaps(), lambda gap: gap.from_time)
        self._check_history(minutes, gaps)
        # The rest outlived its samples, which is no fault; it is only counted.
        minutes.take()
        for below, tier in pairwise(self._tiers):
            self._check_tier(below, tier)
        for gap in gaps.take():
            self._report.add("gap", f"{gap.from_time}: no sample closes it")
        check_names(self._connection, self._report)
        runs = f"runs {len(self._runs):,}"
        return f"{runs}, samples {self._samples:,}, minutes {minutes.taken:,}, gaps {gaps.taken:,}"

    def _check_file(self) -> None:
        """SQLite's own check, which includes the types of the columns: later rows can be trusted for these."""
        self._connection.set_progress_handler(lambda: self._progress.show("SQLite's own check"), STEPS_PER_LOOK)
        for (text,) in self._connection.execute("PRAGMA integrity_check"):
            if text != "ok":
                self._report.add("file", text.replace("\n", " "))
        self._connection.set_progress_handler(None, 0)

    def _check_runs(self) -> None:
        for run in map(run_of_row, self._records.rows("run", RUN_COLUMNS)):
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
        groups = groupby(self._records.samples(), lambda sample: bucket_end(sample.time, MINUTE))
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
        stored = Queue(self._records.rollups(tier), time_of)
        groups = groupby(self._records.rollups(below), lambda part: bucket_end(part.time, tier.seconds))
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

    def _tell_damage(self, hour: int, blob: str, reason: str) -> None:
        self._report.add("sealed_hour", f"{hour}: its {blob} cannot be read: {reason}")


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
