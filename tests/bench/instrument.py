"""How long tasks really ran: the cgroups' own CPU accounting, charged in nanoseconds at every switch of a task.

It knows no tick, and so is independent of /proc/stat. The root's `cpu.stat` of cgroup v2 is not: the kernel adds that
one up from the tick's counters (kernel/cgroup/rstat.c, root_cgroup_cputime), so there its children are read.
"""

import os
import subprocess
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeAlias

Account: TypeAlias = dict[str, int]
"""Nanoseconds that were charged so far, by who keeps the account."""


class NoInstrumentError(Exception):
    """The machine offers no independent account; the text says in one line what was looked for."""


class Instrument(Protocol):
    """An independent account of the CPU time of every task."""

    @property
    def name(self) -> str:
        """What it is, for the reader of a report."""

    def read(self) -> Account:
        """The account now."""


def spent_ns(before: Account, after: Account) -> int:
    """Nanoseconds charged between two readings; whoever is new was charged from zero, whoever is gone is forgotten."""
    return sum(now - then if (then := before.get(who, 0)) <= now else now for who, now in after.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class RootUsage:
    """cgroup v1: the root's `cpuacct.usage`, in which every task is charged."""

    root: Path

    @property
    def name(self) -> str:
        """What it is, for the reader of a report."""
        return "cgroup v1, cpuacct.usage of the root (ns, every task)"

    def read(self) -> Account:
        """The one account."""
        return {"root": int((self.root / "cpuacct.usage").read_text())}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildrenUsage:
    """cgroup v2: `usage_usec` of the groups below the root, and the run time of the threads that are in none."""

    root: Path

    @property
    def name(self) -> str:
        """What it is, for the reader of a report."""
        groups, threads = len(self._groups()), len(_threads(self.root))
        return f"cgroup v2, usage_usec of the {groups} groups below the root + run time of the {threads} other threads"

    def read(self) -> Account:
        """One account for each group, below which everything is included, and one for each thread in the root."""
        account = {group.name: _usage_ns(group) for group in self._groups()}
        for thread in _threads(self.root):
            with suppress(OSError, ValueError):
                account[f"thread {thread}"] = int(Path(f"/proc/{thread}/schedstat").read_text().split()[0])
        return account

    def _groups(self) -> list[Path]:
        return sorted(path for path in self.root.iterdir() if (path / "cpu.stat").exists())


def find_instrument(stack: ExitStack) -> Instrument:
    """The best one there is; what has to be mounted for it is unmounted by `stack`. Raises NoInstrumentError."""
    for kind, options, mount_point in _mounts():
        if kind == "cgroup" and "cpuacct" in options and _is_machine_v1(mount_point):
            return RootUsage(root=mount_point)
    for kind, _, mount_point in _mounts():
        if kind == "cgroup2" and _is_machine_v2(mount_point):
            return ChildrenUsage(root=mount_point)
    if not any(kind in {"cgroup", "cgroup2"} for kind, _, _ in _mounts()) and os.geteuid() == 0:
        if (root := _mount(stack, "cgroup", "cpuacct")) and _is_machine_v1(root):
            return RootUsage(root=root)
        if (root := _mount(stack, "cgroup2", "rw")) and _is_machine_v2(root):
            return ChildrenUsage(root=root)
    raise NoInstrumentError(
        "there is no independent instrument: no cgroup v1 cpuacct root and no cgroup v2 root of the whole machine"
        " is mounted here (in a container, run this on the host)"
    )


def _is_machine_v1(root: Path) -> bool:
    """Whether it is the root of the whole machine: only that one has a release agent (cgroup-v1/cgroups.rst)."""
    return (root / "release_agent").exists() and (root / "cpuacct.usage").exists()


def _is_machine_v2(root: Path) -> bool:
    """Whether it is the root of the whole machine, the only one without a type, and its threads' run time is known."""
    return not (root / "cgroup.type").exists() and (root / "cpu.stat").exists() and Path("/proc/1/schedstat").exists()


def _usage_ns(group: Path) -> int:
    for line in (group / "cpu.stat").read_text().splitlines():
        if line.startswith("usage_usec "):
            return 1000 * int(line.split()[1])
    return 0


def _threads(group: Path) -> list[str]:
    return (group / "cgroup.threads").read_text().split()


def _mounts() -> list[tuple[str, frozenset[str], Path]]:
    """Type, options and mount point of each file system (proc_pid_mountinfo(5)); none where there is no /proc."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return []
    halves = [line.partition(" - ") for line in lines]
    return [
        (kind, frozenset(options.split(",")), Path(mount.split()[4]))
        for mount, _, source in halves
        for kind, _, options in [source.split(" ", 2)]
    ]


def _mount(stack: ExitStack, kind: str, options: str) -> Path | None:
    directory = stack.enter_context(TemporaryDirectory())
    command = ["mount", "-t", kind, "-o", options, kind, directory]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        return None
    stack.callback(subprocess.run, ["umount", directory], check=False)
    return Path(directory)
