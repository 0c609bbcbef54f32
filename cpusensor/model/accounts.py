"""What the kernel has charged to whom, as records: two readings of them make a Blame. Nothing but data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

# With positions: thousands of them are made at a reading.


@dataclass(frozen=True, slots=True)
class Process:
    """A process, and the CPU time that it has used since it began."""

    pid: int
    cpu_us: int
    """Of all its threads, the ended ones too, in microseconds."""
    started_s: float | None = None
    """When it began, in seconds on the boot-time clock; None before it was looked at, as for the rest."""
    name: str = ""
    unit: str = ""
    is_in_root: bool = False
    """Whether it is in the root of the control groups."""
    looked_us: int = -1
    """Its CPU time when name and start were read."""


@dataclass(frozen=True, slots=True)
class Throttling:
    """How a limit of its own held a control group back, since there has been one (CFS bandwidth control)."""

    periods: int
    """Periods of the limit in which the group had work."""
    throttled: int
    """Those of them in which it used up what it may."""
    throttled_us: int
    """Microseconds for which it then waited, on all CPUs together."""


@dataclass(frozen=True, slots=True)
class Group:
    """A control group, and the CPU time of all that ever ran in it and below it."""

    name: str
    """Of the unit that it is, or is part of."""
    parent: int | None
    """The key of the group above it; None of the root."""
    cpu_us: int
    throttling: Throttling | None = None
    """None of a group that never had a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """All that was charged until one instant."""

    boottime: float
    """The instant, in seconds on the boot-time clock."""
    groups: Mapping[int, Group] | None
    """By a number that no other group has or had; None where the control groups are not read."""
    processes: Mapping[int, Process] | None
    """By pid; None where processes are not read."""
    is_root_exact: bool
    """Whether the root group has an account too, in which every process is charged."""
    place: str = ""
    """Tells accounts that can be compared from those of another view of the machine, as of another container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The accounts at a time, and what the CPUs had counted until then: who used what since can be counted from it."""

    time: int
    """In UTC Unix seconds."""
    boot_id: str
    total_busy: int
    """The boot's running total of busy ticks, as `total_all` of all ticks."""
    total_all: int
    accounts: Accounts


class Sight(StrEnum):
    """What keeps names from being read."""

    CLEAR = "clear"
    BLIND = "blind"
    """A container that sees neither its host's processes nor its control groups."""
    NO_PROCESSES = "no processes"
    """A container that sees its host's control groups alone."""
    NO_UNITS = "no units"
    """Processes alone: a container with its host's processes, or a system without control groups."""
    HIDDEN = "hidden"
    """The system hides other users' processes (hidepid, proc(5))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How names are read at present."""

    sight: Sight
    every_s: int | None
    """Seconds between two readings while the CPUs work; None where there are none."""
    error: str | None
    """Why the last one failed."""
    is_reading: bool = False
    """Whether one is under way."""


class AccountReader(Protocol):
    """The accounts as the service reads them; a test gives accounts that it writes itself."""

    sight: Sight
    """What keeps names from being read."""

    def read(self, boottime: float) -> Accounts:
        """All accounts now; `boottime` is the instant, on the boot-time clock. Raises OSError."""

    def resume(self, before: Accounts) -> bool:
        """Go on from accounts that an earlier run read in this boot; False if they are of another view."""

    def close(self) -> None:
        """Close what is kept open."""
