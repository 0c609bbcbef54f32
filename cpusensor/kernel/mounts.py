"""What is mounted over the files in /proc that are read, and whether a container's figures stand there."""

import os
import select
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

MOUNTS = "proc/self/mountinfo"

_PID_NAMESPACE = "proc/self/ns/pid"
_KERNEL_RELEASE = "proc/sys/kernel/osrelease"
# Written by Docker, Podman and systemd.
_MARKERS = (".dockerenv", "run/.containerenv", "run/systemd/container")

_FIRST_PID_NAMESPACE = "pid:[4026531836]"
"""That of the machine itself, the same on every machine (linux/nsfs.h: PID_NS_INIT_INO)."""


class Scope(StrEnum):
    """Whose the counters are."""

    MACHINE = "machine"
    HOST = "host"
    """The counters of the whole machine, as one of its containers reads them."""
    CONTAINER = "container"


class Mounts:
    """The mounts below /proc, read again only when the kernel says that they have changed."""

    def __init__(self, root: Path = Path("/"), files: frozenset[str] = frozenset()) -> None:
        """Of these files it is told whether any is covered. On a system without the list of mounts, none is."""
        self._files = files
        self.covered: frozenset[str] = frozenset()
        """The files below /proc, by their paths there, over which something is mounted now."""
        self.of_a_container: frozenset[str] = frozenset()
        """Those of them that lxcfs makes up, which then tell of the container alone."""
        self.is_any_covered = False
        """Whether something is mounted over one of the files in question."""
        self.changes = 0
        """How often the mounts were found changed."""
        self._poll = select.poll()
        try:
            self._number: int | None = os.open(root / MOUNTS, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._number = None
            return
        # A change is told as an exceptional condition (proc_pid_mounts(5)), and asking takes a microsecond.
        self._poll.register(self._number, select.POLLPRI | select.POLLERR)
        self._read(self._number)

    def refresh(self) -> None:
        """Look whether anything was mounted or unmounted."""
        if self._number is not None and self._poll.poll(0):
            self.changes += 1
            self._read(self._number)

    def _read(self, number: int) -> None:
        os.lseek(number, 0, os.SEEK_SET)
        content = b""
        while chunk := os.read(number, 65_536):
            content += chunk
        mounts = list(_below_proc(content.decode("utf-8", "replace").splitlines()))
        self.covered = frozenset(path for path, _ in mounts)
        self.of_a_container = frozenset(path for path, kind in mounts if kind == "fuse.lxcfs")
        self.is_any_covered = bool(self.covered & self._files)


def _below_proc(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Path below /proc and type of the file system of each mount there, from lines of mountinfo.

    Such as `36 35 98:0 /stat /proc/stat ro,noatime master:1 - fuse.lxcfs lxcfs rw`.
    """
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) > 4 and fields[4].startswith("/proc/") and after:  # noqa: PLR2004 - the mount point is the fifth
            yield fields[4].removeprefix("/proc/"), after.split(" ")[0]


def is_in_container(root: Path = Path("/")) -> bool:
    """Whether this process runs in a container, that is, cannot see its host's processes (pid_namespaces(7)).

    Files such as /.dockerenv alone do not show that: a virtual machine made of an image has them too. Nor does a
    namespace alone in WSL, which gives one to each distribution.
    """
    try:
        is_contained = str((root / _PID_NAMESPACE).readlink()) != _FIRST_PID_NAMESPACE
        is_wsl = "microsoft" in (root / _KERNEL_RELEASE).read_text(errors="replace").lower()
    except OSError:
        return False
    return is_contained and (not is_wsl or any((root / marker).exists() for marker in _MARKERS))
