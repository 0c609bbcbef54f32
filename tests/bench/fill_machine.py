"""The machine that `tests.bench.fill` makes up, with the service on it: what it counts, and what is sampled of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from math import exp
from operator import sub
from random import Random
from typing import Protocol, TypeAlias
from uuid import UUID

from cpusensor import __version__
from cpusensor.model.figures import TICKS_PER_SECOND
from cpusensor.model.gaps import restart_cause
from cpusensor.model.grid import bucket_end, slot_at
from cpusensor.model.records import Cause, ClockStep, Run
from tests.bench.fill_blocks import NAMES, Block
from tests.bench.fill_load import DAY_S, Columns, Load

PRESSURE = [point // 4 if point < 60 else 15 + (point - 60) ** 2 // 3 for point in range(101)]
"""Time in which some task waited, by the CPU use in percent: µs a ms."""

SPARSE_BOOTS = 8
"""One boot of so many is of a kernel that counts neither interrupts nor pressure."""

BOOTING_S = 20.0
"""A boot takes about this long."""

Named: TypeAlias = dict[str, Sequence[int | None]]
"""Columns by the name of their figure."""


class Storage(Protocol):
    """What takes in what the machine did."""

    def add(self, block: Block, cause: Cause) -> None:
        """Samples; `cause` explains the slots before them, if these are empty."""

    def add_run(self, run: Run) -> None:
        """A run that is over."""

    def add_clock_step(self, step: ClockStep) -> None:
        """That the clock was set."""


@dataclass(slots=True, kw_only=True)
class Boot:
    """What the kernel keeps while it runs."""

    id: str
    counters: dict[int, list[int]]
    """Busy and all ticks of each CPU."""
    online: tuple[int, ...]
    is_sparse: bool
    """Whether it counts neither interrupts nor pressure."""
    load_bp: float = 0.0
    """The mean CPU use of the last minute."""


class Machine:
    """The machine and the service on it. What happens to it is in fill_events.py."""

    def __init__(self, rng: Random, storage: Storage, *, cpus: int, interval: int, start: int) -> None:
        self.rng = rng
        self.interval = interval
        self.cpus = tuple(range(cpus))
        self.storage = storage
        self.now: float = start
        """The wall clock at the last reading, from which the next sample is measured."""
        self.cause = Cause.STALLED
        """Of the gap before the next sample."""
        self._load = Load(rng, cpus)
        self._boots = 0
        self.boot = self._new_boot()
        self.run = Run(id=1, boot_id=self.boot.id, started=start, ended=None, interval=interval, version=__version__)

    def record(self, until: int) -> None:
        """Sample on every slot up to a time; a day's samples are one block."""
        if self.now % self.interval:
            self.record_one()
        while (slot := int(self.now)) + self.interval <= until:
            columns, end = Columns(self.boot.online, self.interval), min(until, bucket_end(slot + 1, DAY_S))
            while slot + self.interval <= end:
                profile = self._load.at(slot)
                count = max(1, (min(profile.until, end) - slot) // self.interval)
                columns.extend(self.rng, profile, count)
                slot += count * self.interval
            self._store(slot, columns, self.interval, has_cores=True)
            self.now = slot

    def record_one(self, *, has_cores: bool = True, late_s: float = 0.0, late_by: float = 0.0) -> None:
        """Take one sample at the next slot, or so many seconds later; `late_by` is the part of a slot that it is late.

        It covers all the time since the last one.
        """
        slot = slot_at(self.now + late_s, self.interval) + self.interval
        read_at = slot + late_by * self.interval
        columns = Columns(self.boot.online, self.interval)
        columns.extend(self.rng, self._load.at(int(self.now)), 1)
        columns.stretch((read_at - self.now) / self.interval)
        self._store(slot, columns, read_at - self.now, has_cores=has_cores)
        self.now = read_at

    def count(self, seconds: float) -> None:
        """Let the counters run, unseen."""
        percents = self._load.at(int(self.now)).percents
        ticks = int(TICKS_PER_SECOND * seconds)
        for cpu in self.boot.online:
            self.boot.counters[cpu][0] += ticks * percents[cpu] // 100
            self.boot.counters[cpu][1] += ticks

    def pass_by(self, seconds: float) -> None:
        """Let the time pass, unseen."""
        self.count(seconds)
        self.now += seconds

    def begin_anew(self, cause: Cause) -> None:
        """Take the reading from which the next sample is measured, by the rule of the sampler."""
        self.cause = cause
        slot = slot_at(self.now, self.interval) + self.interval
        # Of the first slot at least half is to be measured.
        if 2 * (slot - self.now) < self.interval:
            self.pass_by(slot - self.now)
            self.now = slot

    def begin_run(self, ended: int | None) -> None:
        """Start the service now; `ended` is when it was stopped, if it was."""
        before = replace(self.run, ended=ended)
        self.storage.add_run(before)
        self.run = replace(before, id=before.id + 1, boot_id=self.boot.id, started=int(self.now), ended=None)
        self.begin_anew(restart_cause(before, self.run))

    def start(self) -> None:
        """Boot: the counters begin at zero, and all CPUs are there."""
        self.boot = self._new_boot()
        self.count(self.rng.uniform(0.5, 1.5) * BOOTING_S)

    def _new_boot(self) -> Boot:
        self._boots += 1
        return Boot(
            id=str(UUID(int=self.rng.getrandbits(128), version=4)),
            counters={cpu: [0, 0] for cpu in self.cpus},
            online=self.cpus,
            # The second one is, so that every history has one.
            is_sparse=self._boots % SPARSE_BOOTS == 2,
        )

    def _store(self, last: int, columns: Columns, lasts_s: float, *, has_cores: bool) -> None:
        """Hand over samples, the last one at this time, that cover so many seconds each."""
        boot, count = self.boot, len(columns)
        busy, every = (list(map(sum, zip(*ticks, strict=True))) for ticks in (columns.cores.busy, columns.cores.all))
        use_bp = [(20_000 * part + whole) // (2 * whole) for part, whole in zip(busy, every, strict=True)]
        totals = [sum(boot.counters[cpu][kind] for cpu in boot.online) for kind in (0, 1)]
        figures = _ticks(columns, busy, every) | self._levels(columns, use_bp, lasts_s)
        if boot.is_sparse:
            figures = _without_irq_and_pressure(figures)
        block = Block(
            times=range(last - (count - 1) * self.interval, last + 1, self.interval),
            run=self.run.id,
            figures=[figures[name] for name in NAMES],
            totals=(_running(totals[0], busy), _running(totals[1], every)),
            use_bp=use_bp,
            cores=columns.cores if has_cores else None,
        )
        self.storage.add(block, self.cause)
        self.cause = Cause.STALLED
        for cpu, *ticks in zip(boot.online, columns.cores.busy, columns.cores.all, strict=True):
            boot.counters[cpu] = [so_far + sum(more) for so_far, more in zip(boot.counters[cpu], ticks, strict=True)]

    def _levels(self, columns: Columns, use_bp: Sequence[int], lasts_s: float) -> Named:
        """What is not counted by the CPUs, by the name of the figure."""
        cpus, room_ms, follow = len(columns.cores.cpus), round(1000 * lasts_s), 1 - exp(-self.interval / 60)
        elapsed = [room_ms + off for off in columns.jitter_ms]
        loads = list(accumulate(use_bp, lambda load, use: load + (use - load) * follow, initial=self.boot.load_bp))
        self.boot.load_bp = loads.pop()
        return {
            "elapsed_ms": elapsed,
            "expected": [ms * TICKS_PER_SECOND * cpus // 1000 for ms in elapsed],
            "load_centi": [int(load) * cpus // 100 for load in loads],
            "pressure_us": [
                (ms * PRESSURE[use // 100] * noise >> 7) // 1000 * 1000
                for ms, use, noise in zip(elapsed, use_bp, columns.noise, strict=True)
            ],
        }


def _ticks(columns: Columns, busy: Sequence[int], every: Sequence[int]) -> Named:
    """The kinds that the busy ticks, and the rest of all ticks, are split into."""
    system = [ticks * part >> 10 for ticks, part in zip(busy, columns.system, strict=True)]
    irq = [ticks * part >> 10 for ticks, part in zip(busy, columns.irq, strict=True)]
    rest = list(map(sub, every, busy))
    iowait = [ticks * part >> 10 for ticks, part in zip(rest, columns.iowait, strict=True)]
    steal = [(ticks - waited) * part >> 10 for ticks, waited, part in zip(rest, iowait, columns.steal, strict=True)]
    user = map(sub, map(sub, busy, system), irq)
    return {"user": list(user), "system": system, "irq": irq, "iowait": iowait, "steal": steal, "all": every}


def _without_irq_and_pressure(figures: Named) -> Named:
    """The same as a kernel tells it that counts neither: interrupts are then inside the user's time."""
    user, irq = figures["user"], figures["irq"]
    unknown: Sequence[None] = [None] * len(user)
    merged = [ticks + (more or 0) for ticks, more in zip(user, irq, strict=True) if ticks is not None]
    return figures | {"user": merged, "irq": unknown, "pressure_us": unknown}


def _running(total: int, parts: Iterable[int]) -> Iterable[int]:
    """The total after each part."""
    return islice(accumulate(parts, initial=total), 1, None)
