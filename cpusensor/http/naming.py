"""Reads who uses the CPU while the service runs: for the history, and for streams whose readers may see names.

Imported only where that is wanted.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from cpusensor.http.keys import ACCOUNTS, BROADCAST, CLOCK, HISTORY, KEEPER, KERNEL, NAMING, RECORDER, SETTINGS
from cpusensor.kernel.accounts import SystemAccounts
from cpusensor.model.accounts import Baseline, Naming
from cpusensor.model.blame import Blame
from cpusensor.recording.blaming import Blaming
from cpusensor.recording.keeping import keep_forever
from cpusensor.store.database import ReadError
from cpusensor.store.opening import History

log = logging.getLogger(__name__)


@asynccontextmanager
async def reading_names(app: web.Application, report_end: Callable[[asyncio.Task[None]], None]) -> AsyncIterator[None]:
    """Inside the block each sample may lead to a reading, and each reading is stored and sent.

    `report_end` is called if what stores them ends, which it never does by itself.
    """
    settings, keeper = app[SETTINGS], app[KEEPER]

    def deliver(blame: Blame, baseline: Baseline) -> None:
        keeper.take(blame, baseline)
        app[BROADCAST].name(blame)

    reader = app[ACCOUNTS] or SystemAccounts(app[KERNEL].scope(), with_processes=settings.top == "all")
    run = app[HISTORY].runs.present
    blaming = Blaming(reader, app[CLOCK], run, deliver)
    app[NAMING] = lambda: Naming(
        sight=blaming.sight, every_s=blaming.every_s, error=blaming.error, is_reading=blaming.is_reading
    )
    app[RECORDER].on_sample = blaming.offer
    keeping = asyncio.create_task(keep_forever(keeper), name="keeping names")
    keeping.add_done_callback(report_end)
    blaming.start(await _baseline_of(app[HISTORY], run.boot_id))
    try:
        yield
    finally:
        await blaming.close()
        keeping.cancel()
        await asyncio.wait([keeping])
        await keeper.close()


async def _baseline_of(history: History, boot_id: str) -> Baseline | None:
    try:
        return await history.baselines.load(boot_id)
    except ReadError as error:
        log.warning("who used the CPU over the outage is not told: what was read before it cannot be read (%s)", error)
        return None
