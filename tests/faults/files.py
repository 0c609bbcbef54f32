"""Faults of the database file: gone, replaced, broken, somebody else's, from the future."""

import asyncio
import hashlib
import logging
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from cpusensor.model.records import Cause, Measured
from cpusensor.store.database import ReadError, WriteError
from cpusensor.store.file import StorageError
from cpusensor.store.opening import open_history
from tests.fakes import START, FakeClock
from tests.faults.harness import Lab, fault
from tests.faults.victim import OK, Listener, ask, by_time, expect_refused, missing, start_refused, state, victim
from tests.running import Running
from tests.samples import sample
from tests.service import Service
from tests.waiting import wait_for_samples, wait_until

COMPANIONS = ("", "-wal", "-shm")
STEP = 5
SECTOR = 512
LENGTH = 3000
HEALED_S = 10
LATER = START + STEP * (LENGTH + 1) + 60
SALVAGED = "all that can be read"


@fault("F12", expected="written again whole; no sample missing", quick=0, full=10)
def the_database_is_deleted_while_it_is_used(lab: Lab) -> str:
    """The database, with its log or without, is deleted while the service runs (time is simulated)."""
    return asyncio.run(_while_running(lab, _delete))


@fault("F12", expected="the other file untouched, degraded; when ours is back, no sample missing", quick=0, full=10)
def the_database_is_replaced_by_another_file(lab: Lab) -> str:
    """Another file takes the database's place while the service runs, and leaves it again (time is simulated)."""
    return asyncio.run(_while_running(lab, _replace))


async def _while_running(lab: Lab, meddle: Callable[[Lab, Running], "asyncio.Future[None]"]) -> str:
    samples = 0
    for number in range(lab.repetitions):
        clock = FakeClock()
        service = Running(lab.folder() / "cpusensor.db", clock)
        await service.start()
        try:
            await clock.advance(70 + 7 * number)
            await meddle(lab, service)
            await clock.advance(130)
            answer = await service.json(f"api/history?from={START}&to={int(clock.now().wall)}&step={STEP}")
            lost = missing(answer)
            lab.expect(that=not lost, otherwise=f"{len(lost)} samples missing, gaps {answer['gaps'][:2]}")
            health = await (await service.get("healthz")).text()
            lab.expect(that=health.strip() == "recording", otherwise=f"healthz says {health.strip()!r} at the end")
            samples += len(by_time(answer))
        finally:
            await service.stop()
        lab.expect_clean(service.database)
    return f"{samples} samples kept" + ("" if lab.findings else ", 0 missing")


def _delete(lab: Lab, service: Running) -> "asyncio.Future[None]":
    async def delete() -> None:
        for companion in COMPANIONS if lab.chance.random() < 0.5 else COMPANIONS[:1]:
            service.database.with_name(service.database.name + companion).unlink(missing_ok=True)
        await service.clock.advance(60)

    return asyncio.ensure_future(delete())


def _replace(lab: Lab, service: Running) -> "asyncio.Future[None]":
    async def replace() -> None:
        away = lab.folder()
        for companion in COMPANIONS:
            shutil.move(service.database.with_name(service.database.name + companion), away)
        service.database.write_text("not ours\n" * 100)
        await service.clock.advance(125)
        health = await (await service.get("healthz")).text()
        lab.expect(that=health.startswith("degraded: "), otherwise=f"meanwhile healthz says {health!r}")
        untouched = service.database.read_text() == "not ours\n" * 100
        lab.expect(that=untouched, otherwise="the other file was touched")
        for companion in COMPANIONS:
            service.database.with_name(service.database.name + companion).unlink(missing_ok=True)
            if (away / f"cpusensor.db{companion}").exists():
                shutil.move(away / f"cpusensor.db{companion}", service.database.parent)

    return asyncio.ensure_future(replace())


@fault("F9", expected="a new history, and a word about the missing one on /healthz", quick=0, full=12)
def a_history_is_missing_at_the_start(lab: Lab) -> str:
    """Where a history used to be there is nothing, an empty file, or only the log of a killed process."""
    for number in range(lab.repetitions):
        service = Service(lab.folder())
        with service:
            wait_for_samples(service, 1)
            service.kill() if number % 3 == 2 else service.terminate()
        service.database.unlink()
        if number % 2 == 0:
            service.database.touch()
        with victim(lab, service.database.parent) as again:
            wait_for_samples(again, 1)
            said = state(again)
            lab.expect(that=said.startswith("degraded: the history that was kept here is missing"), otherwise=said)
    return "told each time" if not lab.findings else "see verdict"


