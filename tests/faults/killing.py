"""Faults that end the process, or the power, in the middle of a write."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from cpusensor.model.records import Cause, Measured
from cpusensor.store.opening import open_history
from tests.fakes import START
from tests.faults.harness import Lab, fault
from tests.faults.named import names_in
from tests.faults.victim import by_time, history
from tests.faults.writer import HOLES, STEP
from tests.samples import sample
from tests.service import ROOT, Service
from tests.waiting import wait_for_samples

KILLS_PER_DATABASE = 20
COMPANIONS = ("", "-wal", "-shm", ".lock")


@fault(
    "F1",
    expected="no acknowledged sample or name lost or twice; minutes and gaps exact",
    quick=2,
    full=200,
)
def a_writer_is_killed_while_it_writes(lab: Lab) -> str:
    """Kill −9 at a random moment while samples and names are written as fast as the database takes them."""
    acknowledged = lost = unnamed = 0
    reopen_ms = []
    path, now = Path(), START
    for repetition in range(lab.repetitions):
        if repetition % KILLS_PER_DATABASE == 0:
            path, now = lab.folder() / "a.db", START
        acked = _write_and_kill(path, now, lab.chance.uniform(0.02, 0.25))
        now = (acked[-1] if acked else now) + STEP * max(HOLES)
        began = time.perf_counter()
        asyncio.run(_open_and_close(path, now))
        reopen_ms.append(1000 * (time.perf_counter() - began))
        acknowledged += len(acked)
        lost += len(set(acked) - _sample_times(path))
        named, told_s = asyncio.run(names_in(path, now))
        unnamed += len(set(acked) - set(named))
        lab.expect(that=told_s == len(named), otherwise=f"{len(named)} readings of names, {told_s} in their sums")
        lab.expect_clean(path)
    lab.expect(that=lost == 0, otherwise=f"{lost} acknowledged samples lost")
    lab.expect(that=unnamed == 0, otherwise=f"{unnamed} acknowledged readings of names lost")
    return (
        f"{lost} of {acknowledged:,} acknowledged lost, {unnamed} of their names; reopened in ≤ {max(reopen_ms):.0f} ms"
    )


def _write_and_kill(path: Path, now: int, after_s: float) -> list[int]:
    """Let it write for so long after its first sample; the times that it acknowledged."""
    command = [sys.executable, "-m", "tests.faults.writer", str(path), str(now)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(after_s)
        process.kill()
        told = first + process.stdout.read()
    return [int(line) for line in told.split(b"\n")[:-1]]


async def _open_and_close(path: Path, now: int) -> None:
    async with open_history(path, now):
        pass


def _sample_times(path: Path) -> set[int]:
    with closing(sqlite3.connect(path)) as connection:
        return {time for (time,) in connection.execute("SELECT time FROM sample")}


@fault("F1", expected="no acknowledged sample lost; the gap says crashed", quick=0, full=15)
def the_service_is_killed(lab: Lab) -> str:
    """Kill −9 of the whole service at a random moment, streams open; then started again."""
    service = Service(lab.folder())
    acknowledged: dict[int, float] = {}
    with service:
        for _ in range(lab.repetitions):
            wait_for_samples(service, 2)
            time.sleep(lab.chance.uniform(0, 1))
            acknowledged |= by_time(history(service))
            service.kill()
            time.sleep(lab.chance.uniform(0, 2))
            service.start()
            wait_for_samples(service, 1)
            answer = history(service)
            lost = acknowledged.items() - by_time(answer).items()
            causes = {gap["cause"] for gap in answer["gaps"]}
            lab.expect(that=not lost, otherwise=f"lost {sorted(lost)[:3]}")
            lab.expect(that=causes <= {"crashed"}, otherwise=f"gaps say {causes}")
    lab.expect_clean(service.database)
    lab.expect(that="Traceback" not in service.log.read_text(), otherwise="a traceback is in the log")
    return f"0 of {len(acknowledged)} acknowledged lost" if not lab.findings else "see verdict"


@fault(
    "F2",
    expected="opens; samples are a prefix of what was written; minutes and gaps exact",
    quick=6,
    full=840,
)
def the_write_ahead_log_is_torn(lab: Lab) -> str:
    """Power cut: the write-ahead log ends at any byte, half of the times with garbage after it."""
    folder = lab.folder()
    written = asyncio.run(_write_and_copy(folder))
    log = (folder / "a.db-wal").read_bytes()
    violations, kept = 0, []
    for repetition in range(lab.repetitions):
        cut = len(log) * (repetition // 2 * 2) // lab.repetitions
        copy = folder / "cut"
        copy.mkdir()
        for companion in COMPANIONS:
            shutil.copy(folder / f"a.db{companion}", copy / f"a.db{companion}")
        garbage = lab.chance.randbytes(len(log) - cut) if repetition % 2 else b""
        (copy / "a.db-wal").write_bytes(log[:cut] + garbage)
        (copy / "a.db-shm").unlink()
        asyncio.run(_open_and_close(copy / "a.db", written[-1]))
        times = sorted(_sample_times(copy / "a.db"))
        violations += times != written[: len(times)]
        kept.append(len(times))
        lab.expect_clean(copy / "a.db")
        shutil.rmtree(copy)
    lab.expect(that=violations == 0, otherwise=f"{violations} times the samples were no prefix")
    return f"{violations} violations; {min(kept)} to {max(kept)} of {len(written)} samples kept, by where the cut was"


async def _write_and_copy(folder: Path) -> list[int]:
    """Samples committed one by one, and the files as they are before the log is merged into the database."""
    original = folder / "original"
    original.mkdir()
    times = [START + STEP * slot for slot in range(1, 91) if slot % 30 > 3]
    async with open_history(original / "a.db", START) as store:
        await store.runs.start("boot-1", START, STEP, "1.0.0")
        for time_ in times:
            await store.writer.add([Measured(sample=sample(time_), cause=Cause.CRASHED)])
        for companion in COMPANIONS:
            shutil.copy(original / f"a.db{companion}", folder / f"a.db{companion}")
    return times
