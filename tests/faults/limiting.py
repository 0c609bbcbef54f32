"""Faults while the database is sealed and kept within its limit."""

import asyncio
import random
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

from cpusensor.model.kept import Kept
from cpusensor.model.records import CoreTicks
from cpusensor.store.columns import Row
from cpusensor.store.opening import open_history
from cpusensor.store.snapshot import open_snapshot
from cpusensor.store.unsealing import MINUTES, SAMPLES
from tests.fakes import START
from tests.faults.harness import SEED, Lab, fault
from tests.faults.limiter import HOURS, NOW
from tests.samples import measured, sample
from tests.service import ROOT

CPUS = 40
DAY_S = 86_400


@fault(
    "F46",
    expected="what is newer than what was given up is all there, once; the quarter-hours are as before; check clean",
    quick=2,
    full=120,
)
def it_is_killed_while_it_seals_and_limits(lab: Lab) -> str:
    """Kill −9 at a random moment while rows are sealed, and samples and minutes given up at the limit."""
    path = lab.folder() / "cpusensor.db"
    original = lab.folder() / "original.db"
    asyncio.run(_record(original))
    expected = _found(original)[1]
    begun, before = 0, Kept()
    for _ in range(lab.repetitions):
        if not path.exists() or _found(path)[0].minute >= NOW - DAY_S - 7200:
            # All was done before enough kills: once more from the beginning.
            _remove(path)
            shutil.copy(original, path)
            begun, before = begun + 1, Kept()
        _limit_and_kill(path, lab.chance.uniform(0, 0.8))
        before = _expect_the_rest(lab, path, expected, before)
    return f"0 lost, 0 twice, in {begun} times from the beginning" if not lab.findings else "see verdict"


async def _record(path: Path) -> None:
    """A sample a minute, none like another, so that they take room."""
    chance = random.Random(SEED)  # noqa: S311 - a history to be repeated
    async with open_history(path, START) as history:
        run = await history.runs.start("boot-1", START, 60, "1.0.0")
        samples = [
            replace(
                sample(START + 60 * minute, chance.randrange(1000), run=run.id),
                cores=tuple(CoreTicks(cpu=cpu, busy=chance.randrange(300), all=300) for cpu in range(CPUS)),
            )
            for minute in range(1, 60 * HOURS + 1)
            if minute % 500
        ]
        await history.writer.add(measured(*samples))


def _found(path: Path) -> tuple[Kept, dict[str, list[Row]]]:
    """What is kept, and all rows, sealed or not."""
    with open_snapshot(path) as snapshot:
        rows = {table.name: list(snapshot.stream(table)) for table in (SAMPLES, MINUTES)}
        for name in ("quarter_hour", "quarter_day", "gap"):
            rows[name] = snapshot.rows(f"SELECT * FROM {name} ORDER BY 1")  # noqa: S608 - tables of ours
        return snapshot.kept, rows


def _expect_the_rest(lab: Lab, path: Path, expected: dict[str, list[Row]], before: Kept) -> Kept:
    """All rows are there that were not given up; returns since when, which is never earlier than before."""
    kept, found = _found(path)
    for name, rows in expected.items():
        since = asdict(kept).get(name, 0)
        left = [row for row in rows if row[0] > since]
        lab.expect(that=found[name] == left, otherwise=f"{name}: {len(found[name])} rows instead of {len(left)}")
    lab.expect(that=kept.sample >= before.sample and kept.minute >= before.minute, otherwise=f"{kept} after {before}")
    lab.expect(that=kept.sample <= NOW - DAY_S, otherwise="samples of the last day are gone")
    lab.expect_clean(path)
    return kept


def _limiter(path: Path) -> "subprocess.Popen[bytes]":
    """The process, once it has begun."""
    command = [sys.executable, "-m", "tests.faults.limiter", str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _limit_and_kill(path: Path, after_s: float) -> None:
    with _limiter(path) as process:
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
