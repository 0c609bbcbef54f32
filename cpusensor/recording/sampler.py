"""Readings of the counters -> samples. Pure: readings and instants come in as arguments."""

from collections.abc import Iterable

from cpusensor.model.figures import READ, TICKS_PER_SECOND, Figures, Source
from cpusensor.model.gaps import clock_step, first_cause, interruption
from cpusensor.model.grid import due_slot, slot_at
from cpusensor.model.records import Cause, ClockStep, Counters, Measured, Moment, Reading, Run, Sample, Usage
from cpusensor.model.usage import measure, stand_still, was_reset
from cpusensor.recording.signs import Signs


class Sampler:
    """Makes a sample of each reading and the one before, and computes when the next one is due."""

    def __init__(self, run: Run, causes: Iterable[Cause], now: Moment, counters: Counters | None) -> None:
        """`causes` explain a gap before the first sample; `counters`, read at `now`, are its baseline."""
        self._run = run
        self._causes = set(causes)
        self._clock_steps: list[ClockStep] = []
        self._baseline = None if counters is None else Reading(moment=now, counters=counters)
        self._is_first = True
        self.last = now
        """The instant of the last reading, whether it succeeded or not."""
        self._expected = slot_at(now.wall, run.interval) + run.interval
        self.signs = Signs()

    @property
    def due(self) -> float:
        """The time of the next reading, in seconds on the monotonic clock."""
        # From the last reading each time: a clock that is slewed or set moves the grid, and no error adds up.
        return self.last.monotonic + self._expected - self.last.wall

    def take(self, now: Moment, counters: Counters | None) -> Measured | None:
        """The sample that a reading completes, else None. `counters` is None if they could not be read."""
        self._notice_interruption(now)
        measured = None
        if counters is None:
            self._miss("the CPU counters cannot be read")
        else:
            measured = self._measure(Reading(moment=now, counters=counters))
        if measured is None:
            self.signs.ticked(None)
        # A reading that comes early must not be waited for again, a late one must not be caught up.
        self._expected = max(self._expected, slot_at(now.wall, self._run.interval)) + self._run.interval
        return measured

    def _notice_interruption(self, now: Moment) -> None:
        """Begin anew after a suspension or a clock step, across which no sample can be measured."""
        before, self.last, self.signs.clock_step_s = self.last, now, 0.0
        cause = interruption(before, now)
        if cause is None:
            return
        if cause is Cause.CLOCK:
            self.signs.clock_step_s = clock_step(before, now)
            self._clock_steps.append(ClockStep(time=int(now.wall), by_ms=round(1000 * self.signs.clock_step_s)))
        self._causes.add(cause)
        self._baseline = None
        self._expected = slot_at(now.wall, self._run.interval)

    def _measure(self, reading: Reading) -> Measured | None:
        """What the reading shows since the baseline; None if it can only serve as the next baseline."""
        before = self._baseline
        if before is None:
            self._begin_at(reading)
            return None
        if was_reset(before.counters, reading.counters):
            self._miss("the CPU counters begin anew again and again")
            self._begin_at(reading)
            return None
        slot = due_slot(reading.moment.wall, self._expected, self._run.interval)
        # The first slot after a start stays empty unless at least half of it was measured.
        if self._is_first and 2 * (slot - before.moment.wall) < self._run.interval:
            self._begin_at(reading)
            return None
        elapsed_s = reading.moment.monotonic - before.moment.monotonic
        # On the monotonic clock: a step of the wall clock is no CPU time.
        usage = measure(before.counters, reading.counters, TICKS_PER_SECOND * elapsed_s)
        # Counters that stand still may only be late: the next reading measures from the same baseline.
        if usage is None and stand_still(before.counters, reading.counters):
            self._miss("the CPU counters stand still")
            return None
        if usage is None:
            self._miss("the CPU counters account for next to none of the time, or for far too much")
            self._begin_at(reading)
            return None
        self._baseline, self._is_first = reading, False
        return self._measured(self._sample(slot, before, reading, usage), usage.left_out)

    def _miss(self, reason: str) -> None:
        self._causes.add(Cause.UNREADABLE)
        self.signs.miss(reason)

    def _begin_at(self, reading: Reading) -> None:
        self._baseline, self._is_first = reading, True

    def _measured(self, sample: Sample, left_out: tuple[int, ...]) -> Measured:
        """The sample with the cause and the clock steps since the one before, which are then forgotten."""
        self.signs.ticked(sample.figures, left_out)
        measured = Measured(sample=sample, cause=first_cause(self._causes), clock_steps=tuple(self._clock_steps))
        self._causes.clear()
        self._clock_steps.clear()
        return measured

    def _sample(self, slot: int, before: Reading, after: Reading, usage: Usage) -> Sample:
        cpus = [after.counters.cpus[number] for number in usage.cpus]
        return Sample(
            time=slot,
            run=self._run.id,
            figures=figures_between(before, after, usage),
            total_busy=sum(cpu.busy for cpu in cpus),
            total_all=sum(cpu.all for cpu in cpus),
            cores=usage.cores,
        )


def figures_between(before: Reading, after: Reading, usage: Usage) -> Figures:
    """All figures of the interval between two readings, whose CPU counters differ by `usage`."""
    elapsed_s = after.moment.monotonic - before.moment.monotonic
    read = {}
    for figure in READ:
        first, last = before.counters.values.get(figure.name), after.counters.values.get(figure.name)
        # A counter that fell began anew: no wait is negative.
        if figure.source is Source.RISE:
            last = None if first is None or last is None else max(0, last - first)
        read[figure.name] = last
    ticks = usage.ticks
    return Figures(
        user=ticks.user,
        system=ticks.system,
        irq=ticks.irq,
        iowait=ticks.iowait,
        steal=ticks.steal,
        all=ticks.all,
        elapsed_ms=round(1000 * elapsed_s),
        expected=round(TICKS_PER_SECOND * elapsed_s * len(usage.cpus)),
        **read,
    )
