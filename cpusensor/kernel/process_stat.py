"""Reads /proc/<pid>/stat and /proc/<pid>/cgroup: what a process is called, when it began and where it belongs.

A process's name is all that is read of what it says about itself: never its command line, environment or paths.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from cpusensor.model.figures import TICKS_PER_SECOND
from cpusensor.model.names import kernel_thread, printable

_STAT_BYTES = 1024
"""Enough for 52 numbers and a name."""

_PID_BYTES = 20

_CGROUP_BYTES = 8192
"""A dozen hierarchies of v1, each with the path of a nested container."""

_FLAGS, _STARTED = 6, 19
"""Where they stand after the name (proc_pid_stat(5): fields 9 and 22)."""

_IS_KERNEL_THREAD = 0x00200000
"""PF_KTHREAD (linux/sched.h)."""


@dataclass(frozen=True, slots=True)
class Stat:
    """What a process is."""

    name: str
    """Sanitised."""
    started_s: float
    """In seconds on the boot-time clock."""
    is_kernel: bool
    """Whether it is a thread of the kernel."""


def pids(proc: Path) -> list[int]:
    """Of the processes that this one may see. Raises OSError, such as for want of a descriptor."""
    return [int(name) for name in os.listdir(proc) if name.isdecimal()]  # noqa: PTH208 - a path for each takes longer


def last_pid(proc: Path) -> int | None:
    """The pid that was given last (ns_last_pid, proc_sys_kernel(5)); None on a kernel that does not tell."""
    text = read_small(f"{proc}/sys/kernel/ns_last_pid", _PID_BYTES).strip()
    return int(text) if text.isdigit() else None


def read_stat(proc: Path, pid: int) -> Stat | None:
    """None for a process that is gone or hidden."""
    content = read_small(f"{proc}/{pid}/stat", _STAT_BYTES)
    # The name may hold blanks and parentheses; after its own there are only numbers.
    opening, closing = content.find(b"("), content.rfind(b")")
    fields = content[closing + 2 :].split()
    if opening < 0 or len(fields) <= _STARTED:
        return None
    is_kernel = bool(int(fields[_FLAGS]) & _IS_KERNEL_THREAD)
    name = printable(content[opening + 1 : closing])
    return Stat(kernel_thread(name) if is_kernel else name, int(fields[_STARTED]) / TICKS_PER_SECOND, is_kernel)


def read_cgroup(proc: Path, pid: int, controller: str) -> str | None:
    """The path of its control group in the hierarchy of v1 that has the controller, of v2 for an empty name.

    From lines such as `0::/system.slice/nginx.service` and `4:cpu,cpuacct:/docker/4f1c…` (cgroups(7)).
    """
    for line in read_small(f"{proc}/{pid}/cgroup", _CGROUP_BYTES).decode("utf-8", "replace").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller in controllers.split(","):
            return path
    return None


def read_small(path: str, size: int) -> bytes:
    """The beginning of a file; empty if it cannot be read."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(number, size)
    except OSError:
        return b""
    finally:
        os.close(number)
