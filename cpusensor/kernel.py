"""Reads the kernel's CPU counters. The only module that imports psutil."""

import errno
import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psutil

from cpusensor.records import Cost, Counters, CpuTimes, Moment

TICKS_PER_SECOND = 100
"""psutil divides by the system's clock tick; the counters themselves step in 1/100 s (USER_HZ)."""

MAX_SECONDS = 1e11
"""Of one CPU since boot: three thousand years."""

_PRESSURE = Path("/proc/pressure/cpu")
_PRESSURE_BYTES = 200
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ONLINE = Path("/sys/devices/system/cpu/online")
_PID_NAMESPACE = "proc/self/ns/pid"
_MOUNTS = "proc/self/mounts"

_FIRST_PID_NAMESPACE = "pid:[4026531836]"
"""That of the machine itself, the same on every machine (linux/nsfs.h: PID_NS_INIT_INO)."""


_USED_UP = frozenset({errno.EMFILE, errno.ENFILE})


class UnreadableError(Exception):
    """The counters could not be read; its text says what the system answered."""


class Kernel(Protocol):
    """What the service knows of the kernel; a test gives one that it moves itself."""

    def boot_id(self) -> str:
        """A name for the present boot, different at each."""

    def read(self) -> Counters:
        """The counters now. Raises UnreadableError."""

    def cost(self, now: Moment) -> Cost:
        """What this process has used."""

    def is_in_container(self) -> bool:
        """Whether this runs in a container, while the counters are those of the whole host."""


class SystemKernel:
    """The counters of the machine that this runs on."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._spare: int | None = os.open(os.devnull, os.O_RDONLY)
        self._pressure = _open_pressure()

    def boot_id(self) -> str:
        """The kernel's boot id (random(4)); the time of the boot where there is none."""
        try:
            return _BOOT_ID.read_text().strip()
        except OSError:
            return f"booted-{int(psutil.boot_time())}"

    def read(self) -> Counters:
        """The counters of every CPU that is online, the load average and the pressure, read at once.

        psutil opens what it reads anew each time. A descriptor is kept in reserve for it, or connections that use up
        all that the process may have would blind it.
        """
        try:
            return self._read()
        except UnreadableError as error:
            if self._spare is None or getattr(error.__cause__, "errno", None) not in _USED_UP:
                raise
        os.close(self._spare)
        try:
            return self._read()
        finally:
            self._spare = _open_spare()

    def cost(self, now: Moment) -> Cost:
        """From getrusage(2), /proc/self/statm and /proc/self/io."""
        used, memory, written = resource.getrusage(resource.RUSAGE_SELF), None, None
        with suppress(AttributeError, OSError, psutil.Error):
            process = psutil.Process()
            memory = process.memory_info().rss
            written = process.io_counters().write_bytes
        return Cost(moment=now, cpu_s=used.ru_utime + used.ru_stime, memory=memory, written=written)

    def is_in_container(self) -> bool:
        """Whether processes of the host are hidden from here, and its counters are not."""
        return sees_host_from_container()

    def _read(self) -> Counters:
        try:
            times = [_cpu_times(one) for one in psutil.cpu_times(percpu=True)]
            load = psutil.getloadavg()[0]
        except (OSError, ValueError, IndexError, TypeError, psutil.Error) as error:
            raise UnreadableError(f"{type(error).__name__}: {error}") from error
        if not times:
            raise UnreadableError("the system lists no CPU")
        cpus = dict(zip(self._cpu_numbers(len(times)), times, strict=True))
        return Counters(cpus=cpus, load=load, pressure_us=_read_pressure(self._pressure))

    def _cpu_numbers(self, count: int) -> list[int]:
        """Which CPUs the list is of: psutil gives no numbers, so they are asked for anew when their count changes."""
        if len(self._numbers) != count:
            online = _read_online()
            self._numbers = online if len(online) == count else list(range(count))
        return self._numbers


def sees_host_from_container(root: Path = Path("/")) -> bool:
    """Whether this is a process of a container (pid_namespaces(7)) in which /proc/stat tells of the whole host.

    Files such as /.dockerenv do not show that: a virtual machine made of an image has them too. Where lxcfs is mounted
    over /proc/stat, that tells of the container alone.
    """
    try:
        is_contained = str((root / _PID_NAMESPACE).readlink()) != _FIRST_PID_NAMESPACE
        return is_contained and "lxcfs /proc/stat " not in (root / _MOUNTS).read_text()
    except OSError:
        return False


def _open_spare() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None


def _cpu_times(times: Any) -> CpuTimes:  # noqa: ANN401 - the fields of psutil's tuple differ from system to system
    user = times.user + getattr(times, "nice", 0.0)
    irq = getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)
    return CpuTimes(
        user=_ticks(user),
        system=_ticks(times.system),
        irq=_ticks(irq),
        idle=_ticks(times.idle),
        iowait=_ticks(times.iowait) if hasattr(times, "iowait") else None,
        steal=_ticks(times.steal) if hasattr(times, "steal") else None,
    )


def _ticks(seconds: float) -> int:
    """Raises ValueError for what no machine has counted."""
    if not 0 <= seconds < MAX_SECONDS:
        raise ValueError(f"{seconds:g} s of CPU time make no sense")
    return round(seconds * TICKS_PER_SECOND)


def _open_pressure() -> int | None:
    """Kept open: to read it again takes a third of what opening it anew does."""
    try:
        return os.open(_PRESSURE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _read_pressure(number: int | None) -> int | None:
    """The "some" line's total, e.g. `some avg10=0.00 avg60=0.00 avg300=0.00 total=1999848` (accounting/psi.rst)."""
    if number is None:
        return None
    try:
        waited_us = int(os.pread(number, _PRESSURE_BYTES, 0).split(b"\n", maxsplit=1)[0].rpartition(b"total=")[2])
    except (OSError, ValueError):
        return None
    return waited_us if 0 <= waited_us < MAX_SECONDS * 1e6 else None


def _read_online() -> list[int]:
    """The numbers in a list such as `0-3,8-11`; empty where the system has none."""
    try:
        ranges = [part.partition("-") for part in _ONLINE.read_text().strip().split(",")]
        return [cpu for first, _, last in ranges for cpu in range(int(first), int(last or first) + 1)]
    except (OSError, ValueError):
        return []
