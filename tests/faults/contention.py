"""Faults that others on the machine cause: locks, taken ports, no descriptors, no CPU."""

import asyncio
import os
import resource
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tests.faults.disks import TAKES_NONE
from tests.faults.harness import Lab, fault
from tests.faults.victim import (
    DOOR,
    Listener,
    Pulse,
    expect_nothing_missing,
    expect_refused,
    start_refused,
    state,
    victim,
)
from tests.service import ROOT, TIMEOUT_S, Service
from tests.waiting import wait_for_samples, wait_until

LOCKED_S = 60
DESCRIPTORS = 64
HOGS = 16
STARVED_S = 300
FACTOR = 1.5
"""By how much the service may be later than a process that does nothing but sleep."""


@fault("F10", expected="the loop stays free (healthz median < 50 ms), no sample missing", quick=0, full=2, alone=True)
def the_database_is_locked_by_another_process(lab: Lab) -> str:
    """Another process holds the database locked (BEGIN EXCLUSIVE) for 60 s."""
    figure = ""
    with victim(lab, lab.folder()) as service:
        for _ in range(lab.repetitions):
            wait_for_samples(service, 2)
            listener, pulse = Listener(service), Pulse(service)
            with closing(sqlite3.connect(service.database, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                time.sleep(LOCKED_S)
                lab.expect(that=state(service).startswith(TAKES_NONE), otherwise=f"healthz says {state(service)!r}")
                other.execute("ROLLBACK")
            wait_until(lambda: state(service) == "recording", "healthz does not say recording again")
            samples = expect_nothing_missing(lab, service)
            skipped = listener.skipped()
            lab.expect(that=skipped == 0, otherwise=f"the stream skipped {skipped}")
            figure = f"0 of {samples} samples missing, stream skipped {skipped}; {pulse.figure()}"
            lab.expect(that=pulse.median_ms < 50, otherwise=f"healthz took {pulse.median_ms:.0f} ms in the median")
    return figure


@fault("F13", expected="one line, status 1; the first goes on", quick=0, full=5)
def a_second_one_is_started_on_the_same_database(lab: Lab) -> str:
    """A second cpusensor is started on the same database, and one on the same port."""
    took = 0.0
    with victim(lab, lab.folder()) as service:
        for _ in range(lab.repetitions):
            other = str(lab.folder() / "b.db")
            expect_refused(lab, start_refused("--db", str(service.database)), 1, "is in use by another cpusensor")
            began = time.monotonic()
            refused = start_refused("--db", other, "--port", str(service.port))
            took = time.monotonic() - began
            expect_refused(lab, refused, 1, "cannot listen there")
            lab.expect(that=not Path(other).exists(), otherwise="the second made a database")
        wait_for_samples(service, 2)
        expect_nothing_missing(lab, service)
    return f"refused in {took:.1f} s"


@fault("F23", expected="no sample missing, a few log lines, serving again at once", quick=1, full=3)
def there_are_no_descriptors_left(lab: Lab) -> str:
    """64 descriptors (RLIMIT_NOFILE) and 150 connections that hold them all for 15 s."""
    bytes_grown = lines_grown = 0
    with victim(lab, lab.folder()) as service:
        for _ in range(lab.repetitions):
            wait_for_samples(service, 2)
            before = service.log.read_text()
            limits = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, limits[1]))
            with _connections(service, 150):
                wait_until(lambda told=before: service.log.read_text() != told, "nothing is logged")  # type: ignore[misc]
                time.sleep(0 if lab.is_quick else 15)
            resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, limits)
            wait_for_samples(service, 2)
            grown = service.log.read_text()[len(before) :]
            bytes_grown, lines_grown = len(grown), grown.count("\n")
            lab.expect(that=lines_grown < 20, otherwise=f"{lines_grown} log lines")
        samples = expect_nothing_missing(lab, service)
    return f"{samples} samples; log +{bytes_grown:,} B, {lines_grown:,} lines"


@contextmanager
def _connections(service: Service, count: int) -> Iterator[None]:
    """So many open connections, every other with half a request."""
    with ExitStack() as stack:
        for number in range(count):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), TIMEOUT_S))
            if number % 2:
                one.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        yield


@fault("F24", expected="p99 and max ≤ 1.5 × those of the bare sleeper, no sample missing", quick=0, full=1, alone=True)
def sixteen_others_want_the_cpu(lab: Lab) -> str:
    """16 processes that only compute, for 300 s, beside a process that only sleeps on the same grid."""
    folder = lab.folder()
    notes, bare = folder / "lateness", folder / "bare"
    with ExitStack() as stack:
        for _ in range(HOGS):
            hog = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(hog.wait)
            stack.callback(hog.kill)
        with victim(lab, folder, command=DOOR, FAULT_LATENESS=str(notes)) as service:
            wait_for_samples(service, 3)
            command = [sys.executable, "-m", "tests.faults.contention", str(STARVED_S), str(bare)]
            subprocess.run(command, cwd=ROOT, timeout=STARVED_S + 60, check=True)
            expect_nothing_missing(lab, service)
    ours, theirs = (_percentiles(path) for path in (notes, bare))
    for what, our, their in zip(("p99", "max"), ours[1:], theirs[1:], strict=True):
        lab.expect(that=our <= FACTOR * their, otherwise=f"{what} is {our / their:.2f} × that of the bare sleeper")
    shown = " / ".join(f"{figure:.1f}" for figure in ours), " / ".join(f"{figure:.1f}" for figure in theirs)
    return f"p50 / p99 / max {shown[0]} ms; bare sleeper {shown[1]} ms"


def _percentiles(path: Path) -> Sequence[float]:
    late = sorted(float(line) for line in path.read_text().split())
    return late[len(late) // 2], late[int(len(late) * 0.99)], late[-1]


async def sleep_on_the_grid(seconds: int, notes: Path) -> None:
    """The yardstick: wake at every full second and note how late that was, and nothing else."""
    late_ms = []
    due = time.monotonic() + 1 - time.time() % 1
    for _ in range(seconds):
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late_ms.append(1000 * (time.monotonic() - due))
        due += 1
    notes.write_text("\n".join(f"{late:.3f}" for late in late_ms))


if __name__ == "__main__":
    asyncio.run(sleep_on_the_grid(int(sys.argv[1]), Path(sys.argv[2])))
    os._exit(0)
