"""Reads the CPU time of the control groups (cgroups(7)), of v2 (`cpu.stat`) or v1 (`cpuacct.usage`).

With it comes how a limit held the group back. Only where a group's account moved are those below it read, and their
descriptors are kept.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cpusensor.kernel.process_stat import read_small, read_stat
from cpusensor.model.accounts import Group, Throttling
from cpusensor.model.names import ROOT, Unit, unit_at, with_main_process

MAX_KEPT = 192
"""Descriptors that are kept open; further groups are opened at each reading, which takes four times as long."""

MAX_NAMED = 1000
"""Containers whose main process's name is remembered."""

STAT_BYTES = 512
"""Ten lines of `cpu.stat`."""

PROCS_BYTES, MAX_MEMBERS = 4096, 100
"""So much is read of the list of a group's processes to find the oldest, which stands near its beginning."""

_GONE = frozenset({errno.ENODEV, errno.ENOENT, errno.ENOTDIR})
"""What the kernel answers of a group that was removed."""

_LINKS = 2
"""What a folder without others has at least; a file system that counts none says 1."""

_NAME_AND_COUNT = 2

_OPTIONS = 2
"""Where the options of the file system stand in the second half of a line of mountinfo."""

# What a runtime calls its own process before it becomes the container's.
_RUNTIMES = ("runc", "crun", "conmon", "youki")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """Where the accounts are."""

    mount_point: Path
    controller: str
    """`cpuacct` of v1; empty for v2."""
    file: str
    """In each group's folder."""
    is_root_exact: bool
    """Whether the root's own account can be used: that of v2's real root is added up from the CPUs' counters
    (root_cgroup_cputime, kernel/cgroup/rstat.c)."""
    limits: Path | None = None
    """Where v1 has the controller `cpu`, whose `cpu.stat` tells of limits; in v2 the account's own file does."""


@dataclass(slots=True, kw_only=True)
class Node:
    """A group, as it was read last."""

    key: int
    path: str
    """From the root of the control groups."""
    unit: Unit
    parent: int | None
    descriptor: int | None = None
    record: Group | None = None
    links: int = -1
    """Of its folder: 2, and one for each group below it."""
    children: dict[str, "Node"] = field(default_factory=dict)


class MainProcesses:
    """Names containers, whose own names are random ids, by the process that each was started for."""

    def __init__(self, mount_point: Path, proc: Path) -> None:
        self._mount_point = mount_point
        self._proc = proc
        self._found: dict[str, str] = {}
        """By the path of the group."""

    def name_of(self, unit: Unit) -> str:
        """What the unit is called; of a container with the name of its main process, if that can be seen."""
        if not unit.is_container:
            return unit.name
        main = self._found.get(unit.path) or self._find(unit.path)
        return with_main_process(unit.name, main) if main else unit.name

    def forget(self, path: str) -> None:
        """The group is gone."""
        self._found.pop(path, None)

    def _find(self, path: str) -> str:
        """The name of the oldest process in a container; empty where none can be seen."""
        found = [read_stat(self._proc, pid) for pid in _pids_in(Path(f"{self._mount_point}{path}"))]
        oldest = min((stat for stat in found if stat), key=lambda stat: stat.started_s, default=None)
        if oldest is None:
            return ""
        # The container's own process is what this one becomes.
        if not oldest.name.startswith(_RUNTIMES):
            # Those of containers that came and went between two readings are never closed.
            if len(self._found) >= MAX_NAMED:
                self._found.clear()
            self._found[path] = oldest.name
        return oldest.name


