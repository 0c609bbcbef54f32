"""The records that travel between the modules: frozen, and nothing but data.

All times are UTC Unix seconds and name the end of what a record covers: a sample labelled 12:00:05 covers
(12:00:00, 12:00:05]. Ticks are 1/100 s, as in `figures`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cpusensor.model.figures import Figures, Ticks
from cpusensor.model.histogram import Histogram


class Cause(StrEnum):
    """Why nothing was recorded in a gap. Of several causes the first in this order is named."""

    # What explains more comes first: a reboot also stops the service and may set the clock.
    REBOOTED = "rebooted"
    STOPPED = "stopped"
    CRASHED = "crashed"
    SUSPENDED = "suspended"
    CLOCK = "clock"
    UNREADABLE = "unreadable"
    UNWRITTEN = "unwritten"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time (from_time, to_time]."""

    from_time: int
    to_time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One instant on three clocks, each in seconds (clock_gettime(2))."""

    wall: float
    """UTC Unix time; can be stepped."""
    monotonic: float
    """Never stepped; stands still while the machine is suspended."""
    boottime: float
    """Never stepped; runs on while the machine is suspended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTimes:
    """Ticks that one CPU has spent since boot, by kind."""

    user: int
    """User mode, nice included; guests are inside."""
    system: int
    irq: int | None
    """Hard and soft interrupts; None where the system does not report them, as for `iowait` and `steal`."""
    idle: int
    iowait: int | None
    steal: int | None

    @property
    def busy(self) -> int:
        """Ticks in which the CPU worked for this machine: not idle, not waiting, not stolen."""
        return self.user + self.system + (self.irq or 0)

    @property
    def all(self) -> int:
        """Ticks of every kind."""
        return self.busy + self.idle + (self.iowait or 0) + (self.steal or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """The counters of the kernel at one instant."""

    cpus: Mapping[int, CpuTimes]
    """By the CPU's number."""
    values: Mapping[str, int | None]
    """The value of each figure in READ, by its name and in its unit; None where it is not known."""
    left_out: tuple[int, ...] = ()
    """Numbers of the CPUs whose counters are impossible; they are not in `cpus`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is true of the machine until somebody changes it."""

    cpus: int | None
    """How many are online; None where the system does not tell."""
    boot_time: int
    """When it was booted, in UTC Unix seconds by the clock as it is set now."""
    zone: str
    """The IANA name of its time zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Counters together with the instant at which they were read."""

    moment: Moment
    counters: Counters


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreTicks:
    """Ticks that one CPU spent in an interval."""

    cpu: int
    """Its number."""
    busy: int
    all: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the CPUs spent between two readings: the difference of their counters."""

    ticks: Ticks
    cores: tuple[CoreTicks, ...] | None
    """In the order of the CPUs' numbers; None when the set of CPUs changed."""
    cpus: tuple[int, ...]
    """Numbers of the CPUs whose ticks are in `ticks`."""
    left_out: tuple[int, ...]
    """Numbers of CPUs whose counters say nothing about the interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the recording process, from start to end."""

    id: int
    boot_id: str
    started: int
    """When it began."""
    ended: int | None
    """When it was stopped cleanly; None while it runs, and after a crash."""
    interval: int
    """Seconds between two samples."""
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The figures of one interval, as the row that is stored."""

    time: int
    run: int
    """The `Run.id` that recorded it."""
    figures: Figures
    total_busy: int
    """The boot's running total of busy ticks at the end of the interval."""
    total_all: int
    """The boot's running total of all ticks at the end of the interval."""
    cores: tuple[CoreTicks, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """The sums and the extremes of the samples of a longer interval."""

    time: int
    count: int
    """Samples inside."""
    figures: Figures
    """Their sums."""
    cpu_min_bp: int
    """Lowest CPU use of a sample inside, in basis points (0.01 %)."""
    cpu_max_bp: int
    cores: tuple[CoreTicks, ...] | None
    histogram: Histogram | None
    """None where it was not counted, as for minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Slots between two samples in which nothing was recorded: (from_time, to_time]."""

    from_time: int
    """The time of the last sample before it."""
    to_time: int
    """Its last empty slot."""
    cause: Cause
    busy: int | None
    """Busy ticks in the gap, by the running totals; None where these do not cover it, as for `all`."""
    all: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedGaps:
    """Short gaps that follow each other, where there are too many to tell each."""

    from_time: int
    to_time: int
    count: int
    seconds: int
    """In the gaps themselves, not between them."""
    causes: tuple[Cause, ...]
    """Each that occurs, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGap:
    """A gap without an end yet: nothing is recorded now."""

    from_time: int
    """The time of the last sample; before the first ever, that of the slot at which recording began."""
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """The wall clock was set."""

    time: int
    """When, on the clock after the step."""
    by_ms: int
    """Milliseconds forward; negative for a step back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The state of the recording."""

    is_off: bool = False
    """Whether nothing is to be recorded; then it always ticks."""
    is_ticking: bool
    """Whether readings are still being taken."""
    degraded: str | None
    """What is wrong, in words; None while all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What this process has used since it began."""

    moment: Moment
    cpu_s: float
    """CPU seconds, in user mode and in the kernel."""
    memory: int | None
    """Bytes in memory now (resident set); None where the system does not tell, as for `written`."""
    written: int | None
    """Bytes that it caused to be written to disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A sample that is not stored yet, with the cause of the gap before it, if slots there are empty."""

    sample: Sample
    cause: Cause
    clock_steps: tuple[ClockStep, ...] = ()
    """The clock steps since the sample before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One step of the history as it is stored and published: a sample, and the gap and rollups that it closed."""

    sample: Sample
    closed: tuple[Gap | Rollup, ...]
    """The gap, then the minutes: the order in which they are published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a receiver of samples fares."""

    name: str
    sent: int
    """Samples that it took since the service started."""
    refused: int
    """Samples that it refused for good, which are passed over."""
    refusal: str | None
    """What it said of those that it refused last; None while it has refused none."""
    until: int | None
    """Up to when it has everything that it will get, in UTC Unix seconds; None before anything was sent."""
    behind_s: int
    """Seconds of samples that it has not got yet."""
    problem: str | None
    """Why it takes none, or what it said of those that it refused last; None while all is well."""
