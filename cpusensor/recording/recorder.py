"""The background loops: one samples, one commits, one sends beats to silent streams."""

import logging
from collections.abc import Callable
from contextlib import suppress

from cpusensor.kernel.clock import Clock
from cpusensor.kernel.counters import Kernel, UnreadableError
from cpusensor.kernel.reading import Readings
from cpusensor.model.gaps import restart_cause
from cpusensor.model.grid import slot_at
from cpusensor.model.records import Cause, Counters, Health, Moment, OpenGap, Sample
from cpusensor.outlets import wire
from cpusensor.outlets.broadcast import Broadcast
from cpusensor.recording.backlog import Backlog
from cpusensor.recording.clock_trust import ClockTrust
from cpusensor.recording.committer import UNWRITTEN_S, Committer
from cpusensor.recording.feed import Feed
from cpusensor.recording.health import RECOVERED, Part, Problems
from cpusensor.recording.sampler import Sampler
from cpusensor.store.opening import History
from cpusensor.store.runs import reached_by_earlier_boot

log = logging.getLogger(__name__)

BEAT_S = 10.0
"""Seconds after which a silent stream gets a beat: proxies end a connection that is idle for 30 to 60 s."""

SILENT_INTERVALS = 3
"""Intervals without a tick after which the service reports that it hangs: one or two may be lost to a busy machine."""