class Groups:
    """The control groups of one hierarchy. To be read by one thread."""

    def __init__(self, hierarchy: Hierarchy, proc: Path = Path("/proc")) -> None:
        """Raises OSError if the hierarchy is not there."""
        self.controller = hierarchy.controller
        self._hierarchy = hierarchy
        self._main_processes = MainProcesses(hierarchy.mount_point, proc)
        self._kept = 0
        self._root = self._node(ROOT, None)

    @property
    def place(self) -> str:
        """Tells this hierarchy, as it is seen from here, from others of the same boot."""
        return f"{self.controller or 'v2'} {self._root.key}"

    def read(self) -> dict[int, Group]:
        """By a number that no other group has or had. Raises OSError, such as for want of a descriptor."""
        if not self._refresh(self._root):
            raise FileNotFoundError(f"{self._hierarchy.mount_point} is gone")
        roots = [self._root] if self._hierarchy.is_root_exact else self._root.children.values()
        return dict(_records(roots))

    def name_at(self, path: str) -> str:
        """The name of the unit at the path of a control group, as the kernel tells it of a process."""
        return self._main_processes.name_of(unit_at(path))

    def close(self) -> None:
        """Close the descriptors."""
        self._close(self._root)

    def _folder(self, path: str) -> str:
        return f"{self._hierarchy.mount_point}{path}"

    def _node(self, path: str, parent: int | None) -> Node:
        """Raises OSError for a group that is gone."""
        return Node(key=Path(self._folder(path)).stat().st_ino, path=path, unit=unit_at(path), parent=parent)

    def _refresh(self, node: Node) -> bool:
        """Read a group, and if its account moved those below it. Returns False for one that is gone."""
        try:
            content = self._read_account(node)
            # `usage_usec 4711` and further lines, or nanoseconds alone (cgroup-v2.rst, cgroup-v1/cpuacct.rst).
            is_v1 = bool(self.controller)
            cpu_us = int(content) // 1000 if is_v1 else int(content.split(maxsplit=2)[1])
            if node.record is None or node.record.cpu_us != cpu_us:
                throttling = throttling_in(self._read_limits(node) if is_v1 else content)
                node.record = Group(self._main_processes.name_of(node.unit), node.parent, cpu_us, throttling)
                if not node.unit.is_whole:
                    self._refresh_children(node)
        except OSError as error:
            if error.errno in _GONE:
                return False
            raise
        return True

    def _refresh_children(self, node: Node) -> None:
        links = Path(self._folder(node.path)).stat().st_nlink
        gone = [name for name, child in node.children.items() if not self._refresh(child)]
        for name in gone:
            self._close(node.children.pop(name))
        # One that came and one that went leave the number as it was.
        if gone or links != node.links or links < _LINKS:
            node.links = links
            self._find_children(node)

    def _find_children(self, node: Node) -> None:
        with os.scandir(self._folder(node.path)) as entries:
            names = {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
        for name in node.children.keys() - names:
            self._close(node.children.pop(name))
        for name in names - node.children.keys():
            # It may be gone by now.
            with suppress(FileNotFoundError):
                self._add_child(node, name)

    def _add_child(self, node: Node, name: str) -> None:
        child = self._node(f"{node.path.rstrip('/')}/{name}", node.key)
        if self._refresh(child):
            node.children[name] = child
        else:
            self._close(child)

    def _read_account(self, node: Node) -> bytes:
        """The file of its account. Raises OSError, for a group that is gone one of _GONE."""
        number = node.descriptor
        if number is None:
            number = os.open(f"{self._folder(node.path)}/{self._hierarchy.file}", os.O_RDONLY | os.O_CLOEXEC)
            if self._kept < MAX_KEPT:
                node.descriptor, self._kept = number, self._kept + 1
        try:
            return os.pread(number, STAT_BYTES, 0)
        finally:
            if node.descriptor is None:
                os.close(number)

    def _read_limits(self, node: Node) -> bytes:
        """The file of v1 that tells of the group's limit; empty where there is none."""
        limits = self._hierarchy.limits
        return b"" if limits is None else read_small(f"{limits}{node.path}/cpu.stat", STAT_BYTES)

    def _close(self, node: Node) -> None:
        """Forget a group and those below it."""
        if node.descriptor is not None:
            os.close(node.descriptor)
            self._kept -= 1
        self._main_processes.forget(node.unit.path)
        for child in node.children.values():
            self._close(child)


def throttling_in(content: bytes) -> Throttling | None:
    """What the lines of `cpu.stat` tell of a limit (scheduler/sched-bwc.rst); None of a group that never had one."""
    # So it is of most groups, and nothing else is looked for in those.
    if b"nr_periods" not in content or b"nr_periods 0\n" in content:
        return None
    figures = dict(pair for line in content.splitlines() if len(pair := line.split()) == _NAME_AND_COUNT)
    # Of v1 in nanoseconds.
    waited_us = figures.get(b"throttled_usec") or int(figures.get(b"throttled_time", 0)) // 1000
    return Throttling(int(figures[b"nr_periods"]), int(figures.get(b"nr_throttled", 0)), int(waited_us))


def find_hierarchy(root: Path = Path("/"), *, of_container: bool = False) -> Hierarchy | None:
    """The control groups of the machine, or else of the container that this runs in; None where they are not mounted.

    Where both versions are, systemd may use one and a container engine the other: the one with more groups.
    """
    found = [one for one in _hierarchies(root) if of_container or _is_whole(one)]
    return max(found, key=lambda one: sum(1 for _ in os.walk(one.mount_point)), default=None)


def _hierarchies(root: Path) -> Iterator[Hierarchy]:
    """Those that are mounted (proc_pid_mountinfo(5)), v1 first, whose root has an account."""
    try:
        lines = (root / "proc/self/mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return
    halves = [(before.split(), after.split()) for before, _, after in (line.partition(" - ") for line in lines)]
    mounts = [
        (after[0], after[2].split(","), root / before[4][1:]) for before, after in halves if len(after) > _OPTIONS
    ]
    limits = next((place for kind, options, place in mounts if kind == "cgroup" and "cpu" in options), None)
    for kind, options, place in mounts:
        if kind == "cgroup" and "cpuacct" in options:
            yield Hierarchy(
                mount_point=place, controller="cpuacct", file="cpuacct.usage", is_root_exact=True, limits=limits
            )
    for kind, _, place in mounts:
        if kind == "cgroup2":
            yield Hierarchy(mount_point=place, controller="", file="cpu.stat", is_root_exact=_has_type(place))


def _is_whole(one: Hierarchy) -> bool:
    """Whether its root is the machine's: v1 has a release agent there alone, v2 a type everywhere else (cgroups(7))."""
    return (one.mount_point / "release_agent").exists() if one.controller else not _has_type(one.mount_point)


def _has_type(place: Path) -> bool:
    return (place / "cgroup.type").exists()


def _records(nodes: Iterable[Node]) -> Iterator[tuple[int, Group]]:
    for node in nodes:
        if node.record is not None:
            yield node.key, node.record
        yield from _records(node.children.values())


def _pids_in(folder: Path) -> list[int]:
    """Of some processes in a group, or in those right below it; a pid of 0 is in a namespace that cannot be seen."""
    folders = [folder]
    with suppress(OSError):
        folders += [one for one in folder.iterdir() if one.is_dir()]
    listed = [read_small(f"{one}/cgroup.procs", PROCS_BYTES).split() for one in folders]
    # The last may be cut.
    return [int(pid) for some in listed for pid in some[:MAX_MEMBERS] if pid != b"0"]
