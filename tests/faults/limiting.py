"""Faults while the database is sealed and kept within its limit."""

import asyncio
import random
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import cycle
from pathlib import Path

from cpusensor.model.kept import Kept
from cpusensor.model.records import CoreTicks
from cpusensor.store.columns import Row
from cpusensor.store.database import WriteError
from cpusensor.store.limit import SPARE
from cpusensor.store.opening import open_history
from cpusensor.store.sealed import HOUR
from cpusensor.store.snapshot import open_snapshot
from cpusensor.store.unsealing import MINUTES, SAMPLES
from tests.fakes import START
from tests.faults.harness import SEED, Lab, fault
from tests.faults.mounts import fill, small_disk
from tests.samples import measured, sample
from tests.service import ROOT

CPUS = 40
DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A history from which each series of kills begins."""

    hours: int
    rows: dict[str, list[Row]]

    @property
    def now(self) -> int:
        """When it ends."""
        return START + self.hours * HOUR

    @classmethod
    def make(cls, path: Path, hours: int, *, is_sealed: bool) -> "Original":
        """Record it, in the place of what is there."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        asyncio.run(_record(path, hours, is_sealed=is_sealed))
        return cls(hours=hours, rows=_found(path)[1])


@fault(
    "F46",
    expected="what is newer than what was given up is all there, once; the quarter-hours are as before; check clean",
    quick=2,
    full=120,
)
def it_is_killed_while_it_seals_and_limits(lab: Lab) -> str:
    """Kill −9 at a random moment while rows are sealed, and samples and minutes given up at the limit."""
    path = lab.folder() / "cpusensor.db"
    kinds = cycle([partial(Original.make, path, 40, is_sealed=False), partial(Original.make, path, 72, is_sealed=True)])
    begun, before, original = 1, Kept(), next(kinds)()
    for _ in range(lab.repetitions):
        if _found(path)[0].minute >= original.now - DAY_S - 7200:
            # All was done before enough kills: once more from the beginning, of the other kind.
            begun, before, original = begun + 1, Kept(), next(kinds)()
        _limit_and_kill(path, original.hours, lab.chance.uniform(0, 0.8))
        before = _expect_the_rest(lab, path, original, before)
    return f"0 lost, 0 twice, in {begun} times from the beginning" if not lab.findings else "see verdict"


@fault("F46", expected="nothing goes while it is full; with space again it goes on", quick=1, full=5)
def the_disk_is_full_while_it_limits(lab: Lab) -> str:
    """Disk full (tmpfs of 8 MB, filled to the last block) while samples and minutes are to be given up."""
    refused = 0
    for _ in range(lab.repetitions):
        path = small_disk(lab, "8m") / "cpusensor.db"
        original = Original.make(path, 30, is_sealed=True)
        refused += asyncio.run(_limit_on_full_disk(lab, path, original))
        kept = _expect_the_rest(lab, path, original, Kept())
        lab.expect(that=kept.minute > 0, otherwise="with space again nothing was given up")
    lab.expect(that=refused == lab.repetitions, otherwise=f"the disk was full {refused} times")
    return f"refused {refused} times; nothing lost that was to stay"


async def _limit_on_full_disk(lab: Lab, path: Path, original: Original) -> int:
    """Give up what may be, on a full disk and then with room; how often it was refused."""
    refused = 0
    async with open_history(path, original.now, max_bytes=SPARE + 1) as history:
        ballast = fill(path.parent)
        try:
            await history.limit.give_up(original.now)
        except WriteError:
            refused += 1
        lab.expect(that=history.reader.kept == Kept(), otherwise=f"kept {history.reader.kept} on a full disk")
        lab.expect(that=_found(path)[1] == original.rows, otherwise="rows are gone on a full disk")
        ballast.unlink()
        while await history.limit.give_up(original.now):
            pass
    return refused


async def _record(path: Path, hours: int, *, is_sealed: bool) -> None:
    """A sample a minute, none like another, so that they take room."""
    chance = random.Random(SEED)  # noqa: S311 - a history to be repeated
    async with open_history(path, START) as history:
        run = await history.runs.start("boot-1", START, 60, "1.0.0")
        samples = [
            replace(
                sample(START + 60 * minute, chance.randrange(1000), run=run.id),
                cores=tuple(CoreTicks(cpu=cpu, busy=chance.randrange(300), all=300) for cpu in range(CPUS)),
            )
            for minute in range(1, 60 * hours + 1)
            if minute % 500
        ]
        await history.writer.add(measured(*samples))
        while is_sealed and await history.sealing.seal_slice(samples[-1].time - HOUR):
            pass


def _found(path: Path) -> tuple[Kept, dict[str, list[Row]]]:
    """What is kept, and all rows, sealed or not."""
    with open_snapshot(path) as snapshot:
        rows = {table.name: list(snapshot.stream(table)) for table in (SAMPLES, MINUTES)}
        for name in ("quarter_hour", "quarter_day", "gap"):
            rows[name] = snapshot.rows(f"SELECT * FROM {name} ORDER BY 1")  # noqa: S608 - tables of ours
        return snapshot.kept, rows


def _expect_the_rest(lab: Lab, path: Path, original: Original, before: Kept) -> Kept:
    """All rows are there that were not given up; returns since when, which is never earlier than before."""
    kept, found = _found(path)
    for name, rows in original.rows.items():
        since = asdict(kept).get(name, 0)
        left = [row for row in rows if row[0] > since]
        lab.expect(that=found[name] == left, otherwise=f"{name}: {len(found[name])} rows instead of {len(left)}")
    lab.expect(that=kept.sample >= before.sample and kept.minute >= before.minute, otherwise=f"{kept} after {before}")
    lab.expect(that=kept.sample <= original.now - DAY_S, otherwise="samples of the last day are gone")
    lab.expect_clean(path)
    return kept


def _limiter(path: Path, hours: int) -> "subprocess.Popen[bytes]":
    """The process, once it has begun."""
    command = [sys.executable, "-m", "tests.faults.limiter", str(path), str(hours)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _limit_and_kill(path: Path, hours: int, after_s: float) -> None:
    with _limiter(path, hours) as process:
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
