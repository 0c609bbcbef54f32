"""A database with more history than a test can wait for."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from cpusensor.model.records import Sample
from cpusensor.store.opening import open_history
from tests.samples import measured, sample

STEP = 60
"""Seconds between two samples."""
WEEK = 604_800
QUIET, BUSY = 100, 900
"""Of 1000 ticks."""


def record(path: Path, end: int) -> None:
    """A year of which an hour in each week was recorded, and the last day whole, until `end`.

    In that day the CPU was busy in one hour alone, which begins twelve hours before the end.
    """
    # The thread of the tests has an event loop already, that of Playwright.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(_record(path, end - end % STEP))).result()


async def _record(path: Path, end: int) -> None:
    async with open_history(path, end) as store:
        await store.runs.start("boot-of-before", end - 53 * WEEK, STEP, "1.0.0")
        await store.writer.add(measured(*_samples(end)))
        await store.runs.end(end)


def _samples(end: int) -> Iterator[Sample]:
    for week in range(52, 0, -1):
        yield from (_minute(end - week * WEEK + minute * STEP, QUIET) for minute in range(60))
    for minute in range(-1439, 1):
        yield _minute(end + minute * STEP, BUSY if -720 < minute <= -660 else QUIET)


def _minute(time: int, busy: int) -> Sample:
    one = sample(time, busy)
    return replace(one, figures=replace(one.figures, elapsed_ms=1000 * STEP))
