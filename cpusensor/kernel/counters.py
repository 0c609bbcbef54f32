"""Reads the kernel's CPU counters, the load and the pressure. The only module that imports psutil."""

import errno
import os
import resource
import sys
from contextlib import suppress
from typing import Any, Protocol

import psutil

from cpusensor.kernel.mounts import Mounts, Scope, is_in_container
from cpusensor.kernel.zone import machine_zone
from cpusensor.model.figures import TICKS_PER_SECOND
from cpusensor.model.records import Cost, Counters, CpuTimes, Machine, Moment

# Where the kernel's tick has another length, psutil converts it; its answer is in seconds.
IS_COUNTED_IN_PROC = sys.platform == "linux" and os.sysconf("SC_CLK_TCK") == TICKS_PER_SECOND

MAX_SECONDS = 1e11
"""The most that one CPU can have counted since boot, in seconds: three thousand years."""

MAX_TICKS = MAX_SECONDS * TICKS_PER_SECOND

BOOT_ID = "/proc/sys/kernel/random/boot_id"

STAT, LOAD, PRESSURE = "stat", "loadavg", "pressure/cpu"
"""The files that are read at each tick, below /proc."""

_STAT_BYTES = 32_768
"""Enough for 400 CPUs at once."""

_SMALL_BYTES = 200
"""Enough for the first line of the other files, the only one that is used."""

_KINDS_AT_LEAST = 4
"""Every kernel counts user, nice, system and idle; iowait, the interrupts and steal came later (proc_stat(5))."""

# The descriptors of the process (EMFILE) or of the machine (ENFILE) are used up.
_USED_UP = frozenset({errno.EMFILE, errno.ENFILE})


class UnreadableError(Exception):
    """The counters could not be read; its text says what the system answered."""


class Kernel(Protocol):
    """The kernel as the service reads it; a test gives a kernel whose counters it moves itself."""

    def boot_id(self) -> str:
        """A name for the present boot, different at each."""

    def read(self) -> Counters:
        """The counters now. Raises UnreadableError."""

    def may_hang(self) -> bool:
        """Whether a reading goes to a file system other than the kernel's own, which may never answer."""

    def cost(self, now: Moment) -> Cost:
        """What this process has used since it began; `now` is only noted in it."""

    def machine(self, now: Moment) -> Machine:
        """CPUs, boot and zone."""

    def scope(self) -> Scope:
        """Whether the counters are the machine's, a host's or a container's."""


class SystemKernel:
    """The counters of the machine that this runs on."""

    def __init__(self) -> None:
        self._spare: int | None = os.open(os.devnull, os.O_RDONLY)
        self._mounts = Mounts(files=frozenset({STAT, LOAD, PRESSURE}))
        self._is_in_container = is_in_container()
        self._opened_at = -1
        self._load: int | None = None
        self._pressure: int | None = None

    def boot_id(self) -> str:
        """The kernel's boot id (random(4)); the time of the boot where there is none."""
        try:
            return _read_small(BOOT_ID).decode().strip()
        except (OSError, ValueError):
            return f"booted-{int(psutil.boot_time())}"

    def read(self) -> Counters:
        """The counters of every CPU that is online, the load average and the pressure, read at once.

        The files are opened at each reading. One descriptor is reserved for that, because connections may use up all
        others that the process may open. Raises UnreadableError.
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

    def may_hang(self) -> bool:
        """Whether something is mounted over a file that is read: then it is not the kernel who answers."""
        self._mounts.refresh()
        return self._mounts.is_any_covered

    def cost(self, now: Moment) -> Cost:
        """From getrusage(2), /proc/self/statm and /proc/self/io."""
        used, memory, written = resource.getrusage(resource.RUSAGE_SELF), None, None
        # Memory first: io_counters is missing on macOS, and in containers that forbid /proc/self/io.
        with suppress(AttributeError, OSError, psutil.Error):
            process = psutil.Process()
            memory = process.memory_info().rss
            written = process.io_counters().write_bytes
        return Cost(moment=now, cpu_s=used.ru_utime + used.ru_stime, memory=memory, written=written)

    def machine(self, now: Moment) -> Machine:
        """By the system's own count of CPUs, the boot-time clock and the settings of the zone."""
        return Machine(cpus=os.cpu_count(), boot_time=round(now.wall - now.boottime), zone=machine_zone())

    def scope(self) -> Scope:
        """A container's own where lxcfs stands in for /proc/stat; else the machine's, which a container is told."""
        if STAT in self._mounts.of_a_container:
            return Scope.CONTAINER
        return Scope.HOST if self._is_in_container else Scope.MACHINE

    def _read(self) -> Counters:
        try:
            cpus, left_out = read_proc_stat() if IS_COUNTED_IN_PROC else (_ask_psutil(), ())
        # What a file made up by a sandbox may cause: missing lines, missing fields, words for numbers.
        except (OSError, ValueError, IndexError, TypeError, psutil.Error) as error:
            raise UnreadableError(f"{type(error).__name__}: {error}") from error
        if not cpus:
            raise UnreadableError("no CPU is listed whose counters make sense" if left_out else "no CPU is listed")
        return Counters(cpus=cpus, values=self._read_values(), left_out=left_out)

    def _read_values(self) -> dict[str, int | None]:
        """By the names of the figures; None where one is the host's and the CPUs are a container's, or inversely."""
        if self._opened_at != self._mounts.changes:
            self._reopen()
        return {
            "load_centi": _read_load(self._load),
            "pressure_us": _read_pressure(self._pressure),
        }

    def _reopen(self) -> None:
        """Kept open, a file is read again in a third of the time; but what was mounted since is behind another door."""
        self._opened_at, whose = self._mounts.changes, self._mounts.of_a_container
        for number in filter(None, (self._load, self._pressure)):
            os.close(number)
        is_alike = {file: (file in whose) == (STAT in whose) for file in (LOAD, PRESSURE)}
        self._load = _open_kept(LOAD) if is_alike[LOAD] else None
        self._pressure = _open_kept(PRESSURE) if is_alike[PRESSURE] else None