@fault("F9", expected="status 1, one line, every byte as before", quick=0, full=1)
def the_file_is_not_ours_or_from_the_future(lab: Lab) -> str:
    """The file is a text, an image, another program's database, ours of a newer schema, or a folder."""
    folder = lab.folder()
    paths = [folder / name for name in ("text", "bytes", "other.db", "newer.db")]
    paths[0].write_text("dear diary\n" * 100)
    paths[1].write_bytes(lab.chance.randbytes(20_000))
    with closing(sqlite3.connect(paths[2])) as connection:
        connection.executescript("CREATE TABLE sample(time INTEGER PRIMARY KEY); INSERT INTO sample VALUES (1)")
    asyncio.run(_fill(paths[3], 50))
    with closing(sqlite3.connect(paths[3])) as connection:
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        connection.execute(f"PRAGMA user_version = {version + 1}")
    for path in paths:
        before = hashlib.sha256(path.read_bytes()).digest()
        for _ in range(2):
            expect_refused(lab, start_refused("--db", str(path)), 1, "untouched")
        lab.expect(that=hashlib.sha256(path.read_bytes()).digest() == before, otherwise=f"{path.name} was touched")
    (folder / "folder").mkdir()
    expect_refused(lab, start_refused("--db", str(folder / "folder")), 1, "")
    leftovers = {path.name for path in folder.iterdir() if path.suffix != ".lock"} - {"folder", *map(_name, paths)}
    lab.expect(that=not leftovers, otherwise=f"left behind: {sorted(leftovers)}")
    return "5 kinds refused, hashes equal" if not lab.findings else "see verdict"


def _name(path: Path) -> str:
    return path.name


async def _fill(path: Path, length: int = LENGTH) -> None:
    """A history with gaps, as a clean stop leaves it."""
    async with open_history(path, START) as store:
        run = await store.runs.start("boot-1", START, STEP, "1.0.0")
        times = [START + STEP * slot for slot in range(1, length + 1) if slot % 1000 > 20]
        for begin in range(0, len(times), 500):
            batch = times[begin : begin + 500]
            await store.writer.add([Measured(sample=sample(at, run=run.id), cause=Cause.CRASHED) for at in batch])
        await store.runs.end(times[-1])


def _wipe_sector(lab: Lab, content: bytes) -> bytes:
    at = lab.chance.randrange(len(content) // SECTOR) * SECTOR
    return content[:at] + lab.chance.randbytes(SECTOR) + content[at + SECTOR :]


def _truncate(lab: Lab, content: bytes) -> bytes:
    return content[: lab.chance.randrange(1, len(content))]


def _flip_bit(lab: Lab, content: bytes) -> bytes:
    at = lab.chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << lab.chance.randrange(8)]) + content[at + 1 :]


SERVED = "it starts; what a query finds broken is replaced and answered within 10 s; recording goes on"
CORRUPTED = "it starts or refuses in one line; what is detected is set aside whole, and the new one is exact"


@fault("F7", expected=CORRUPTED, quick=2, full=200)
def sectors_of_the_database_are_garbage(lab: Lab) -> str:
    """A random 512-byte sector of the database is overwritten."""
    return asyncio.run(_corrupt(lab, _wipe_sector))


@fault("F7", expected=CORRUPTED, quick=0, full=100)
def the_database_is_cut_short(lab: Lab) -> str:
    """The database ends at a random byte."""
    return asyncio.run(_corrupt(lab, _truncate))


@fault(
    "F8", expected="it starts or refuses in one line; SQLite has no checksums, so many are silent", quick=0, full=200
)
def bits_of_the_database_are_flipped(lab: Lab) -> str:
    """One random bit of the database is flipped."""
    return asyncio.run(_corrupt(lab, _flip_bit))


