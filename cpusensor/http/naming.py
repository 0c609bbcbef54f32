"""Reads who uses the CPU while the service runs, for those who may see names. Imported only where that is wanted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from cpusensor.http.keys import ACCOUNTS, BROADCAST, CLOCK, KERNEL, NAMING, RECORDER, SETTINGS
from cpusensor.kernel.accounts import SystemAccounts
from cpusensor.model.accounts import Naming
from cpusensor.recording.blaming import Blaming


@asynccontextmanager
async def reading_names(app: web.Application) -> AsyncIterator[None]:
    """Inside the block each sample may lead to a reading, and each reading to an event."""
    settings = app[SETTINGS]
    reader = app[ACCOUNTS] or SystemAccounts(app[KERNEL].scope(), with_processes=settings.top == "all")
    blaming = Blaming(reader, app[CLOCK], settings.interval, app[BROADCAST].name)
    app[NAMING] = lambda: Naming(sight=blaming.sight, every_s=blaming.every_s, error=blaming.error)
    app[RECORDER].on_sample = blaming.offer
    blaming.start()
    try:
        yield
    finally:
        await blaming.close()
