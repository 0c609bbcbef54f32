"""Commits samples, and then has them published. A slow disk never delays a measurement."""

import asyncio
import logging

from cpusensor.kernel.clock import Clock
from cpusensor.model.records import Measured, Sample, Tick
from cpusensor.model.rollup import MINUTE
from cpusensor.recording.backlog import Backlog
from cpusensor.recording.feed import Feed
from cpusensor.recording.health import Part, Problems
from cpusensor.store.database import WriteError
from cpusensor.store.opening import History

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 0.5
"""Seconds to write what is left when the service ends: a service manager kills what takes long."""

UNWRITTEN_S = 3600
"""Seconds of samples that are queued in memory while the database refuses them."""


class Committer:
    """Queues samples, and writes them as soon as the database accepts them."""

    def __init__(self, *, clock: Clock, history: History, feed: Feed, problems: Problems, commit_interval: int) -> None:
        """`commit_interval` is how many seconds a sample may wait for its commit, at most to the end of its minute."""
        self._clock = clock
        self._history = history
        self.interval = history.runs.present.interval
        """Seconds between two samples."""
        self._feed = feed
        self.problems = problems
        self._commit_interval = commit_interval
        self._backlog = Backlog(UNWRITTEN_S // self.interval)
        self._newest: Sample | None = None
        self._is_due = asyncio.Event()
        self._is_writing = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing is due and nothing is being written."""
        return not self._is_due.is_set() and not self._is_writing

    def waiting(self) -> list[Measured]:
        """The samples that are published but not committed, in order."""
        return [one for one in self._backlog if self._feed.is_published(one.sample)]

    @property
    def oldest_waiting(self) -> int | None:
        """The time of the oldest sample that is not committed; None if all are."""
        return next((one.sample.time for one in self._backlog), None)

    def take(self, measured: Measured) -> None:
        """Queue a sample, to be committed and then published. If a commit is late, it is published first."""
        may_wait = self._may_wait(measured)
        self._newest = measured.sample
        self._backlog.append(measured)
        self._feed.add(measured.sample)
        if may_wait:
            self._feed.publish()
            return
        self._is_due.set()
        # The commit before still runs a whole interval later: readers do not wait for that disk.
        if self._is_writing:
            self._tell_unwritten("it does not answer")
            self._feed.publish()

    async def write(self) -> None:
        """Wait until a commit is due, write the queue, and then publish it; publish it too if it cannot be written."""
        await self._is_due.wait()
        # Cleared first: a sample that comes during the write makes the next one due.
        self._is_due.clear()
        self._is_writing = True
        try:
            await self._write_waiting()
        finally:
            self._is_writing = False
        self._feed.publish()
        self._feed.tell(self.problems.degraded)

    async def close(self) -> None:
        """Write the rest of the queue, and store that the run ended cleanly."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                while self._backlog:
                    await self._write_once()
                await self._history.cursors.close()
                await self._history.runs.end(self._clock.wall())
        except (WriteError, TimeoutError) as error:
            reason = str(error) or "the disk does not answer"
            log.error("the end of this run could not be recorded (%s): the next gap will say that it crashed", reason)

    def _may_wait(self, measured: Measured) -> bool:
        """Whether it may be committed later: it only continues its minute, and the commit is not due."""
        sample, previous = measured.sample, self._newest
        if not self._commit_interval or previous is None or measured.clock_steps:
            return False
        # What the database refused is tried again with every sample, since it may accept it any time.
        if self.problems.has(Part.WRITING):
            return False
        is_next = sample.time - previous.time == self.interval
        return is_next and bool(sample.time % self._commit_interval) and bool(sample.time % MINUTE)

    async def _write_waiting(self) -> None:
        stored: list[Tick] = []
        try:
            while self._backlog:
                stored += await self._write_once()
            # Once a minute: the file may have been deleted or replaced.
            if self._history.is_doubtful or any(tick.closed for tick in stored):
                await self._history.restore(self._clock.wall())
        except WriteError as error:
            self._tell_unwritten(str(await self._restore() or error))
        else:
            self._tell_written(len(stored))
        # Also after an error: what was stored before it is committed.
        self._feed.committed(stored)
        self._note_history()

    async def _write_once(self) -> list[Tick]:
        """Write what is in the queue now, and return what was stored. Raises WriteError."""
        ticks = await self._history.writer.add(tuple(self._backlog))
        self._backlog.remove(ticks)
        return ticks

    async def _restore(self) -> WriteError | None:
        """Have the file reopened or replaced if it needs to be; returns the error if that fails, else None."""
        try:
            await self._history.restore(self._clock.wall())
        except WriteError as error:
            return error
        return None

    def _tell_unwritten(self, reason: str) -> None:
        if self.problems.begin(Part.WRITING, f"the database takes no samples: {reason}"):
            log.error("the database takes no samples (%s); keeping the newest %d s in memory", reason, UNWRITTEN_S)

    def _tell_written(self, count: int) -> None:
        if self.problems.end(Part.WRITING):
            log.warning("the database takes samples again; %d were kept and are written", count)

    def _note_history(self) -> None:
        if self._history.notice is not None:
            self.problems.begin(Part.HISTORY, self._history.notice)
