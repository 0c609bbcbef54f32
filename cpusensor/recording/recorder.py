"""The loops: one takes the samples, one records them, one keeps silent streams alive."""

import asyncio
import logging
from collections import deque
from dataclasses import replace
from functools import partial

from cpusensor.kernel.clock import Clock
from cpusensor.kernel.counters import TICKS_PER_SECOND, Kernel, UnreadableError
from cpusensor.model.gaps import clock_step, first_cause, interruption, restart_cause
from cpusensor.model.grid import EARLIEST, due_slot, slot_at
from cpusensor.model.records import Cause, ClockStep, Cost, Health, Measured, Moment, Reading, Sample, Tick, Usage
from cpusensor.model.rollup import MINUTE
from cpusensor.model.usage import is_possible, measure, was_reset
from cpusensor.outlets import wire
from cpusensor.outlets.broadcast import Broadcast, Frame
from cpusensor.store.database import ReadError, WriteError
from cpusensor.store.file import StorageError
from cpusensor.store.storage import Storage

log = logging.getLogger(__name__)

BEAT_S = 10.0
"""No stream is silent for longer."""

LAST_WRITE_S = 0.5
"""How long the end waits for what is not written yet."""

UNWRITTEN_S = 3600
"""How much is kept in memory while the database takes nothing."""

SILENT_INTERVALS = 3
"""After how many intervals without a tick the service says that it is not alive."""


