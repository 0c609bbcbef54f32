"""A grid of any length, looked up slice by slice: neither its memory nor its time shows beside the recording."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from cpusensor.model.kept import Kept
from cpusensor.model.query import Answer, Grid, Query, Question
from cpusensor.outlets import wire
from cpusensor.recording.view import Pending, choose, look_up
from cpusensor.store.database import ReadError
from cpusensor.store.reader import Reader

SLICE_ELEMENTS = 4000
"""Elements that are looked up at a time: some 20 ms of the database, and 5 MB."""

SLICE_CORES = 8_000
"""Values of cores at a time: on a machine of 256 CPUs the slices are shorter."""

SLICE_S = 7 * 86_400
"""Seconds at a time, for as many rows may lie under an element of a day as there are minutes in it."""

TURNS = 2
"""Slices of all tables that are looked up at a time: the other slots are left to those who wait for a chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a table comes from."""

    reader: Reader
    now: Callable[[], float]
    """The wall-clock time, in UTC Unix seconds."""
    pending: Callable[[], Pending]
    """What the database does not have yet."""
    turns: asyncio.Semaphore
    """How many slices are looked up at a time, of all tables together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a table is about, known before any of its rows is looked up."""

    question: Question
    cpus: tuple[int, ...]
    """The numbers of the CPUs that have a column, in order; empty unless the cores are asked for."""

    def slices(self, limit: int = SLICE_ELEMENTS) -> Iterator[Grid]:
        """The parts of at most so many elements that are looked up, in order."""
        grid = self.question.grid
        return grid.slices(max(1, min(limit, SLICE_CORES // max(1, len(self.cpus)), SLICE_S // grid.step)))


async def plan_table(asked: Query, source: Source) -> Table:
    """The table that is asked for, from the first sample on. Raises BadRequestError, ReadError and GarbledError."""
    present = source.pending()
    first = await _first(source.reader, present)
    # Before it nothing is known, and there may be thousands of millions of elements.
    begin = asked.to_time if first is None else min(first, asked.to_time)
    asked = _from_kept(replace(asked, from_time=max(asked.from_time, begin)), source.reader.kept)
    question = await choose(asked, source.reader, present)
    if "cores" not in question.series:
        return Table(question=question, cpus=())
    grid = question.grid
    async with _turn(source, grid):
        cpus = await source.reader.cpus(grid.floor, grid.end, grid.step)
    samples = [one.sample for one in present.waiting if grid.floor < one.sample.time <= grid.end]
    cpus |= {core.cpu for sample in samples for core in sample.cores or ()}
    return Table(question=question, cpus=tuple(sorted(cpus)))


def _from_kept(asked: Query, kept: Kept) -> Query:
    """From where its step is kept on; one of which nothing is kept in the finest step gets one that is."""
    if asked.step is None and asked.points < asked.limit:
        return asked
    since = kept.sample if asked.step is None else kept.since(asked.step)
    is_kept = since < asked.to_time or asked.step is not None
    return replace(asked, from_time=min(max(asked.from_time, since), asked.to_time)) if is_kept else asked


async def _first(reader: Reader, present: Pending) -> int | None:
    """When the first interval that anything is known of begins; None before the first sample."""
    waiting = [one.sample.time - present.interval for one in present.waiting[:1]]
    return min((time for time in (await reader.first(), *waiting) if time is not None), default=None)


async def read_table(table: Table, source: Source, *, limit: int = SLICE_ELEMENTS) -> AsyncGenerator[Answer, None]:
    """What was recorded in each slice. Between two of them it takes nobody's place. Raises ReadError, GarbledError."""
    for part in table.slices(limit):
        async with _turn(source, part):
            found = await look_up(replace(table.question, grid=part), source.now(), source.reader, source.pending())
        # A clock that was set back meanwhile may have let other samples replace those that were there.
        if not set(wire.numbers(found)) <= {*table.cpus}:
            raise ReadError("a CPU turned up that was not known at the beginning; ask again")
        yield found


@asynccontextmanager
async def _turn(source: Source, grid: Grid) -> AsyncIterator[None]:
    """One of the reader's slots. Raises ReadError."""
    async with source.turns, source.reader.slot(grid.from_time, grid.to_time):
        yield
