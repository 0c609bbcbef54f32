"""Reads the accounts of units and processes: whichever of them can be seen from here."""

import sys
from pathlib import Path

from cpusensor.kernel.groups import Groups, find_hierarchy
from cpusensor.kernel.mounts import Scope
from cpusensor.kernel.process_stat import read_stat
from cpusensor.kernel.processes import Processes
from cpusensor.kernel.processes_elsewhere import ProcessesElsewhere
from cpusensor.model.accounts import Accounts, Sight
from cpusensor.model.names import unit_at

INIT = 1
"""A pid that every machine and container has, and that belongs to another user than this service."""


class SystemAccounts:
    """The accounts of the machine that this runs on. To be read by one thread."""

    def __init__(self, scope: Scope, *, with_processes: bool, root: Path = Path("/")) -> None:
        """`scope` is whose the counters of the CPUs are: names of others than those who used them explain nothing."""
        self.sight = Sight.NO_UNITS
        self._groups: Groups | None = None
        self._processes: Processes | ProcessesElsewhere | None = None
        self._is_root_exact = False
        self.place = ""
        """As in `Accounts`."""
        if sys.platform != "linux":
            self._processes = ProcessesElsewhere() if with_processes else None
            return
        hierarchy = find_hierarchy(root, of_container=scope is Scope.CONTAINER)
        self.sight = _sight(root / "proc", scope, has_units=hierarchy is not None)
        if hierarchy is not None:
            self._groups = Groups(hierarchy, root / "proc")
        if with_processes and self.sight in {Sight.CLEAR, Sight.NO_UNITS}:
            self._processes = Processes(self._groups or PathsAlone(), root)
        self._is_root_exact = hierarchy is not None and hierarchy.is_root_exact
        self.place = f"{_namespace_of_pids(root / 'proc')} {self._groups.place if self._groups else ''}"

    def read(self, boottime: float) -> Accounts:
        """All accounts now. Raises OSError, such as for want of a descriptor."""
        # The groups first, from the root down: what passes meanwhile is then missing above, where it is owed.
        groups = self._groups.read() if self._groups else None
        processes = self._processes.read() if self._processes else None
        return Accounts(
            boottime=boottime,
            place=self.place,
            groups=groups,
            processes=processes,
            is_root_exact=bool(groups) and self._is_root_exact,
        )

    def resume(self, before: Accounts) -> bool:
        """Go on from accounts that an earlier run read in this boot; False if they are of another view."""
        seen = before.groups is not None, before.processes is not None, before.is_root_exact
        if before.place != self.place or seen != (
            self._groups is not None,
            self._processes is not None,
            self._is_root_exact,
        ):
            return False
        if isinstance(self._processes, Processes) and before.processes is not None:
            self._processes.resume(dict(before.processes))
        return True

    def close(self) -> None:
        """Close the descriptors that are kept."""
        if self._groups:
            self._groups.close()


class PathsAlone:
    """The names of units where there are no accounts of them."""

    controller = ""

    def name_at(self, path: str) -> str:
        """The name that the path gives."""
        return unit_at(path).name


def _sight(proc: Path, scope: Scope, *, has_units: bool) -> Sight:
    if scope is Scope.HOST:
        return Sight.NO_PROCESSES if has_units else Sight.BLIND
    if read_stat(proc, INIT) is None:
        return Sight.HIDDEN if has_units else Sight.BLIND
    return Sight.CLEAR if has_units else Sight.NO_UNITS


def _namespace_of_pids(proc: Path) -> int:
    """The number of the namespace that the pids are of (pid_namespaces(7)); 0 where there are none."""
    try:
        return (proc / "self/ns/pid").stat().st_ino
    except OSError:
        return 0
