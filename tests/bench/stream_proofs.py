"""What cpusensor's stream withstands: restarts, readers that do not read or vanish, and its own end."""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from json import load as load_json
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from tests.bench.sse_client import Load
from tests.bench.stream_servers import LIMITS, SERVER_CPU, Running, free_port, on_cpu, process
from tests.service import ROOT, Service

RETURNING, RESTART_AFTER_S, RETURN_S = 500, 3.0, 8.0
READERS, STALLED, STALL_S = 20, 20, 12
FRAME_BYTES, FRAME_S = 4096, 0.2
PACE_KBS = FRAME_BYTES / FRAME_S / 1000
"""At this pace a stalled reader is cut after some four seconds, and most are stalled at any moment."""
GROWTH_MIB, DISTURBANCE_MS = 2, 10
VANISH_S = 30
ENDING, ENDING_STALLED, END_S, ENDINGS = 100, 5, 0.5, 3
HUGE_BYTES, HUGE_S = 1 << 18, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One thing that was done to it."""

    name: str
    found: str
    goal: str
    is_met: bool | None
    """None if it could not be done here; `found` says why."""


def restarts() -> Proof:
    """Readers that come back by themselves, through an end of each kind; the history says what they had to get."""
    with TemporaryDirectory() as folder:
        service = Service(Path(folder), *LIMITS)
        with on_cpu(SERVER_CPU):
            service.start()
        readers = Load(f"{service.url}events", RETURNING, comes_back=True)
        readers.connect()
        for end in (service.kill, service.terminate):
            readers.run(RESTART_AFTER_S)
            end()
            readers.run(1.0)
            with on_cpu(SERVER_CPU):
                service.start()
            readers.run(RETURN_S)
        outcome = readers.outcome(0, time.time(), readers.deliveries)
        unseen = len(recorded(service, readers.ids) - set(readers.ids))
        readers.close()
        service.kill()
    lost = outcome.lost + unseen * RETURNING
    return Proof(
        name=f"{RETURNING} readers through a SIGKILL and a SIGTERM, started again after each",
        found=f"{readers.ended:,} streams broken; {lost} lost, {outcome.repeated} repeated, {outcome.behind} not back",
        goal="0, 0, 0",
        is_met=not (lost or outcome.repeated or outcome.behind) and readers.ended >= 2 * RETURNING,
    )


def recorded(service: Service, ids: Sequence[str]) -> set[str]:
    """Every sample that the history holds between the first of these and the last."""
    first, last = int(ids[0]), int(ids[-1])
    with urlopen(f"{service.url}api/history?from={first - 1}&to={last}&step=1") as answer:
        body = load_json(answer)
    return {str(body["start"] + number) for number, cpu in enumerate(body["cpu"]) if cpu is not None}


@contextmanager
def flooded(size: int, seconds: float) -> Iterator[Running]:
    """Cpusensor that sends events of this size at this pace besides its samples."""
    with TemporaryDirectory() as folder:
        port = free_port()
        flags = ["--port", str(port), "--db", f"{folder}/cpusensor.db", "--interval", "1"]
        flood = [sys.executable, "-m", "tests.bench.stream_peers.flood", str(size), str(seconds), *flags]
        with process(Path(folder), port, *flood) as running:
            yield running


def stalled_readers() -> Proof:
    """Readers that never read beside others that do, and come back as often as they are cut."""
    with flooded(FRAME_BYTES, FRAME_S) as running:
        load = Load(running.url, READERS, comes_back=True)
        load.connect()
        load.run(2)
        alone_ms, before_kib = p99_of(load, STALL_S), running.memory_kib()
        load.stall(STALLED)
        most_kib, since, deliveries = before_kib, time.time(), load.deliveries
        for _ in range(STALL_S):
            load.run(1)
            most_kib = max(most_kib, running.memory_kib())
        outcome = load.outcome(since, time.time(), load.deliveries - deliveries)
        load.close()
    beside_ms = outcome.since_due.p99 if outcome.since_due else float("inf")
    growth_mib = (most_kib - before_kib) / 1024
    others_cut = load.ended - load.stalled_ended
    return Proof(
        name=f"{STALLED} readers that never read beside {READERS} that do, {PACE_KBS:.0f} KB/s to each",
        found=f"cut {load.stalled_ended} times; memory +{growth_mib:.1f} MiB; the others: p99 {beside_ms:.1f} ms,"
        f" without them {alone_ms:.1f}, {others_cut} cut, {outcome.lost} lost",
        goal=f"all cut; ≤ {GROWTH_MIB} MiB; at most {DISTURBANCE_MS} ms more, 0, 0",
        is_met=load.stalled_ended >= STALLED
        and growth_mib <= GROWTH_MIB
        and beside_ms <= alone_ms + DISTURBANCE_MS
        and not (others_cut or outcome.lost),
    )


def p99_of(load: Load, seconds: float) -> float:
    """Of the delays in so many seconds from now, in milliseconds."""
    since, deliveries = time.time(), load.deliveries
    load.run(seconds)
    outcome = load.outcome(since, time.time(), load.deliveries - deliveries)
    return outcome.since_due.p99 if outcome.since_due else float("inf")


def vanished_reader() -> Proof:
    """A reader whose packets are dropped."""
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    lacking = [tool for tool in ("unshare", "ip", "iptables") if shutil.which(tool) is None]
    with TemporaryDirectory() as folder:
        alone = ["unshare", "--net", *as_root, sys.executable, "-m", "tests.bench.stream_peers.vanish", folder]
        answer = None if lacking else subprocess.run(alone, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer is None or answer.returncode:
        why = f"no {', '.join(lacking)}" if answer is None else (answer.stderr.strip().splitlines() or ["?"])[-1]
        found, is_met = f"not measured: {why}", None
    else:
        found, is_met = f"gone after {answer.stdout.strip()} s", float(answer.stdout) <= VANISH_S
    return Proof(name="a reader whose packets no longer arrive", found=found, goal=f"≤ {VANISH_S} s", is_met=is_met)


def ends() -> Proof:
    """SIGTERM while streams are open and some hold what their readers did not take, several times."""
    took = [end_once() for _ in range(ENDINGS)]
    return Proof(
        name=f"SIGTERM with {ENDING} open streams, {ENDING_STALLED} of them stalled and with unsent bytes",
        found=f"ended after {', '.join(f'{seconds:.2f}' for seconds in took)} s",
        goal=f"< {END_S} s",
        is_met=max(took) < END_S,
    )


def end_once() -> float:
    """Seconds from SIGTERM to the end of the process, just after an event that no kernel buffer holds."""
    with flooded(HUGE_BYTES, HUGE_S) as running:
        load = Load(running.url, ENDING - ENDING_STALLED)
        load.connect()
        load.stall(ENDING_STALLED)
        load.run(0.5)
        seen = len(load.ids)
        load.wait_until(lambda: any(one.startswith("flood") for one in load.ids[seen:]), 5)
        load.run(0.1)
        ended = os.pidfd_open(running.pid)
        began = time.monotonic()
        os.kill(running.pid, signal.SIGTERM)
        load.wait_until(lambda: bool(select.select([ended], [], [], 0)[0]), 10)
        seconds = time.monotonic() - began
        os.close(ended)
        load.close()
    return seconds


PROOFS: Sequence[Callable[[], Proof]] = (restarts, stalled_readers, vanished_reader, ends)
