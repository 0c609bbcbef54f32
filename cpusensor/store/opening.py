"""Opens the history, and restores it whenever its file is missing, unreachable or broken."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from cpusensor.model.grid import REPLAY_S
from cpusensor.model.rollup import TIERS, Tier
from cpusensor.store.adoption import Adoption
from cpusensor.store.backfill import Backfill
from cpusensor.store.backup import Backup
from cpusensor.store.baselines import Baselines
from cpusensor.store.blames import Blames
from cpusensor.store.columns import GarbledError
from cpusensor.store.culprits import Culprits
from cpusensor.store.cursors import Cursors
from cpusensor.store.database import Database, ReadError, WriteError, is_damage
from cpusensor.store.file import BrokenError, Lock, StorageError, hold_lock, identity
from cpusensor.store.limit import Limit
from cpusensor.store.reader import Reader
from cpusensor.store.replacing import Replacing
from cpusensor.store.rollups import Rollups
from cpusensor.store.runs import Runs
from cpusensor.store.sealing import Sealing
from cpusensor.store.seals import Seals
from cpusensor.store.soundness import Doubt
from cpusensor.store.summaries import Summaries
from cpusensor.store.writer import Writer


class History:
    """The history in an open database: its runs, its writer, its reader. `open_history` makes one."""

    def __init__(self, path: Path, lock: Lock, tiers: Sequence[Tier], max_bytes: int | None = None) -> None:
        self._backup = Backup(path)
        database = Database(path, self._backup.begin)
        seals = Seals(database)
        rollups = Rollups(database, seals, tiers)
        self.runs = Runs(database)
        self.cursors = Cursors(database)
        self.writer = Writer(database, self.runs, rollups, seals, self.cursors)
        self.reader = Reader(database, self.runs, rollups, tiers)
        self.summaries = Summaries(database, self.reader, rollups, tiers)
        self.blames = Blames(database)
        self.baselines = Baselines(database)
        self.culprits = Culprits(database)
        self._database = database
        self._rollups = rollups
        self._replacing = Replacing(database, lock)
        self._adoption = Adoption(database, rollups)
        self.backfill = Backfill(database, rollups, tiers)
        self.sealing = Sealing(database, rollups, seals)
        self.limit = Limit(database, rollups, max_bytes)

    async def open(self, now: float) -> None:
        """Open the file, whatever state it is in, and learn what it holds.

        Raises StorageError if there is no file that may and can be used.
        """
        self._backup.tidy()
        aside = await self._replacing.open_or_replace(now)
        try:
            await self._learn(aside, now)
            # The streams need this hour next: a broken file is better found before a reader waits for it.
            if self.writer.newest is not None:
                await self.reader.ticks_after(self.writer.newest.time - REPLAY_S, now)
        except (GarbledError, ReadError, WriteError, sqlite3.Error) as error:
            if self._database.soundness.doubt < Doubt.DAMAGED and not isinstance(error, GarbledError):
                raise
            # Once only: what fails in a new file is the fault of the disk.
            await self._learn(await self._replacing.replace(str(error), now), now)

    async def restore(self, now: float) -> None:
        """Mend damaged rollups, and reopen or replace a file that is in doubt or to which the path does not lead.

        To be called once a minute and after a failed write. Raises WriteError if no sound file can be opened.
        """
        if self._rollups.are_damaged:
            async with self._database.transaction():
                await self._rollups.mend()
        if self._database.damage.lost:
            await self._mark_lost()
        soundness = self._database.soundness
        if soundness.doubt is Doubt.NONE and identity(self._database.path) == self._database.opened:
            return
        try:
            # Reopening cannot help: SQLite reads garbled values without noticing.
            if soundness.doubt is Doubt.GARBLED:
                aside: Path | None = await self._replacing.replace(soundness.reason, now)
            elif soundness.doubt is Doubt.DAMAGED:
                # Asked again on new connections, for the disk may have been at fault and not the file.
                aside = await self._replacing.reopen(now) or await self._replacing.replace_if_damaged(now)
            else:
                aside = await self._replacing.reopen(now)
            await self._learn(aside, now)
        except (GarbledError, ReadError, StorageError, BrokenError, sqlite3.Error, OSError) as error:
            soundness.question(_doubt_after(error), str(error))
            raise WriteError(str(error)) from error

    async def _mark_lost(self) -> None:
        """Store gaps in the place of sealed hours that cannot be read. Raises WriteError."""
        lost = self._database.damage.lost
        try:
            async with self._database.transaction():
                await self.writer.mark_lost(lost)
        except GarbledError as error:
            self._database.soundness.question(Doubt.GARBLED, str(error))
        lost.clear()
        self._rollups.changes += 1

    async def verify(self, now: float) -> None:
        """Have SQLite check the whole file, and replace it if it is damaged. Raises ReadError and StorageError."""
        aside = await self._replacing.replace_if_damaged(now)
        if aside is not None:
            await self._learn(aside, now)

    @property
    def notice(self) -> str | None:
        """That the history is lost or was broken, in words for a person; None if all is well."""
        return self._replacing.notice

    @property
    def revision(self) -> tuple[int, int]:
        """Changes whenever something other than the end of the history does."""
        return self._rollups.changes, self.backfill.left_s

    @property
    def is_being_completed(self) -> bool:
        """Whether older history is still to be added up, or to be taken from a file that was broken."""
        return self.backfill.is_pending or self._adoption.is_running

    @property
    def is_doubtful(self) -> bool:
        """Whether the file looks damaged or garbled, so that `restore` has work to do."""
        return self._database.soundness.doubt >= Doubt.DAMAGED

    def stop_queries(self) -> None:
        """Interrupt every query that runs or waits, so that none of them delays the end."""
        self._database.stop_queries()

    async def close(self) -> None:
        """Close the database, and interrupt the queries, the salvage and the copy that still run."""
        await self._adoption.close()
        await self._backup.close()
        await self._database.close()

    async def _learn(self, aside: Path | None, now: float) -> None:
        """Load what the open file holds, and copy into it what can be read of a broken one that was set aside.

        Its runs and newest span are copied at once, for the next gap is computed from them; the rest follows in a task.
        """
        if aside is not None:
            await self._adoption.take_in_newest(aside, now)
        async with self._database.transaction():
            await self.runs.load()
            await self.writer.load(now)
            await self._rollups.close_left(int(now))
            await self.backfill.load()
            await self.blames.load(now)
            await self.cursors.load()
        await self.runs.resume()
        if aside is not None:
            # What names were read last may be in the rest, and the sums that go on from it.
            self._adoption.take_in_rest(lambda: self.blames.load(max(now, self.blames.newest)))


def _doubt_after(error: Exception) -> Doubt:
    """What is wrong with a file that could not be restored because of the error."""
    if isinstance(error, GarbledError):
        return Doubt.GARBLED
    return Doubt.DAMAGED if is_damage(error) else Doubt.UNREACHABLE


@asynccontextmanager
async def open_history(
    path: Path, now: float, tiers: Sequence[Tier] = TIERS, *, max_bytes: int | None = None
) -> AsyncIterator[History]:
    """The history in the database at `path`, made if it is missing, locked against any other process.

    `max_bytes` is how large the file may be.

    Raises StorageError, and then has not touched the file, if it is foreign, newer, in use or not writable. One that is
    broken is set aside under a dated name, and a new one takes in what can still be read of it.
    """
    with hold_lock(path) as lock:
        history = History(path, lock, tiers, max_bytes)
        try:
            try:
                await history.open(now)
            except (ReadError, WriteError) as error:
                raise StorageError(f"{path}: cannot be used ({error}); check its disk or set --db") from error
            yield history
        finally:
            await history.close()
