"""What happens to the machine that `tests.bench.fill` makes up, and how often."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from cpusensor.model.grid import bucket_end, slot_at
from cpusensor.model.records import Cause, ClockStep
from tests.bench.fill_load import DAY_S, HOUR_S
from tests.bench.fill_machine import Machine

YEAR_S = 365.25 * DAY_S


def stop(machine: Machine, seconds: float) -> None:
    """The service is restarted."""
    ended = int(machine.now)
    machine.pass_by(seconds)
    machine.begin_run(ended)


def crash(machine: Machine, seconds: float) -> None:
    """The service is killed, and starts again."""
    machine.pass_by(seconds)
    machine.begin_run(None)


def reboot(machine: Machine, seconds: float) -> None:
    """The machine goes down, in good order or not, and comes up again."""
    ended = machine.rng.choice((int(machine.now), None))
    machine.now += seconds
    machine.start()
    machine.begin_run(ended)


def suspend(machine: Machine, seconds: float) -> None:
    """The lid is closed; the counters stand still."""
    machine.now += seconds
    machine.begin_anew(Cause.SUSPENDED)


def sleep(machine: Machine, seconds: float) -> None:
    """The same for the night, which begins no later."""
    suspend(machine, seconds)


def set_forward(machine: Machine, seconds: float) -> None:
    """The clock is set forward; the reading at the next slot shows it."""
    machine.pass_by(machine.interval)
    machine.now += seconds
    machine.storage.add_clock_step(ClockStep(time=int(machine.now), by_ms=round(1000 * seconds)))
    machine.begin_anew(Cause.CLOCK)


def set_back(machine: Machine, seconds: float) -> None:
    """The clock is set back: what was recorded since is overwritten, and is not written here to begin with."""
    machine.count(seconds)
    # Early in a slot, so that this one and not the next is measured: what is not overwritten leaves none empty.
    machine.pass_by(machine.interval * machine.rng.uniform(0, 0.5))
    machine.storage.add_clock_step(ClockStep(time=int(machine.now), by_ms=-round(1000 * seconds)))


def stall(machine: Machine, seconds: float) -> None:
    """Nothing of the service runs: one sample covers it all, and the next one what is left of its slot."""
    machine.record_one(late_s=max(seconds, machine.interval), late_by=machine.rng.uniform(0, 0.8))


def stay_unreadable(machine: Machine, seconds: float) -> None:
    """The counters cannot be read for some slots: one sample covers them."""
    machine.cause = Cause.UNREADABLE
    machine.record_one(late_s=max(seconds, machine.interval))


def stay_unwritten(machine: Machine, seconds: float) -> None:
    """Samples are lost, for the disk takes none for longer than the backlog holds."""
    machine.pass_by(slot_at(max(seconds, machine.interval), machine.interval))
    machine.cause = Cause.UNWRITTEN


def unplug(machine: Machine, _: float) -> None:
    """A CPU goes offline, if it is not the only one; one sample has the ticks of those that stay."""
    boot = machine.boot
    if len(boot.online) > 1:
        gone = machine.rng.choice(boot.online[1:])
        boot.online = tuple(cpu for cpu in boot.online if cpu != gone)
        machine.record_one(has_cores=False)


def plug(machine: Machine, _: float) -> None:
    """All CPUs are online again; one sample has the ticks of those that were."""
    if machine.boot.online != machine.cpus:
        machine.record_one(has_cores=False)
        machine.boot.online = machine.cpus


Happening: TypeAlias = Callable[[Machine, float], None]
"""What happens to a machine, with how long it lasts, or of a clock step how far it goes, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens to the machine at a time."""

    time: int
    happen: Happening
    seconds: float


RATES: tuple[tuple[Happening, float, float, float], ...] = (
    (stop, 24, 2, 120),
    (stop, 4, HOUR_S, 5 * HOUR_S),
    (crash, 8, 3, 600),
    (reboot, 10, 40, 300),
    (reboot, 3, 4 * HOUR_S, 6 * DAY_S),
    (suspend, 30, 120, 2 * HOUR_S),
    (set_forward, 3, 8, 2 * HOUR_S),
    (set_back, 2, 60, HOUR_S),
    (stall, 80, 11, 900),
    (stay_unreadable, 6, 10, 1800),
    (stay_unwritten, 3, 60, 6 * HOUR_S),
    (unplug, 5, HOUR_S, 3 * DAY_S),
)
"""What happens, how often a year, and the shortest and the longest that it lasts."""


def plan(rng: Random, start: int, until: int) -> list[Event]:
    """What happens between two times, in order; each of RATES at least once, however short the time."""
    span, events = until - start, list[Event]()
    for happen, a_year, shortest, longest in RATES:
        for _ in range(max(1, round(a_year * span / YEAR_S))):
            at = int(start + span * rng.uniform(0.03, 0.9))
            seconds = min(shortest * (longest / shortest) ** rng.random(), span / 40)
            events.append(Event(time=at, happen=happen, seconds=seconds))
            if happen is unplug:
                events.append(Event(time=int(at + seconds), happen=plug, seconds=0))
    # In the middle third it is a laptop, closed for the night.
    for midnight in range(bucket_end(start + span // 3, DAY_S), start + 2 * span // 3, DAY_S):
        closed = int(midnight + rng.gauss(0, HOUR_S))
        events.append(Event(time=closed, happen=sleep, seconds=rng.uniform(5.5, 9) * HOUR_S))
    return sorted(events, key=lambda event: event.time)
