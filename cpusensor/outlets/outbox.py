"""What one receiver of samples has not got yet: the database is the queue, and the newest of it is in memory too."""

from collections.abc import Sequence

from cpusensor.model.records import Sample, Tick
from cpusensor.store.opening import History

VALUES_A_BATCH = 4000
"""At most: some 100 KiB before they are compressed."""

VALUES_A_TICK = 9
"""Beside those of the cores."""

AGAIN_S = 30
"""An engine that is killed may have lost what it took so short a time before, or a little less: so much comes again."""

MAX_ALONE = 64
"""Samples in a row, refused as too old, that are sent one by one: what a minute of repeats can be, each second one."""

LOOK_AHEAD_S = 3600
"""Of the hour in which the reader says that the next sample lies."""


class Outbox:
    """The samples that follow a receiver's position, oldest first."""

    def __init__(self, key: str, history: History, recent: Sequence[Tick], *, is_whole: bool) -> None:
        """`recent` are the ticks published last; `is_whole`: without a position it gets all that is recorded."""
        self._key = key
        self._reader = history.reader.unhurried
        self._cursors = history.cursors
        self._writer = history.writer
        self._recent = recent
        self._is_whole = is_whole
        self._began = history.runs.present, history.writer.newest
        self._had_until = 0
        """Time of the newest sample that it took before it failed."""
        self._alone: int | None = None
        """How many more samples are sent one by one; 0 when that led to nothing, None while whole batches do."""
        self.interval = history.runs.present.interval
        """Seconds between two samples."""

    @property
    def is_searching(self) -> bool:
        """Whether samples are sent one by one, to find the first that it takes."""
        return bool(self._alone)

    @property
    def position(self) -> int | None:
        """The time up to which it has everything; None for one that was never sent anything."""
        return self._cursors.get(self._key)

    @property
    def behind_s(self) -> int:
        """Seconds of samples that it has not got yet."""
        newest, position = self._writer.newest, self._cursors.get(self._key)
        return max(0, newest.time - position) if newest is not None and position is not None else 0

    def taken(self, ticks: Sequence[Tick]) -> None:
        """It has all until the last of these."""
        self._alone = None
        self._cursors.move(self._key, ticks[-1].sample.time)

    def refused(self, ticks: Sequence[Tick], *, is_old: bool) -> int:
        """It refuses these for good; how many of them it will never have.

        One that takes nothing twice refuses a batch for a single sample that it has already, as after a kill of ours.
        What is too old is therefore sent one by one, until something is taken.
        """
        if is_old and len(ticks) > 1 and self._alone is None:
            self._alone = MAX_ALONE
            return 0
        if self._alone:
            self._alone -= 1
        self._cursors.move(self._key, ticks[-1].sample.time)
        return sum(tick.sample.time > self._had_until for tick in ticks)

    def failed(self) -> None:
        """It takes nothing, or was gone, and may have lost what it took last: go back, once for each time it got on."""
        position = self._cursors.get(self._key)
        if position is not None and position > self._had_until:
            self._had_until = position
            self._cursors.move(self._key, position - AGAIN_S)

    async def next(self) -> tuple[Sample | None, Sequence[Tick]]:
        """The sample at the position, if it is there, and a batch of the ticks that follow. Raises ReadError."""
        newest, position = self._writer.newest, self._cursors.get(self._key)
        if newest is None or position is None:
            return None, ()
        # The clock was set back: what is recorded since lies before what was sent.
        if position > newest.time:
            position = newest.time - self.interval
            self._cursors.move(self._key, position)
        limit = 1 if self._alone else max(1, VALUES_A_BATCH // (VALUES_A_TICK + len(newest.cores or ())))
        recent = [one for one in self._recent if position <= one.sample.time <= newest.time]
        if recent and recent[-1].sample.time - position == self.interval * (len(recent) - 1):
            return recent[0].sample, recent[1 : limit + 1]
        return await self._read(position, newest.time, limit)

    async def begin(self) -> None:
        """Give a receiver that was never sent anything its position. Raises ReadError."""
        if self._cursors.get(self._key) is None:
            present, newest = self._began
            first = await self._reader.first() if self._is_whole else None
            begin = newest.time if newest is not None else present.started
            self._cursors.move(self._key, begin if first is None else first)

    async def _read(self, position: int, newest: int, limit: int) -> tuple[Sample | None, Sequence[Tick]]:
        """As `next`, from the database."""
        span = limit * self.interval
        ticks = await self._reader.ticks_after(position - 1, min(position + span, newest))
        before = ticks.pop(0).sample if ticks and ticks[0].sample.time == position else None
        if not ticks and position + span < newest:
            later, span = await self._reader.next_after(position + span), max(span, LOOK_AHEAD_S)
            if later is not None:
                # From the position, so that the gap between the two is found with the one that ends it.
                ticks = await self._reader.ticks_after(position, min(later + span, newest))
        return before, ticks[:limit]