async def _corrupt(lab: Lab, damage: Callable[[Lab, bytes], bytes]) -> str:
    original = lab.folder() / "a.db"
    await _fill(original)
    content, counts = original.read_bytes(), Counter[str]()
    for _ in range(lab.repetitions):
        folder = lab.folder()
        path = folder / "a.db"
        shutil.copy(original.with_name("a.db.lock"), folder)
        path.write_bytes(damage(lab, content))
        try:
            counts[await _use(lab, path)] += 1
        except StorageError as error:
            lab.expect(that="\n" not in str(error), otherwise="refused in more than one line")
            counts["refused"] += 1
        except Exception as error:  # noqa: BLE001 - the finding that this is about
            lab.findings.append(f"{type(error).__name__}: {error}")
            counts["broke off"] += 1
    return ", ".join(f"{what} {count}" for what, count in counts.most_common())


async def _use(lab: Lab, path: Path) -> str:
    """Start on it as after a crash, record, and look whether the damage was noticed."""
    broken, log = path.read_bytes(), _Log()
    with log:
        async with open_history(path, LATER) as store:
            run = await store.runs.start("boot-1", LATER, STEP, "1.0.0")
            # What the background loops log and go on after.
            try:
                await store.verify(LATER)
            except (ReadError, WriteError) as error:
                lab.findings.append(f"verify: {error}")
            await store.writer.add([Measured(sample=sample(LATER + STEP, run=run.id), cause=Cause.CRASHED)])
            aside = [one for one in path.parent.glob("a.db.corrupt-*") if one.suffix.endswith("Z")]
            if aside:
                is_done = await log.wait_for(SALVAGED, 3)
                lab.expect(that=is_done, otherwise="what can be read of it was not taken in to the end")
    if not aside:
        return "not noticed"
    lab.expect(that=len(aside[0].read_bytes()) >= len(broken) - SECTOR, otherwise="not set aside whole")
    lab.expect_clean(path)
    return "set aside"


class _Log(logging.Handler):
    """What the product logs meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._logger = logging.getLogger("cpusensor")

    def emit(self, record: logging.LogRecord) -> None:
        self.text += record.getMessage() + "\n"

    async def wait_for(self, words: str, timeout_s: float) -> bool:
        """Until it was said, or time is up; whether it was."""
        deadline = time.monotonic() + timeout_s
        while words not in self.text and time.monotonic() < deadline:  # noqa: ASYNC110 - it is told in the log alone
            await asyncio.sleep(0.005)
        return words in self.text

    def __enter__(self) -> None:
        self._logger.addHandler(self)
        self._logger.propagate = False

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)


@fault(
    "F7",
    expected=SERVED,
    quick=0,
    full=20,
)
def the_service_is_started_on_a_broken_database(lab: Lab) -> str:
    """The service, as a process, is started on a database with eight garbage sectors after a crash."""
    original = lab.folder() / "a.db"
    asyncio.run(_fill(original))
    counts = Counter[str]()
    for _ in range(lab.repetitions):
        folder = lab.folder()
        content = original.read_bytes()
        for _ in range(8):
            content = _wipe_sector(lab, content)
        (folder / "cpusensor.db").write_bytes(content)
        shutil.copy(original.with_name("a.db.lock"), folder / "cpusensor.db.lock")
        counts[_serve_broken(lab, folder)] += 1
    return ", ".join(f"{what} {count}" for what, count in counts.most_common())


def _serve_broken(lab: Lab, folder: Path) -> str:
    service = Service(folder)
    try:
        service.start()
    except RuntimeError:
        log = service.log.read_text()
        lab.expect(that="Traceback" not in log, otherwise=f"did not start: {log.splitlines()[-1:]}")
        return "did not start"
    with_health = ""
    try:
        listener = Listener(service)
        wait_until(lambda: len(listener.ids) > 2, "nothing on the stream")
        for query in ("range=1h", f"from={START}&to={LATER}"):
            wait_until(lambda asked=query: ask(service, f"api/history?{asked}")[0] == OK, "no history", HEALED_S)  # type: ignore[misc]
        with_health = state(service)
    finally:
        status = service.terminate()
    lab.expect(that=status == 0, otherwise=f"ended with {status}")
    log = service.log.read_text()
    lab.expect(that="Traceback" not in log, otherwise=f"a traceback is in the log: {log.splitlines()[-1:]}")
    return "not noticed" if with_health == "recording" else "told on /healthz"