def _open_spare() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None


def read_proc_stat() -> tuple[dict[int, CpuTimes], tuple[int, ...]]:
    """The counters of each CPU that is online, and the numbers of those that no machine can have counted.

    Lines such as `cpu0 8102 12 3301 900213 411 0 55 7 0 0`: user, nice, system, idle, iowait, irq, softirq, steal, and
    guests, who are inside user and nice (proc_stat(5)). psutil would make floats of them, and take longer. Raises
    OSError or ValueError.
    """
    cpus, left_out = {}, []
    for line in _read_cpu_lines(f"{psutil.PROCFS_PATH}/{STAT}").split(b"\n"):
        name, _, counts = line.partition(b" ")
        if name.startswith(b"cpu") and name != b"cpu":
            number, ticks = int(name[3:]), [*map(int, counts.split()[:8])]
            if len(ticks) < _KINDS_AT_LEAST:
                raise ValueError(f"CPU {number} has {len(ticks)} counters, fewer than any kernel's")
            if min(ticks) >= 0 and max(ticks) < MAX_TICKS:
                cpus[number] = _times(*ticks)
            else:
                left_out.append(number)
    return cpus, tuple(left_out)


def _times(  # noqa: PLR0913, PLR0917 - the columns in their order, of which old kernels and sandboxes have only the first
    user: int,
    nice: int,
    system: int,
    idle: int,
    iowait: int | None = None,
    irq: int | None = None,
    softirq: int | None = None,
    steal: int | None = None,
) -> CpuTimes:
    return CpuTimes(
        user=user + nice,
        system=system,
        irq=None if irq is None else irq + (softirq or 0),
        idle=idle,
        iowait=iowait,
        steal=steal,
    )


def _read_cpu_lines(path: str) -> bytes:
    """The content of the file up to its last line of a CPU."""
    number = _open(path)
    try:
        content = chunk = os.read(number, _STAT_BYTES)
        # The interrupts follow the CPUs, in a line that may be longer than those of all CPUs, and are not needed.
        while chunk and b"\nintr " not in content:
            chunk = os.read(number, _STAT_BYTES)
            content += chunk
    finally:
        os.close(number)
    return content.partition(b"\nintr ")[0]


def _open(path: str) -> int:
    """A descriptor of the file. Without blocking: a pipe mounted over the file answers at once that it is empty."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)


def _read_small(path: str) -> bytes:
    number = _open(path)
    try:
        return os.read(number, _SMALL_BYTES)
    finally:
        os.close(number)


def _ask_psutil() -> dict[int, CpuTimes]:
    """The counters of each CPU by its number, where /proc/stat is missing or counts in other ticks."""
    return dict(enumerate(map(_cpu_times, psutil.cpu_times(percpu=True))))


def _cpu_times(times: Any) -> CpuTimes:  # noqa: ANN401 - the fields of psutil's tuple differ from system to system
    # macOS reports none, and Windows has names of its own for them.
    interrupts = [getattr(times, name) for name in ("irq", "softirq", "interrupt", "dpc") if hasattr(times, name)]
    return CpuTimes(
        user=_ticks(times.user + getattr(times, "nice", 0.0)),
        system=_ticks(times.system),
        irq=_ticks(sum(interrupts)) if interrupts else None,
        idle=_ticks(times.idle),
        iowait=_ticks(times.iowait) if hasattr(times, "iowait") else None,
        steal=_ticks(times.steal) if hasattr(times, "steal") else None,
    )


def _ticks(seconds: float) -> int:
    """Seconds as ticks. Raises ValueError for more, or less, than a machine can have counted."""
    ticks = round(seconds * TICKS_PER_SECOND)
    if not 0 <= ticks < MAX_TICKS:
        raise ValueError(f"{ticks} ticks of CPU time make no sense")
    return ticks


def _open_kept(file: str) -> int | None:
    try:
        return _open(f"{psutil.PROCFS_PATH}/{file}")
    except OSError:
        return None


def _read_load(number: int | None) -> int | None:
    """The first field, e.g. `0.42 0.31 0.20 1/213 4711` (proc_loadavg(5)), in hundredths.

    From the file, as all that is read: getloadavg(3) asks sysinfo(2), which knows nothing of a container.
    """
    try:
        if number is not None:
            return round(100 * float(os.pread(number, _SMALL_BYTES, 0).partition(b" ")[0]))
        return None if IS_COUNTED_IN_PROC else round(100 * psutil.getloadavg()[0])
    except (OSError, ValueError, OverflowError):
        return None


def _read_pressure(number: int | None) -> int | None:
    """The "some" line's total in whole milliseconds, e.g. `some avg10=0.00 avg60=0.00 avg300=0.00 total=1999848`.

    (accounting/psi.rst)
    """
    if number is None:
        return None
    try:
        line = os.pread(number, _SMALL_BYTES, 0).partition(b"\n")[0]
        waited_us = int(line.rpartition(b"total=")[2])
    except (OSError, ValueError):
        return None
    # Of a tick a tenth: what is finer is noise, which would be a sixth of all that is stored of a busy machine.
    return waited_us // 1000 * 1000 if 0 <= waited_us < MAX_SECONDS * 1e6 else None
