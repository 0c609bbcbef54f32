"""A /proc/stat of the test's own: its counters follow real time, and one service alone sees it over the kernel's.

The mount is the service's own: it stands in a mount namespace that ends with the process.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.service import TIMEOUT_S, Service

COLUMNS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")

BEAT_S = 0.05
"""The counters move in beats of so many seconds, each by whole ticks, so that no instant of reading bends a figure."""

TICKS = 5
"""Of each CPU in a beat."""

NAMESPACES = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))

BIND = 'mount --bind "$0" /proc/stat && exec "$@"'


class ProcStat(threading.Thread):
    """Writes the file in place, since a mount leads to that very file; as a context it does so inside the block.

    CPU n is busy for n + 1 fifths of the time, so that each is known by its use.
    """

    def __init__(self, file: Path, *, cpus: int = 4, columns: int = len(COLUMNS)) -> None:
        """`columns` is how many counters a CPU has, as an old kernel has fewer."""
        super().__init__(daemon=True)
        self.file = file
        self._columns = columns
        self._counts = {cpu: dict.fromkeys(COLUMNS, 1_000_000.0 * (cpu + 1)) for cpu in range(cpus)}
        self._rates: dict[int, dict[str, float]] = {}
        self._pretended: dict[int, dict[str, float]] = {}
        self._online: set[int] = set()
        self._beats = _beats_now()
        self._changing = threading.RLock()
        self._ended = threading.Event()
        self.go_on()

    def go_on(self) -> None:
        """As if nothing had ever happened."""
        with self._moved():
            self._rates = {cpu: {"user": cpu + 1.0, "idle": TICKS - cpu - 1.0} for cpu in self._counts}
            self._pretended.clear()
            self._online = set(self._counts)

    def stand_still(self) -> None:
        """No counter moves any more."""
        with self._moved():
            self._rates.clear()

    def rate(self, **ticks: float) -> None:
        """From now on the named counters of every CPU rise by so many ticks in a beat; the others stand still."""
        with self._moved():
            self._rates = {cpu: dict(ticks) for cpu in self._counts}

    def leap(self, **ticks: float) -> None:
        """Counters of every CPU rise by so many ticks at once, or fall."""
        with self._moved():
            for cpu in self._counts:
                self._add(cpu, ticks)

    def pretend(self, *cpus: int, **counts: float) -> None:
        """From now on counters of these CPUs are shown as this; what they are is counted on."""
        with self._moved():
            self._pretended |= {cpu: dict(counts) for cpu in cpus}

    def plug(self, *cpus: int) -> None:
        """From now on these are the CPUs that are online."""
        with self._moved():
            self._online = set(cpus)

    def run(self) -> None:
        while not self._ended.wait(BEAT_S / 2):
            with self._moved():
                pass

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self.join()

    @contextmanager
    def _moved(self) -> Iterator[None]:
        """Count until now, change something, and write it all."""
        with self._changing:
            passed, self._beats = _beats_now() - self._beats, _beats_now()
            for cpu, rates in self._rates.items():
                self._add(cpu, {name: rate * passed for name, rate in rates.items()})
            yield
            self._write()

    def _add(self, cpu: int, ticks: Mapping[str, float]) -> None:
        for name, count in ticks.items():
            self._counts[cpu][name] += count

    def _write(self) -> None:
        shown = {cpu: self._counts[cpu] | self._pretended.get(cpu, {}) for cpu in sorted(self._online)}
        lines = [self._line(f"cpu{cpu}", counts) for cpu, counts in shown.items()]
        write_in_place(
            self.file, "\n".join([self._line("cpu", dict.fromkeys(COLUMNS, 0)), *lines, "intr 0\n"]).encode()
        )

    def _line(self, name: str, counts: Mapping[str, float]) -> str:
        # All lines stay as long as they are: who reads while it is written sees no number cut.
        return " ".join([name, *(f"{int(counts[column]):019}" for column in COLUMNS[: self._columns])])


def _beats_now() -> int:
    return int(time.monotonic() / BEAT_S)


def write_in_place(file: Path, content: bytes) -> None:
    """In one write; the file is cut only where it gets shorter."""
    number = os.open(file, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(number, content, 0)
        if os.fstat(number).st_size > len(content):
            os.truncate(number, len(content))
    finally:
        os.close(number)


@cache
def namespace() -> tuple[str, ...]:
    """What to put before a command so that it has mounts of its own; nothing where that is not allowed."""
    for prefix in NAMESPACES:
        try:
            command = [*prefix, "sh", "-c", BIND, "/proc/loadavg", "true"]
            done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
        except OSError:
            return ()
        if done.returncode == 0:
            return prefix
    return ()


def server_over(stat: Path) -> tuple[str, ...]:
    """The command of a server to which the file is /proc/stat."""
    return (*namespace(), "sh", "-c", BIND, str(stat), sys.executable, "server.py")


@contextmanager
def bound(service: Service, file: Path) -> Iterator[None]:
    """Inside the block the file, or pipe, is /proc/stat to a running service."""
    _inside(service, "mount", "--bind", str(file), "/proc/stat")
    yield
    _uncover(service)


@contextmanager
def hung(service: Service) -> Iterator[None]:
    """Inside the block a file system that never answers is /proc/stat to a running service; only for root.

    It is one of FUSE whose other end nobody serves.
    """
    number = os.open("/dev/fuse", os.O_RDWR)
    try:
        options = f"fd={number},rootmode=100444,user_id=0,group_id=0"
        _inside(service, "mount", "-i", "-t", "fuse", "-o", options, "hung", "/proc/stat", fd=number)
        yield
        _uncover(service)
    finally:
        os.close(number)


def can_hang() -> bool:
    """Whether `hung` is possible here."""
    return os.geteuid() == 0 and os.access("/dev/fuse", os.W_OK) and namespace() == NAMESPACES[0]


def _uncover(service: Service) -> None:
    """Take the mount away, unless it ended with the service."""
    if service.is_running:
        _inside(service, "umount", "--lazy", "/proc/stat")


def _inside(service: Service, *command: str, fd: int | None = None) -> None:
    """Run a command among the mounts of the service."""
    user = ["--user", "--preserve-credentials"] if "--user" in namespace() else []
    enter = ["nsenter", "--target", str(service.process.pid), *user, "--mount"]
    subprocess.run([*enter, *command], pass_fds=() if fd is None else (fd,), timeout=TIMEOUT_S, check=True)
