"""Reads the kernel's CPU counters. The only module that imports psutil."""

import errno
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psutil

from cpusensor.model.figures import TICKS_PER_SECOND
from cpusensor.model.records import Cost, Counters, CpuTimes, Moment

IS_COUNTED_IN_PROC = sys.platform == "linux" and os.sysconf("SC_CLK_TCK") == TICKS_PER_SECOND

MAX_SECONDS = 1e11
"""Of one CPU since boot: three thousand years."""

_PRESSURE = Path("/proc/pressure/cpu")
_PRESSURE_BYTES = 200
_STAT_BYTES = 32_768
"""Enough for 400 CPUs at once."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
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

        What is read is opened anew each time. A descriptor is kept in reserve for that, or connections that use up all
        that the process may have would blind it.
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
            cpus = read_proc_stat() if IS_COUNTED_IN_PROC else _ask_psutil()
            values = {"load_centi": round(100 * psutil.getloadavg()[0]), "pressure_us": _read_pressure(self._pressure)}
        except (OSError, ValueError, IndexError, TypeError, psutil.Error) as error:
            raise UnreadableError(f"{type(error).__name__}: {error}") from error
        if not cpus:
            raise UnreadableError("the system lists no CPU")
        return Counters(cpus=cpus, values=values)


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


def read_proc_stat() -> dict[int, CpuTimes]:
    """The counters of each CPU that is online, as the kernel writes them. Raises OSError or ValueError.

    Lines such as `cpu0 8102 12 3301 900213 411 0 55 7 0 0`: user, nice, system, idle, iowait, irq, softirq, steal, and
    guests, who are inside user and nice (proc_stat(5)). psutil would make floats of them, and take longer.
    """
    cpus = {}
    for line in _read_cpu_lines(f"{psutil.PROCFS_PATH}/stat").split(b"\n"):
        name, _, counts = line.partition(b" ")
        if name.startswith(b"cpu") and name != b"cpu":
            user, nice, system, idle, iowait, irq, softirq, steal = map(_checked, counts.split()[:8])
            cpus[int(name[3:])] = CpuTimes(
                user=user + nice, system=system, irq=irq + softirq, idle=idle, iowait=iowait, steal=steal
            )
    return cpus


def _read_cpu_lines(path: str) -> bytes:
    """The file down to where its last line of a CPU has ended."""
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = chunk = os.read(number, _STAT_BYTES)
        while chunk and b"\nintr " not in content:
            chunk = os.read(number, _STAT_BYTES)
            content += chunk
    finally:
        os.close(number)
    return content.partition(b"\nintr ")[0]


def _ask_psutil() -> dict[int, CpuTimes]:
    """The counters where there is no /proc/stat."""
    return dict(enumerate(map(_cpu_times, psutil.cpu_times(percpu=True))))


def _cpu_times(times: Any) -> CpuTimes:  # noqa: ANN401 - the fields of psutil's tuple differ from system to system
    return CpuTimes(
        user=_ticks(times.user + getattr(times, "nice", 0.0)),
        system=_ticks(times.system),
        irq=_ticks(getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)),
        idle=_ticks(times.idle),
        iowait=_ticks(times.iowait) if hasattr(times, "iowait") else None,
        steal=_ticks(times.steal) if hasattr(times, "steal") else None,
    )


def _ticks(seconds: float) -> int:
    return _checked(round(seconds * TICKS_PER_SECOND))


def _checked(count: bytes | int) -> int:
    """A number of ticks. Raises ValueError for what no machine has counted."""
    ticks = int(count)
    if not 0 <= ticks < MAX_SECONDS * TICKS_PER_SECOND:
        raise ValueError(f"{ticks} ticks of CPU time make no sense")
    return ticks


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
