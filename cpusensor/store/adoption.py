"""Copies what can still be read of a broken database into the new one: the newest span at once, the rest later."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from threading import Event

from cpusensor.model.rollup import TIERS
from cpusensor.store.columns import RUN_COLUMNS
from cpusensor.store.database import Database, WriteError
from cpusensor.store.limit import KEEP_FROM
from cpusensor.store.names import NAME_COLUMNS, UNKNOWN
from cpusensor.store.rollups import Rollups
from cpusensor.store.salvage import SPAN_S, TABLES, Salvage, salvage_history, salvage_kept, salvage_names, salvage_runs
from cpusensor.store.statements import insert

log = logging.getLogger(__name__)

LOST_NAMES = 1 << 16
"""Of the newest names more cannot be lost: a page holds some hundred."""

_ADOPT_SAMPLES = f"""INSERT OR IGNORE INTO run({RUN_COLUMNS})
    SELECT run, '', min(time), NULL, 5, '' FROM sample WHERE run NOT IN (SELECT id FROM run) GROUP BY run"""
"""Samples whose run could not be salvaged get a run of which nothing is known but that it has these samples."""

_DROP_OFF_GRID = """DELETE FROM sample WHERE time > ? AND time <= ?
    AND time % (SELECT interval FROM run WHERE run.id = sample.run) <> 0"""
"""A salvaged sample whose time is no slot of its run has a garbled time."""

_DROP_FALSE_GAPS = """DELETE FROM gap WHERE from_time > coalesce((SELECT kept_from FROM tier WHERE name = 'sample'), 0)
    AND (from_time NOT IN (SELECT time FROM sample) OR NOT EXISTS(SELECT 1
        FROM sample JOIN run ON run.id = sample.run WHERE sample.time = gap.to_time + run.interval AND NOT EXISTS(
            SELECT 1 FROM sample AS inside WHERE inside.time > gap.from_time AND inside.time < sample.time)))"""
"""Gaps that no longer lie between two neighbouring samples: _MARK_LOST stores the wider ones instead.

Those of samples that were given up stay, for nothing is left to judge them by.
"""

_MARK_LOST = """INSERT OR IGNORE INTO gap(from_time, to_time, cause)
    SELECT previous, time - interval, 'unwritten'
    FROM (SELECT lag(time) OVER (ORDER BY time) AS previous, time, run FROM sample) AS pair
    JOIN run ON run.id = pair.run
    WHERE time - interval > previous"""
"""Stores a gap wherever samples are missing, as after any other loss."""


_LEAVE_ROOM = f"INSERT OR REPLACE INTO name(id, text) SELECT coalesce(max(id), 0) + {LOST_NAMES}, '{UNKNOWN}' FROM name"
"""The numbers of names that were lost are not given again: rows may refer to them."""


class Adoption:
    """Copies one broken database at a time, the newest span first."""

    def __init__(self, database: Database, rollups: Rollups) -> None:
        self._database = database
        self._rollups = rollups
        self._closing = Event()
        self._aside: Path | None = None
        self._spans: Iterator[Salvage] = iter(())
        self._task: asyncio.Task[None] | None = None

    async def take_in_newest(self, aside: Path, now: float) -> None:
        """Copy the runs and the newest span. Raises sqlite3.Error and WriteError."""
        self._aside, self._spans = aside, salvage_history(aside, now, self._closing.is_set)
        await self._take_in_runs(aside)
        await self._take_in_names(aside)
        # First, for what is older has no samples to be added up from.
        await self._take_in_kept(aside, now)
        # In a thread: a broken file may cost seconds, in which the recording must go on.
        newest = await asyncio.to_thread(next, self._spans, None)
        if newest is not None:
            await self._take_in(newest)

    @property
    def is_running(self) -> bool:
        """Whether spans are still to be copied."""
        return self._task is not None and not self._task.done()

    def take_in_rest(self, learn: Callable[[], Awaitable[None]]) -> None:
        """Start a task that copies the older spans while the recording goes on; at its end it calls `learn`."""
        self._task = asyncio.create_task(self._take_in_rest(self._aside, self._spans, learn), name="salvage")
        self._task.add_done_callback(_report)

    async def close(self) -> None:
        """Stop reading, and wait for the task to end."""
        # The thread is not ended by cancelling its task: it looks at the event.
        self._closing.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _take_in_runs(self, aside: Path) -> None:
        try:
            rows = await asyncio.to_thread(salvage_runs, aside)
        except sqlite3.Error as error:
            # Without its run a sample is still worth having; _ADOPT_SAMPLES makes one up.
            log.error("the runs in %s cannot be read (%s)", aside, error)
            return
        async with self._database.transaction():
            await self._database.execute_many(insert("run", RUN_COLUMNS, on_conflict="IGNORE"), rows)

    async def _take_in_names(self, aside: Path) -> None:
        try:
            rows = await asyncio.to_thread(salvage_names, aside)
        except sqlite3.Error as error:
            log.error("the names in %s cannot be read (%s)", aside, error)
            rows = []
        async with self._database.transaction():
            await self._database.execute_many(insert("name", NAME_COLUMNS, on_conflict="IGNORE"), rows)
            await self._database.execute(_LEAVE_ROOM)

    async def _take_in_kept(self, aside: Path, now: float) -> None:
        """Keep where samples and minutes begin in a file that was limited."""
        kept = await asyncio.to_thread(salvage_kept, aside, now)
        async with self._database.transaction():
            for name, time in asdict(kept).items():
                if time:
                    await self._database.execute(KEEP_FROM, (name, time))
        self._rollups.kept = kept

    async def _take_in(self, span: Salvage) -> None:
        """Copy the rows of a span. A row that the new database refuses is left out like an unreadable one."""
        async with self._database.transaction():
            for table, rows in span.rows.items():
                await self._database.execute_many(insert(table, TABLES[table].columns, on_conflict="IGNORE"), rows)
            await self._database.execute(_DROP_OFF_GRID, (span.end - SPAN_S, span.end))
            # The stored rollups may have lost samples, or hold garbled ones: they are made again.
            times = {row[0] for table in ("sample", TIERS[1].name) for row in span.rows.get(table, ())}
            await self._rollups.close_all(sorted(times))

    async def _take_in_rest(
        self, aside: Path | None, spans: Iterator[Salvage], learn: Callable[[], Awaitable[None]]
    ) -> None:
        """Copy the older spans; then mark what is lost as gaps."""
        try:
            while (span := await asyncio.to_thread(next, spans, None)) is not None:
                await self._take_in(span)
        except sqlite3.Error as error:
            log.error("nothing more can be read of %s (%s)", aside, error)
        # In this order: a gap can only be judged by the samples that have a run.
        try:
            async with self._database.transaction():
                for statement in (_ADOPT_SAMPLES, _DROP_FALSE_GAPS, _MARK_LOST):
                    await self._database.execute(statement)
                await learn()
        except WriteError as error:
            log.error("what was lost with %s could not be marked as a gap (%s)", aside, error)
        else:
            log.warning("all that can be read of %s is in the new database", aside)


def _report(salvage: asyncio.Task[None]) -> None:
    error = None if salvage.cancelled() else salvage.exception()
    if error is not None:
        log.error("not all of the broken database was taken into the new one", exc_info=error)
