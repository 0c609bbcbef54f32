"""Reads the CPU time of every process, and the names of those that used some."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Protocol

from cpusensor.kernel.clock import cpu_us_of
from cpusensor.kernel.process_stat import Stat, last_pid, pids, read_cgroup, read_stat
from cpusensor.model.accounts import Process
from cpusensor.model.names import ROOT

WORTH_A_LOOK_US = 2000
"""So much more must a known process have used before its name is read again: it may have called exec, or its pid may be
another's by now. A hundred times what the look costs."""

LIST_EVERY = 12
"""Readings, of which one lists all processes."""

MAX_LOOKS = 2000
"""At one reading, some 50 ms: of a storm of processes the rest is named the next time."""


class Units(Protocol):
    """Knows in which unit a process is."""

    controller: str
    """The controller of v1 by which control groups are told; empty for v2."""

    def name_at(self, path: str) -> str:
        """The name of the unit at the path of a control group."""


class Processes:
    """The processes of this machine. To be read by one thread."""

    def __init__(self, units: Units, root: Path = Path("/")) -> None:
        self._units = units
        self._proc = root / "proc"
        self._known: dict[int, Process] = {}
        self._is_first = True
        self._last_pid: int | None = None
        self._unlisted = 0
        """Readings since the processes were listed."""

    def read(self) -> dict[int, Process]:
        """By pid. One that has not run since the reading before is the same record."""
        # All clocks first, one right after the other, so that they tell of nearly the same instant.
        clocks = cpu_us_of(self._candidates())
        known, looks = {}, MAX_LOOKS
        for pid, cpu_us in clocks.items():
            was = self._known.get(pid)
            if was is not None and was.cpu_us == cpu_us:
                known[pid] = was
            elif self._is_first or not looks:
                known[pid] = Process(pid, cpu_us)
            elif was is not None and 0 <= cpu_us - was.looked_us < WORTH_A_LOOK_US and was.name:
                known[pid] = _later(was, cpu_us)
            else:
                looks -= 1
                known[pid] = self._look(pid, cpu_us, was)
        self._known, self._is_first = known, False
        return known

    def resume(self, known: dict[int, Process]) -> None:
        """Go on after what an earlier run read: names are needed of those that ran since."""
        self._known, self._is_first = known, False

    def _candidates(self) -> Iterable[int]:
        """All that may be processes: those that were, and the pids that were given since.

        To list /proc takes longer than to ask all of them for their clocks. But pids begin anew at their end, and may
        be chosen (CRIU), so it is listed now and then, and where more pids were given than there are processes.
        """
        before, self._last_pid = self._last_pid, last_pid(self._proc)
        self._unlisted += 1
        if before is not None and self._last_pid is not None and self._unlisted < LIST_EVERY:
            given = range(before + 1, self._last_pid + 1)
            if before <= self._last_pid and len(given) <= len(self._known):
                return chain(self._known, given)
        self._unlisted = 0
        return pids(self._proc)

    def _look(self, pid: int, cpu_us: int, was: Process | None) -> Process:
        """The process with its name, start and unit as they are now."""
        stat = read_stat(self._proc, pid)
        # It ended between its clock and its name, or no descriptor is free.
        if stat is None:
            return Process(pid, cpu_us) if was is None else _later(was, cpu_us)
        # Another name is a call of exec, before which a service manager moves a process to its group.
        if was is not None and was.looked_us >= 0 and (was.name, was.started_s) == (stat.name, stat.started_s):
            return Process(pid, cpu_us, was.started_s, was.name, was.unit, was.is_in_root, cpu_us)
        return self._described(pid, cpu_us, stat)

    def _described(self, pid: int, cpu_us: int, stat: Stat) -> Process:
        # Threads of the kernel are in the root, of which nobody needs to be told.
        path = ROOT if stat.is_kernel else read_cgroup(self._proc, pid, self._units.controller)
        unit = "" if path is None else self._units.name_at(path)
        return Process(pid, cpu_us, stat.started_s, stat.name, unit, path == ROOT, cpu_us)


def _later(was: Process, cpu_us: int) -> Process:
    return Process(was.pid, cpu_us, was.started_s, was.name, was.unit, was.is_in_root, was.looked_us)
