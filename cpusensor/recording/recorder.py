"""The loops: one takes the samples, one commits them, one keeps silent streams alive."""

import logging

from cpusensor.kernel.clock import Clock
from cpusensor.kernel.counters import Kernel, UnreadableError
from cpusensor.model.gaps import restart_cause
from cpusensor.model.records import Counters, Health, Reading
from cpusensor.outlets import wire
from cpusensor.outlets.broadcast import Broadcast
from cpusensor.recording.committer import Committer
from cpusensor.recording.feed import Feed
from cpusensor.recording.health import Part, Problems
from cpusensor.recording.sampler import Sampler
from cpusensor.store.database import ReadError, WriteError
from cpusensor.store.file import StorageError
from cpusensor.store.opening import History

log = logging.getLogger(__name__)

BEAT_S = 10.0
"""No stream is silent for longer."""

SILENT_INTERVALS = 3
"""After how many intervals without a tick the service says that it is not alive."""

NO_CLOCK = "the clock stands before the year 2000; nothing is recorded until it is set"


class Recorder:
    """Takes a reading at every grid point and has recorded what it shows."""

    def __init__(self, *, clock: Clock, kernel: Kernel, history: History, feed: Feed, commit_interval: int) -> None:
        """`commit_interval` is how many seconds a sample may wait for its commit."""
        self._clock = clock
        self._kernel = kernel
        self._feed = feed
        self._interval = history.runs.present.interval
        self._problems = Problems()
        self.committer = Committer(history=history, feed=feed, problems=self._problems, commit_interval=commit_interval)
        if history.notice is not None:
            self._problems.begin(Part.HISTORY, history.notice)
        self._sampler = self._begin(history)

    def health(self) -> Health:
        """Whether the loop ticks, and what it lacks."""
        silence = self._clock.now().monotonic - self._sampler.last.monotonic
        if silence > SILENT_INTERVALS * self._interval:
            return Health(is_ticking=False, degraded=f"no tick for {silence:.0f} s")
        return Health(is_ticking=True, degraded=self._problems.degraded)

    async def tick(self) -> None:
        """Wait for the next grid point, take a reading, and have it recorded: no disk ever bends the grid."""
        await self._clock.sleep_until(self._sampler.due)
        now = self._clock.now()
        counters = self._read()
        measured = self._sampler.take(now, counters)
        self._note_clock()
        if measured is not None:
            self.committer.take(measured)
        self._feed.tell(self._problems.degraded)

    async def write(self) -> None:
        """Wait for samples, write them, and then publish them."""
        await self.committer.is_due()
        await self.committer.write(self._clock.wall())

    async def close(self) -> None:
        """Write what is not written yet and note the clean end."""
        await self.committer.close(self._clock.wall())

    def _begin(self, history: History) -> Sampler:
        """The sampler, with what to blame for the time since the newest sample, and its first reading."""
        run, now = history.runs.present, self._clock.now()
        causes = [restart_cause(previous, run) for previous in history.runs.preceding(history.writer.newest)]
        counters = self._read()
        return Sampler(run, causes, Reading(moment=now, counters=counters) if counters else now)

    def _read(self) -> Counters | None:
        try:
            counters = self._kernel.read()
        except UnreadableError as error:
            if self._problems.begin(Part.READING, f"the CPU counters cannot be read: {error}"):
                log.error("the CPU counters cannot be read (%s); trying again every %d s", error, self._interval)
            return None
        if self._problems.end(Part.READING):
            log.warning("the CPU counters can be read again")
        return counters

    def _note_clock(self) -> None:
        if self._sampler.clock_step_s:
            log.warning("the clock was set by %+.1f s", self._sampler.clock_step_s)
        if self._sampler.is_clock_set:
            self._problems.end(Part.CLOCK)
        elif self._problems.begin(Part.CLOCK, NO_CLOCK):
            log.error(NO_CLOCK)


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


async def verify_after_crash(history: History, clock: Clock) -> None:
    """After a crash, look once at the whole database; that takes seconds for a year of it."""
    try:
        await history.verify(clock.wall())
    except (ReadError, StorageError, WriteError) as error:
        log.error("the database could not be verified (%s)", error)
