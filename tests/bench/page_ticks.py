"""Ticks that go by at speed, through the real stream of a real service, in front of an open page."""

import asyncio
from collections.abc import Sequence
from random import Random

from tests.bench.hour import STEP_S
from tests.bench.tab import Tab
from tests.running import Running

ARRIVES_S = 30
CHUNK = 360
"""So many ticks at most are under way: a stream that lags is ended."""
TICK_S = 0.05
"""Between two looks whether the newest has come."""

LAST_ID = "document.documentElement.dataset.lastId"


async def tick(running: Running, ticks: int, draw: Random, *, pause_s: float = 0.0) -> None:
    """Let this many intervals pass, each with a load of its own."""
    for _ in range(ticks):
        running.kernel.use(draw.betavariate(2, 5))
        await running.clock.advance(STEP_S)
        await asyncio.sleep(pause_s)


async def has_arrived(running: Running, tab: Tab) -> None:
    """Return once the page shows the newest sample. Raises TimeoutError."""
    newest = running.history.writer.newest
    async with asyncio.timeout(ARRIVES_S):
        while newest and await tab.evaluate(LAST_ID) != str(newest.time):  # noqa: ASYNC110 - a page tells no event
            await asyncio.sleep(TICK_S)


async def feed(
    running: Running, tab: Tab, draw: Random, stretches: Sequence[int], *, pause_s: float = 0.0
) -> list[float]:
    """Let stretches of ticks come in through the stream; the heap after each, in MiB."""
    heap_mib = []
    for ticks in stretches:
        for begun in range(0, ticks, CHUNK):
            await tick(running, min(CHUNK, ticks - begun), draw, pause_s=pause_s)
            await has_arrived(running, tab)
        heap_mib.append(await tab.heap_mib())
    return heap_mib