class Recorder:
    """Takes a reading at every grid point and records what it shows."""

    def __init__(
        self, *, clock: Clock, kernel: Kernel, storage: Storage, broadcast: Broadcast, commit_interval: int
    ) -> None:
        """`commit_interval` is how many seconds a sample may wait for its commit; none waits beyond its minute."""
        run = storage.run
        self._clock = clock
        self._kernel = kernel
        self._storage = storage
        self._broadcast = broadcast
        self._run = run
        self._unwritten: deque[Measured] = deque()
        self._causes: set[Cause] = set()
        self._clock_steps: list[ClockStep] = []
        self._read_error: str | None = None
        self._write_error: str | None = None
        self._clock_error: str | None = None
        self._told = "recording"
        self._unpublished: list[Sample] = []
        self._untold: list[Tick] = []
        self._newest: Sample | None = None
        self._commit_interval = commit_interval
        self._is_due = asyncio.Event()
        self._writing = asyncio.Lock()
        self._causes.update(restart_cause(previous, run) for previous in storage.preceding_runs)
        self._ticked = clock.now()
        self._baseline = self._read(self._ticked)
        self._is_first = True
        self._began = kernel.cost(self._ticked)
        self._expected = slot_at(self._ticked.wall, run.interval) + run.interval

    def health(self) -> Health:
        """Whether the loop ticks, and what it lacks."""
        silence = self._clock.now().monotonic - self._ticked.monotonic
        if silence > SILENT_INTERVALS * self._run.interval:
            return Health(is_ticking=False, state=f"no tick for {silence:.0f} s")
        return Health(is_ticking=True, state=self._state)

    def cost(self) -> tuple[Cost, Cost]:
        """What this process had used when it began to record, and what it has used by now."""
        return self._began, self._kernel.cost(self._clock.now())

    @property
    def _state(self) -> str:
        reason = self._write_error or self._read_error or self._clock_error or self._storage.notice
        return f"degraded: {reason}" if reason else "recording"

    @property
    def is_idle(self) -> bool:
        """Whether all that was measured is dealt with."""
        return not self._is_due.is_set() and not self._writing.locked()

    async def tick(self) -> None:
        """Wait for the next grid point, take a reading, and have it recorded: no disk ever bends the grid."""
        await self._clock.sleep_until(self._ticked.monotonic + self._expected - self._ticked.wall)
        now = self._clock.now()
        reading = self._read(now)
        self._notice_interruption(now)
        measured = self._measure(reading) if reading and self._is_sane(now) else None
        self._expected = max(self._expected, slot_at(now.wall, self._run.interval)) + self._run.interval
        if measured is not None:
            self._record(measured)
        self._tell_state()

    def _tell_state(self) -> None:
        """Tell the open streams when what is wrong has changed."""
        if self._state != self._told:
            self._told = self._state
            self._broadcast.send(wire.state(self._told))

    async def write(self) -> None:
        """Wait for samples, write them, and then publish them."""
        await self._is_due.wait()
        self._is_due.clear()
        await self._write_waiting()
        self._publish()
        self._tell_state()

    async def flush(self) -> None:
        """Have samples that wait for their commit written, so that whoever reads the database finds them."""
        if self._commit_interval and self._unwritten and self.is_idle and self._write_error is None:
            await self._write_waiting()

    async def close(self) -> None:
        """Write what is not written yet and note the clean end."""
        try:
            async with asyncio.timeout(LAST_WRITE_S):
                while self._unwritten:
                    await self._write_once()
                await self._storage.end_run(self._clock.wall())
        except (WriteError, TimeoutError) as error:
            reason = str(error) or "the disk does not answer"
            log.error("the end of this run could not be recorded (%s): the next gap will say that it crashed", reason)

    def _read(self, now: Moment) -> Reading | None:
        try:
            counters = self._kernel.read()
        except UnreadableError as error:
            self._causes.add(Cause.UNREADABLE)
            if self._read_error is None:
                log.error("the CPU counters cannot be read (%s); trying again every %d s", error, self._run.interval)
            self._read_error = f"the CPU counters cannot be read: {error}"
            return None
        if self._read_error is not None:
            log.warning("the CPU counters can be read again")
            self._read_error = None
        return Reading(moment=now, counters=counters)

    def _notice_interruption(self, now: Moment) -> None:
        """After a sleep or a clock step nothing leads from the last tick to this one: begin anew."""
        before, self._ticked = self._ticked, now
        cause = interruption(before, now)
        if cause is None:
            return
        if cause is Cause.CLOCK:
            step = clock_step(before, now)
            log.warning("the clock was set by %+.1f s", step)
            self._clock_steps.append(ClockStep(time=int(now.wall), by_ms=round(1000 * step)))
        self._causes.add(cause)
        self._baseline = None
        self._expected = slot_at(now.wall, self._run.interval)

    def _is_sane(self, now: Moment) -> bool:
        """Whether the clock can be believed: a board without a clock of its own starts in 1970 and is set later."""
        if now.wall >= EARLIEST:
            self._clock_error = None
            return True
        if self._clock_error is None:
            log.error("the clock stands before the year 2000; nothing is recorded until it is set")
        self._clock_error = "the clock stands before the year 2000; nothing is recorded until it is set"
        self._baseline = None
        return False

    def _measure(self, reading: Reading) -> Measured | None:
        """What the reading shows since the baseline; None if it can only serve as the next baseline."""
        before = self._baseline
        if before is None:
            self._begin_at(reading)
            return None
        if was_reset(before.counters, reading.counters):
            self._causes.add(Cause.UNREADABLE)
            self._begin_at(reading)
            return None
        slot = due_slot(reading.moment.wall, self._expected, self._run.interval)
        if self._is_first and 2 * (slot - before.moment.wall) < self._run.interval:
            self._begin_at(reading)
            return None
        usage = measure(before.counters, reading.counters)
        if usage is None:
            self._causes.add(Cause.UNREADABLE)
            return None
        sample = self._sample(slot, before, reading, usage)
        if not is_possible(sample):
            self._causes.add(Cause.UNREADABLE)
            self._begin_at(reading)
            return None
        self._baseline, self._is_first = reading, False
        cause, steps = first_cause(self._causes), tuple(self._clock_steps)
        self._causes.clear()
        self._clock_steps.clear()
        return Measured(sample=sample, cause=cause, clock_steps=steps)

    def _begin_at(self, reading: Reading) -> None:
        self._baseline, self._is_first = reading, True

    def _sample(self, slot: int, before: Reading, after: Reading, usage: Usage) -> Sample:
        load, pressures = after.counters.load, (before.counters.pressure_us, after.counters.pressure_us)
        waited = None if None in pressures else max(0, pressures[1] - pressures[0])  # type: ignore[operator] # not None
        elapsed_s = after.moment.monotonic - before.moment.monotonic
        return Sample(
            time=slot,
            run=self._run.id,
            elapsed_ms=round(1000 * elapsed_s),
            ticks=usage.ticks,
            expected=round(TICKS_PER_SECOND * elapsed_s * usage.cpus),
            cores=usage.cores,
            load_centi=None if load is None else round(100 * load),
            pressure_us=waited,
            total_busy=sum(cpu.busy for cpu in after.counters.cpus.values()),
            total_all=sum(cpu.all for cpu in after.counters.cpus.values()),
        )

    def _record(self, measured: Measured) -> None:
        """Have it committed first and published after; what the database does not take is published all the same."""
        may_wait = self._may_wait(measured)
        self._newest = measured.sample
        self._keep(measured)
        self._unpublished.append(measured.sample)
        if may_wait:
            self._publish()
            return
        self._is_due.set()
        if self._writing.locked():
            self._tell_unwritten("it does not answer")
            self._publish()

    def _may_wait(self, measured: Measured) -> bool:
        """Whether it may be committed later: it only continues its minute, and the commit is not due."""
        sample, previous = measured.sample, self._newest
        if not self._commit_interval or self._write_error is not None or measured.clock_steps or previous is None:
            return False
        is_next = sample.time - previous.time == self._run.interval
        return is_next and bool(sample.time % self._commit_interval) and bool(sample.time % MINUTE)

    async def _write_waiting(self) -> None:
        """Write all samples that wait, if the database takes them."""
        async with self._writing:
            stored: list[Tick] = []
            try:
                while self._unwritten:
                    stored += await self._write_once()
                if self._storage.is_damaged or any(tick.minutes for tick in stored):
                    await self._storage.look_after(self._clock.wall())
            except WriteError as error:
                self._tell_unwritten(str(await self._look_after_storage() or error))
            else:
                self._tell_written(len(stored))
            self._untold += stored

    async def _write_once(self) -> list[Tick]:
        """Write what waits now; what that stored. Raises WriteError."""
        ticks = await self._storage.add(tuple(self._unwritten))
        written = {tick.sample.time for tick in ticks}
        self._unwritten = deque(waiting for waiting in self._unwritten if waiting.sample.time not in written)
        return ticks

    def _tell_unwritten(self, reason: str) -> None:
        if self._write_error is None:
            log.error("the database takes no samples (%s); keeping the newest %d s in memory", reason, UNWRITTEN_S)
        self._write_error = f"the database takes no samples: {reason}"

    def _tell_written(self, count: int) -> None:
        if self._write_error is not None:
            log.warning("the database takes samples again; %d were kept and are written", count)
            self._write_error = None

    def _publish(self) -> None:
        """Send the samples that wait for it, the first of them after what the ticks that are stored by now closed."""
        for sample in self._unpublished:
            ticks, self._untold = self._untold, []
            self._broadcast.publish(
                Frame(sample.time, closed=partial(wire.closed, ticks), sample=partial(wire.sampled, sample))
            )
        self._unpublished.clear()

    async def _look_after_storage(self) -> WriteError | None:
        """Have the database opened anew if it must be; why that cannot be done, if so."""
        try:
            await self._storage.look_after(self._clock.wall())
        except WriteError as error:
            return error
        return None

    def _keep(self, measured: Measured) -> None:
        self._unwritten.append(measured)
        if len(self._unwritten) > UNWRITTEN_S // self._run.interval:
            lost = self._unwritten.popleft()
            oldest = self._unwritten[0]
            cause = first_cause({lost.cause, oldest.cause, Cause.UNWRITTEN})
            steps = lost.clock_steps + oldest.clock_steps
            self._unwritten[0] = replace(oldest, cause=cause, clock_steps=steps)


async def sample_forever(recorder: Recorder) -> None:
    """Tick after tick."""
    while True:
        await recorder.tick()


async def record_forever(recorder: Recorder) -> None:
    """Write and publish what the ticks measure."""
    while True:
        await recorder.write()


async def beat_forever(clock: Clock, broadcast: Broadcast) -> None:
    """Send a beat whenever nothing else was sent for `BEAT_S`."""
    while True:
        await broadcast.is_followed.wait()
        due = broadcast.last_sent + BEAT_S
        await clock.sleep_until(due)
        if broadcast.last_sent + BEAT_S <= due:
            broadcast.send(wire.beat(clock.wall()))


async def verify_storage(storage: Storage, clock: Clock) -> None:
    """After a crash, look once at the whole database; that takes seconds for a year of it."""
    try:
        await storage.verify(clock.wall())
    except (ReadError, StorageError, WriteError) as error:
        log.error("the database could not be verified (%s)", error)
