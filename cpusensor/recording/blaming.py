"""Reads who used the CPU, in a thread of its own, which can neither delay nor fail a tick."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import SimpleQueue

from cpusensor.kernel.clock import Clock, thread_cpu_us
from cpusensor.model.accounts import AccountReader, Accounts, Baseline, Sight
from cpusensor.model.attribution import Attribution, Recorded
from cpusensor.model.blame import Blame
from cpusensor.model.figures import TICKS_PER_SECOND
from cpusensor.model.gaps import is_plausible
from cpusensor.model.records import Run, Sample
from cpusensor.recording.pace import Pace

log = logging.getLogger(__name__)

TICK_US = 1_000_000 // TICKS_PER_SECOND

CLOSE_TIMEOUT_S = 0.5
"""How long the end of the service waits for a reading that has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A reading to be taken."""

    recorded: Recorded
    """What it is to explain."""
    is_baseline: bool
    """Whether it explains nothing, because the one before it cannot be compared with it."""
    newest: Sample
    """At whose end it is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it."""

    asked: Asked
    blame: Blame | None
    """None of a baseline, and of a reading that failed."""
    cost_us: int
    """CPU time that it took."""
    accounts: Accounts | None = None
    """What was read; None of a reading that failed."""
    error: str | None = None
    """Why it failed."""


class Blaming:
    """Takes the samples, has the accounts read when that is due, and delivers who used the CPU since the last time."""

    def __init__(
        self, reader: AccountReader, clock: Clock, run: Run, deliver: Callable[[Blame, Baseline], None]
    ) -> None:
        """`deliver` is called in the event loop, also with what the next reading is counted from."""
        self._reading = ReadingThread(reader, clock, self._finish)
        self.sight = reader.sight
        """What keeps names from being read."""
        self.error: str | None = None
        """Why they could not be read the last time."""
        self._boot_id, self._interval = run.boot_id, run.interval
        self._deliver = deliver
        self._pace = Pace()
        self._previous: Sample | None = None
        self._recorded: Recorded | None = None
        self._is_comparable = False
        self._outage: Baseline | None = None
        """What an earlier run read last, until the first sample."""

    @property
    def every_s(self) -> int | None:
        """Seconds between two readings while the CPUs work; None where nothing can be seen."""
        return None if self.sight is Sight.BLIND else max(self._interval, self._pace.every_s)

    @property
    def is_reading(self) -> bool:
        """Whether a reading is under way."""
        return self._reading.is_busy

    def start(self, before: Baseline | None = None) -> None:
        """Begin to read, unless there is nothing to be seen; from what an earlier run of this boot read last."""
        if self.sight is Sight.BLIND:
            return
        if before is not None and self._reading.resume(before, self._interval):
            self._outage = before
        self._reading.start()

    async def close(self) -> None:
        """End the thread. A reading that has begun is waited for, but not for long."""
        await self._reading.close()

    def offer(self, sample: Sample) -> None:
        """Take a sample as soon as it is measured. Never waits."""
        if not self._reading.is_alive:
            return
        if not self._follows(sample):
            self._is_comparable, self._recorded = False, None
        self._recorded = _extended(self._recorded, self._previous, sample)
        self._previous = sample
        outage, self._outage = self._outage, None
        if outage is not None and (over := _over(outage, sample)) is not None:
            self._is_comparable, self._recorded = True, over
            self._read(sample)
            return
        if not self._reading.is_busy and self._is_due(sample):
            self._read(sample)

    def _read(self, sample: Sample) -> None:
        if self._recorded is not None:
            self._pace.begin(sample.time)
            self._reading.ask(Asked(recorded=self._recorded, is_baseline=not self._is_comparable, newest=sample))
            self._is_comparable, self._recorded = True, None

    def _is_due(self, sample: Sample) -> bool:
        figures = sample.figures
        return not self._is_comparable or self._pace.is_due(sample.time, figures.elapsed_ms, figures.busy * TICK_US)

    def _follows(self, sample: Sample) -> bool:
        """Whether the counters of the CPUs have recorded all the time since the sample before."""
        if self._previous is None:
            return False
        unrecorded_s = sample.time - self._previous.time - sample.figures.elapsed_ms / 1000
        return abs(unrecorded_s) < self._interval

    def _finish(self, outcome: Outcome) -> None:
        """Take what became of a reading; called in the event loop."""
        if outcome.error is not None and self.error is None:
            log.error("who uses the CPU cannot be read (%s); trying again", outcome.error)
        elif outcome.error is None and self.error is not None:
            log.warning("who uses the CPU can be read again")
        self.error = outcome.error
        if outcome.error is not None:
            self._is_comparable = False
        if outcome.blame is not None and outcome.accounts is not None:
            self._pay(outcome.asked.recorded, outcome.cost_us)
            newest = outcome.asked.newest
            baseline = Baseline(
                time=newest.time,
                boot_id=self._boot_id,
                total_busy=newest.total_busy,
                total_all=newest.total_all,
                accounts=outcome.accounts,
            )
            self._deliver(outcome.blame, baseline)

    def _pay(self, recorded: Recorded, cost_us: int) -> None:
        was = self._pace.doublings
        self._pace.pay(recorded.since, recorded.time, recorded.busy_us, cost_us)
        if bool(was) != bool(self._pace.doublings):
            log.warning("who uses the CPU is read every %d s: a reading takes %d ms", self.every_s, cost_us // 1000)


class ReadingThread:
    """Reads the accounts when it is asked to, and tells the event loop what came of it."""

    def __init__(self, reader: AccountReader, clock: Clock, finish: Callable[[Outcome], None]) -> None:
        now = clock.now()
        self._reader = reader
        self._clock = clock
        self._finish = finish
        self._attribution = Attribution(now.wall - now.boottime)
        self._loop = asyncio.get_running_loop()
        self._asked: SimpleQueue[Asked | None] = SimpleQueue()
        # A daemon, because a process would wait for any other thread before it ends.
        self._thread = threading.Thread(target=self._read_forever, name="names", daemon=True)
        self.is_busy = False
        """Whether a reading is under way."""

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._thread.is_alive()

    def resume(self, before: Baseline, tolerance_s: float) -> bool:
        """Count from what an earlier run read last; False if it cannot be compared, as after the clock was set."""
        now = self._clock.now()
        step_s = (now.wall - before.time) - (now.boottime - before.accounts.boottime)
        if abs(step_s) > tolerance_s or not self._reader.resume(before.accounts):
            return False
        self._attribution.begin(before.accounts)
        return True

    def start(self) -> None:
        """Begin to wait for what is asked."""
        self._thread.start()

    def ask(self, asked: Asked) -> None:
        """Have a reading taken."""
        self.is_busy = True
        self._asked.put(asked)

    async def close(self) -> None:
        """End the thread, once the present reading is over; that is not waited for for long."""
        self._asked.put(None)
        if self.is_alive:
            await asyncio.to_thread(self._thread.join, CLOSE_TIMEOUT_S)

    def _read_forever(self) -> None:
        while (asked := self._asked.get()) is not None:
            outcome = self._read(asked)
            # The loop may have been closed meanwhile.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._tell, outcome)
        self._reader.close()

    def _tell(self, outcome: Outcome) -> None:
        self.is_busy = False
        self._finish(outcome)

    def _read(self, asked: Asked) -> Outcome:
        began_us = thread_cpu_us()
        try:
            accounts = self._reader.read(self._clock.now().boottime)
            blame = self._attribute(accounts, asked)
        except OSError as error:
            return Outcome(asked=asked, blame=None, cost_us=0, error=f"{type(error).__name__}: {error}")
        except Exception as error:
            # Whatever is wrong with names, the recording goes on, and the page says that there are none.
            log.exception("reading who uses the CPU failed")
            return Outcome(asked=asked, blame=None, cost_us=0, error=f"{type(error).__name__}: {error}")
        return Outcome(asked=asked, blame=blame, cost_us=thread_cpu_us() - began_us, accounts=accounts)

    def _attribute(self, accounts: Accounts, asked: Asked) -> Blame | None:
        if asked.is_baseline:
            self._attribution.begin(accounts)
            return None
        return self._attribution.take(accounts, asked.recorded)


def _extended(recorded: Recorded | None, previous: Sample | None, sample: Sample) -> Recorded:
    """What is recorded since the last reading, with one more sample."""
    busy_us, all_us = sample.figures.busy * TICK_US, sample.figures.all * TICK_US
    if recorded is None:
        since = sample.time if previous is None else previous.time
        return Recorded(time=sample.time, since=since, busy_us=busy_us, all_us=all_us)
    return replace(recorded, time=sample.time, busy_us=recorded.busy_us + busy_us, all_us=recorded.all_us + all_us)


def _over(outage: Baseline, sample: Sample) -> Recorded | None:
    """What the CPUs have counted since a baseline; None where their counters do not tell, as after a suspension."""
    passed_s, busy = sample.time - outage.time, sample.total_busy - outage.total_busy
    every = sample.total_all - outage.total_all
    if passed_s <= 0 or not 0 <= busy <= every or not is_plausible(passed_s, every, len(sample.cores or ())):
        return None
    return Recorded(time=sample.time, since=outage.time, busy_us=busy * TICK_US, all_us=every * TICK_US)
