"""Loads of a known share, made by processes of our own."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import Process
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory, gettempdir

SHORTEST_S, LONGEST_S = 0.01, 0.09
"""Between these each period is drawn anew, so that no load keeps step with the kernel's tick."""

BLOCK = 1 << 20

_KEEPS_FILES = Path("/var/tmp")  # noqa: S108 - the one that is on a disk (file-hierarchy(7)), under a name of its own


@contextmanager
def cpu_load(share: float) -> Iterator[None]:
    """Each CPU busy for this share of the time, by one process that is pinned to it."""
    with _running([Process(target=burn, args=(cpu, share)) for cpu in os.sched_getaffinity(0)] if share else []):
        yield


@contextmanager
def disk_load() -> Iterator[None]:
    """One process that writes and waits for the disk, over and over."""
    directory = str(_KEEPS_FILES) if _KEEPS_FILES.is_dir() else gettempdir()
    with TemporaryDirectory(dir=directory) as folder, _running([Process(target=write, args=(folder,))]):
        yield


@contextmanager
def handover_load() -> Iterator[None]:
    """Two threads that wake each other thousands of times a second, an event loop and its worker."""
    with _running([Process(target=hand_over)]):
        yield


@contextmanager
def _running(workers: list[Process]) -> Iterator[None]:
    for worker in workers:
        worker.daemon = True
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join()


def burn(cpu: int, share: float) -> None:
    """Work for a share of each period, sleep for the rest, until the parent is gone."""
    os.sched_setaffinity(0, {cpu})
    parent, draw = os.getppid(), SystemRandom().uniform
    while os.getppid() == parent:
        begun, period = time.perf_counter(), draw(SHORTEST_S, LONGEST_S)
        while time.perf_counter() < begun + share * period:
            pass
        time.sleep(max(0.0, begun + period - time.perf_counter()) if share < 1 else 0)


def write(folder: str) -> None:
    """Write blocks that do not compress, each followed by fsync, until the parent is gone."""
    parent, block = os.getppid(), os.urandom(BLOCK)
    while os.getppid() == parent:
        with (Path(folder) / "written").open("wb") as file:
            for _ in range(16):
                file.write(block)
                file.flush()
                os.fsync(file.fileno())


def hand_over() -> None:
    """Let an event loop give its worker nothing to do and wait for it, until the parent is gone."""
    asyncio.run(_hand_over(os.getppid()))


async def _hand_over(parent: int) -> None:
    while os.getppid() == parent:
        await asyncio.to_thread(int)
