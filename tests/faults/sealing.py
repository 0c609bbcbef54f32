"""Faults while hours are sealed and opened again."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from cpusensor.model.records import Cause, Measured
from cpusensor.store.database import WriteError
from cpusensor.store.opening import open_history
from cpusensor.store.sealed import HOUR
from cpusensor.store.snapshot import open_snapshot
from cpusensor.store.unsealing import SAMPLES
from tests.fakes import START
from tests.faults.harness import Lab, fault
from tests.faults.mounts import fill, small_disk
from tests.faults.named import names_in, reading
from tests.faults.sealer import BEGIN, END, STEP, busy_at
from tests.faults.victim import history, state
from tests.samples import sample
from tests.service import ROOT, Service
from tests.waiting import wait_for_samples

KILLS_PER_DATABASE = 25


def _record(path: Path) -> None:
    """A history whose every hour can be sealed."""

    async def write() -> None:
        async with open_history(path, START) as opened:
            run = await opened.runs.start("boot-1", START, STEP, "1.0.0")
            times = range(BEGIN + STEP, END + 1, STEP)
            samples = [sample(at, busy=busy_at(at), run=run.id) for at in times]
            await opened.writer.add([Measured(sample=one, cause=Cause.STALLED) for one in samples])
            await opened.blames.add([reading(at - STEP, at) for at in times])

    asyncio.run(write())


def _recorded(path: Path) -> list[tuple[int, int]]:
    """Time and busy ticks of each sample, sealed or not, as often as it is there."""
    with open_snapshot(path) as snapshot:
        at = SAMPLES.names.index("user")
        return [(row[0], row[at]) for row in snapshot.stream(SAMPLES)]


EXPECTED = [(at, busy_at(at)) for at in range(BEGIN + STEP, END + 1, STEP)]


@fault("F44", expected="nothing lost, nothing twice; sealed or not, all says the same", quick=2, full=100)
def it_is_killed_while_it_seals_and_opens_hours(lab: Lab) -> str:
    """Kill −9 at a random moment while hours are sealed and opened again, names too, as fast as they can be."""
    path, sealed, opened = Path(), 0, 0
    for repetition in range(lab.repetitions):
        if repetition % KILLS_PER_DATABASE == 0:
            path = lab.folder() / "a.db"
            _record(path)
        told = _seal_and_kill(path, lab.chance.uniform(0, 0.5))
        sealed, opened = sealed + told.count(b"sealed"), opened + told.count(b"opened")
        found = _recorded(path)
        lab.expect(that=found == EXPECTED, otherwise=f"{len(set(EXPECTED) - set(found))} lost, {len(found)} in all")
        times, told_s = asyncio.run(names_in(path, END))
        named = [at for at, _ in EXPECTED]
        lab.expect(that=times == named, otherwise=f"{len(set(named) - set(times))} readings of names lost")
        lab.expect(that=told_s == len(named), otherwise=f"{len(named)} readings of names, {told_s} in their sums")
        lab.expect_clean(path)
    return f"{lab.repetitions} kills; {sealed} hours sealed and {opened} opened; {len(EXPECTED):,} samples each time"


def _seal_and_kill(path: Path, after_s: float) -> bytes:
    command = [sys.executable, "-m", "tests.faults.sealer", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(after_s)
        process.kill()
        return first + process.stdout.read()


@fault("F44", expected="the rows stay as they are; with space again they are sealed", quick=1, full=5)
def the_disk_is_full_while_it_seals(lab: Lab) -> str:
    """Disk full (tmpfs of 4 MB, filled to the last block) while hours are to be sealed."""
    refused = 0
    for _ in range(lab.repetitions):
        folder = small_disk(lab, "4m")
        _record(folder / "a.db")
        refused += asyncio.run(_seal_on_full_disk(folder))
        lab.expect(that=_recorded(folder / "a.db") == EXPECTED, otherwise="samples are not as recorded")
        lab.expect_clean(folder / "a.db")
    lab.expect(that=refused > 0, otherwise="the disk was never full")
    return f"refused {refused} times, {len(EXPECTED):,} samples each time"


async def _seal_on_full_disk(folder: Path) -> int:
    """Seal until the disk is full, make room and seal the rest; how often it was refused."""
    refused = 0
    async with open_history(folder / "a.db", END) as opened:
        ballast = fill(folder)
        try:
            while await opened.sealing.seal_slice(END - HOUR):
                pass
        except WriteError:
            refused += 1
        ballast.unlink()
        while await opened.sealing.seal_slice(END - HOUR):
            pass
    return refused


@contextmanager
def _damaged(lab: Lab) -> Iterator[tuple[Service, int]]:
    """A service on a history of which one sealed hour is damaged."""
    service, hour = Service(lab.folder()), BEGIN + 2 * HOUR

    async def seal() -> None:
        async with open_history(service.database, END) as opened:
            while await opened.sealing.seal_slice(END - HOUR):
                pass

    _record(service.database)
    asyncio.run(seal())
    with closing(sqlite3.connect(service.database)) as connection, connection:
        connection.execute("UPDATE sealed_hour SET samples = zeroblob(900) WHERE time = ?", (hour,))
    with service:
        yield service, hour


@fault("F45", expected="its hour is null, a line in the log names it, everything else answers", quick=1, full=3)
def a_sealed_hour_is_damaged(lab: Lab) -> str:
    """The bytes of one sealed hour are overwritten; then the service is started and asked for them."""
    for _ in range(lab.repetitions):
        with _damaged(lab) as (service, hour):
            wait_for_samples(service, 1)
            answer = history(service, f"from={hour - 2 * HOUR}&to={hour + HOUR}&step={STEP}")
            values = answer["cpu"]
            part = HOUR // STEP
            is_there = [None not in values[at : at + part] for at in range(0, 3 * part, part)]
            lab.expect(that=is_there == [True, False, True], otherwise=f"hours that are there: {is_there}")
            minutes = history(service, f"from={hour - 2 * HOUR}&to={hour + HOUR}&step=60")["cpu"]
            lab.expect(that=None not in minutes, otherwise="its minutes are not there")
            lab.expect(that=state(service) == "recording", otherwise=f"healthz says {state(service)!r}")
        told = service.log.read_text().count(f"the samples of the hour until {hour} cannot be read")
        lab.expect(that=told == 1, otherwise=f"{told} log lines")
    return "one hour of samples is null, its minutes and all else are there"