class Recorder:
    """Takes a reading at every slot, and has the sample committed that it completes. `start_recorder` makes one."""

    def __init__(
        self, *, readings: Readings, feed: Feed, committer: Committer, sampler: Sampler, trust: ClockTrust
    ) -> None:
        self.on_sample: Callable[[Sample], None] = _ignore
        """Is given each sample as soon as it is measured, and may not wait."""
        self._clock = readings.clock
        self._readings = readings
        self._feed = feed
        self._sampler = sampler
        self._problems = committer.problems
        self._interval = committer.interval
        self._undated = Backlog(UNWRITTEN_S // self._interval)
        self.committer = committer
        self._trust = trust

    def health(self) -> Health:
        """Whether the sampling loop runs, and what is wrong."""
        silence = self._clock.now().monotonic - self._sampler.last.monotonic
        if silence > SILENT_INTERVALS * self._interval:
            return Health(is_ticking=False, degraded=f"no tick for {silence:.0f} s")
        return Health(is_ticking=True, degraded=self._problems.degraded)

    def open_gap(self) -> OpenGap | None:
        """The gap that goes on now; None while there are samples."""
        if not self._sampler.signs.is_blind:
            return None
        newest = self._feed.newest
        from_time = newest.time if newest else slot_at(self._trust.began.wall, self._interval)
        return OpenGap(from_time=from_time, cause=Cause.UNREADABLE)

    @property
    def seconds_left(self) -> float:
        """Until the next reading is due."""
        return self._sampler.due - self._clock.now().monotonic

    async def tick(self) -> None:
        """Wait for the next slot, take a reading, and queue its sample; never waits for the disk."""
        await self._clock.sleep_until(self._sampler.due)
        now, counters = await self._read()
        measured = self._sampler.take(now, counters)
        # Before the sample is queued: it may be the one that shows that the clock is wrong.
        self._follow_clock(now)
        if measured is not None and self._trust.doubt is None:
            self.on_sample(measured.sample)
            self.committer.take(measured)
        elif measured is not None:
            self._undated.append(measured)
        self._tell_signs()
        self._feed.tell(self._problems.degraded)

    async def close(self) -> None:
        """Write the rest of the queue, and store that the run ended cleanly."""
        if self._undated:
            log.warning("%d samples are lost: nobody set the clock that they were measured by", len(self._undated))
        await self.committer.close()

    async def _read(self) -> tuple[Moment, Counters | None]:
        """The instant, and the counters that were read at it; None for counters that cannot be read."""
        try:
            reading = await self._readings.take()
        except UnreadableError as error:
            if self._problems.begin(Part.READING, f"the CPU counters cannot be read: {error}"):
                log.error("the CPU counters cannot be read (%s); trying again every %d s", error, self._interval)
            return self._clock.now(), None
        if self._problems.end(Part.READING):
            log.warning("the CPU counters can be read again")
        return reading.moment, reading.counters

    def _follow_clock(self, now: Moment) -> None:
        """Note a step of the clock; once the clock is trusted, queue the samples of before with their right times."""
        step_s = self._sampler.signs.clock_step_s
        if not step_s and self._trust.doubt is None:
            return
        if step_s:
            log.warning("the clock was set by %+.1f s", step_s)
        if self._trust.follow(now, step_s):
            self._take_undated()
        self._note(Part.CLOCK, self._trust.doubt)

    def _take_undated(self) -> None:
        """Have recorded what was measured while the clock was in doubt."""
        undated, self._undated = self._undated, Backlog(UNWRITTEN_S // self._interval)
        dated = [one for one in map(self._trust.correct_time, undated) if one is not None]
        for measured in dated:
            self.committer.take(measured)
        if lost := len(undated) - len(dated):
            log.warning("%d samples are lost: they fall where an earlier boot recorded", lost)

    def _tell_signs(self) -> None:
        signs = self._sampler.signs
        # At nearly every tick: no problem can begin, and none that was reported can end.
        if signs.are_good and self._problems.degraded is None:
            return
        # Counters that cannot be read are a problem of READING already.
        self._note(Part.SAMPLING, None if self._problems.has(Part.READING) else signs.blindness)
        self._note(Part.CPUS, signs.missing_cpus)
        self._note(Part.COUNTING, signs.miscount)

    def _note(self, part: Part, problem: str | None) -> None:
        """Note the problem of a part, None for none; log its beginning and its end."""
        if problem is None:
            if self._problems.end(part):
                log.warning("%s", RECOVERED[part])
        elif self._problems.begin(part, problem):
            log.error("%s", problem)


def _ignore(_: Sample) -> None:
    """Nobody wants to know."""


async def start_recorder(
    *, clock: Clock, kernel: Kernel, history: History, feed: Feed, commit_interval: int
) -> Recorder:
    """A recorder that has taken its first reading, the baseline of the first sample.

    `commit_interval` is the number of seconds that a sample may wait for its commit.
    """
    run, readings = history.runs.present, Readings(kernel, clock)
    causes = [restart_cause(previous, run) for previous in history.runs.preceding(history.writer.newest)]
    problems = Problems()
    if history.notice is not None:
        problems.begin(Part.HISTORY, history.notice)
    committer = Committer(clock=clock, history=history, feed=feed, problems=problems, commit_interval=commit_interval)
    # Without a first reading the service starts all the same, and samples from the first one that succeeds.
    counters, now = None, clock.now()
    with suppress(UnreadableError):
        reading = await readings.take()
        now, counters = reading.moment, reading.counters
    sampler = Sampler(run, causes, now, counters)
    trust = ClockTrust(now, await reached_by_earlier_boot(history.runs), run.interval)
    return Recorder(readings=readings, feed=feed, committer=committer, sampler=sampler, trust=trust)


async def sample_forever(recorder: Recorder) -> None:
    """Take a sample at every slot."""
    while True:
        await recorder.tick()


async def record_forever(committer: Committer) -> None:
    """Write and publish the samples as they become due."""
    while True:
        await committer.write()


async def beat_forever(clock: Clock, broadcast: Broadcast) -> None:
    """Send a beat whenever nothing else was sent for `BEAT_S`."""
    while True:
        await broadcast.is_followed.wait()
        due = broadcast.last_sent + BEAT_S
        await clock.sleep_until(due)
        # Something may have been sent meanwhile, which puts the next beat off.
        if broadcast.last_sent + BEAT_S <= due:
            broadcast.send(wire.beat(clock.wall()))
