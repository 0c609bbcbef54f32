"""The assembly: the parts of the application, and from when until when each lives."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

import aiohttp_jinja2
import jinja2
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from cpusensor import __version__
from cpusensor.config.settings import Settings
from cpusensor.http.assets import WEB, own_assets
from cpusensor.http.cache import Cache
from cpusensor.http.connections import RETRY_S, TIMEOUTS, Connections, Timeouts, affordable
from cpusensor.http.engine import Engine
from cpusensor.http.fleet import Fleet
from cpusensor.http.guard import Guard
from cpusensor.http.headers import add_headers
from cpusensor.http.keys import (
    ACCOUNTS,
    ASSETS,
    BROADCAST,
    CACHE,
    CLOCK,
    CONNECTIONS,
    COST,
    ENDED,
    FAILURES,
    FEED,
    FLEET,
    GUARD,
    HISTORY,
    KEEPER,
    KERNEL,
    LISTENING,
    METRICS,
    NAMING,
    PUSHES,
    RECORDER,
    SETTINGS,
    TURNS,
)
from cpusensor.http.refusals import refusal, shown
from cpusensor.http.routes import ROUTES, UNRECORDED_ROUTES
from cpusensor.kernel.clock import Clock, SystemClock
from cpusensor.kernel.cost import CostMeter
from cpusensor.kernel.counters import Kernel, SystemKernel
from cpusensor.kernel.reading import Readings
from cpusensor.model.accounts import AccountReader, Naming, Sight
from cpusensor.model.grid import REPLAY_S
from cpusensor.outlets import wire
from cpusensor.outlets.broadcast import Broadcast
from cpusensor.outlets.metrics import Metrics
from cpusensor.outlets.push import Push
from cpusensor.outlets.remote_write import Encoder
from cpusensor.recording import table as tables
from cpusensor.recording.feed import Feed
from cpusensor.recording.keeping import Keeper
from cpusensor.recording.recorder import (
    beat_forever,
    record_forever,
    sample_forever,
    start_recorder,
)
from cpusensor.recording.room import watch_room_forever
from cpusensor.recording.sealer import Sealer
from cpusensor.recording.upkeep import fill_tiers, verify_after_crash
from cpusensor.store.columns import GarbledError
from cpusensor.store.database import ReadError, WriteError
from cpusensor.store.file import StorageError
from cpusensor.store.opening import open_history

log = logging.getLogger(__name__)

CONNECTIONS_AT_LEAST = 2000
"""The limit where none is set, unless twice the streams are more: a reader may hold a stream and ask beside it."""

DAY_S = 86_400

MAX_BODY_BYTES = 1024
"""How much of a body is read before it is refused: no request needs one."""


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    kernel: Kernel | None = None,
    accounts: AccountReader | None = None,
    timeouts: Timeouts = TIMEOUTS,
) -> web.Application:
    """The whole service, not started yet; a test gives its own clock, kernel, accounts and timeouts.

    Raises MissingError for a setting that needs a package which is not installed.
    """
    if settings.remote_write:
        # Raises, before anything is opened, if what it needs is not installed.
        Encoder({})
    app = web.Application(middlewares=[admit], client_max_size=MAX_BODY_BYTES)
    app[SETTINGS] = settings
    app[CLOCK] = clock or SystemClock()
    app[GUARD] = Guard(settings, app[CLOCK])
    app[CONNECTIONS] = Connections(
        limit=affordable(settings.max_connections or max(CONNECTIONS_AT_LEAST, 2 * settings.max_streams)),
        per_address=settings.max_per_address,
        is_exempt=app[GUARD].is_near,
        timeouts=timeouts,
    )
    app[KERNEL] = kernel or SystemKernel()
    app[ACCOUNTS] = accounts
    app[METRICS] = Metrics(Readings(app[KERNEL], app[CLOCK]))
    app[FLEET] = Fleet(Engine(settings.engine), app[CLOCK]) if settings.engine else None
    app[ASSETS] = own_assets()
    app[CACHE] = Cache()
    app[TURNS] = asyncio.Semaphore(tables.TURNS)
    app[ENDED] = asyncio.Event()
    app[FAILURES] = []
    app[LISTENING] = []
    app[BROADCAST] = Broadcast(clock=app[CLOCK], limit=settings.max_streams)
    templates = aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(WEB / "templates"), autoescape=True)
    # As all other JSON is written, but letters as they are: escaped, Russian is three times as long. jinja2 adds what
    # HTML needs.
    templates.policies["json.dumps_kwargs"] = {**wire.COMPACT, "ensure_ascii": False}
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(stop_listening)
    app.on_cleanup.append(end_questions)
    if settings.record == "off":
        app.add_routes(UNRECORDED_ROUTES)
        return app
    app.add_routes(ROUTES)
    # Ended in the opposite order: the recording notes its end in a database that is still open.
    app.cleanup_ctx.extend([with_history, with_recording, with_names])
    app.on_shutdown.extend([end_pushes, end_requests])
    return app


async def with_history(app: web.Application) -> AsyncIterator[None]:
    """Open the database, and give the broadcast the newest hour of it, which streams may ask for again."""
    settings, now = app[SETTINGS], app[CLOCK].wall()
    max_bytes = settings.max_size << 20 if settings.max_size else None
    async with open_history(settings.db, now, max_bytes=max_bytes) as history:
        app[HISTORY] = history
        newest = history.writer.newest
        if newest is not None:
            app[BROADCAST].load(await history.reader.ticks_after(newest.time - REPLAY_S, now))
        yield


async def with_recording(app: web.Application) -> AsyncIterator[None]:
    """Note in the database that a run begins, record by loops that never end, and note its end. Raises StorageError."""
    settings, clock, history = app[SETTINGS], app[CLOCK], app[HISTORY]
    try:
        await history.runs.start(app[KERNEL].boot_id(), clock.wall(), settings.interval, __version__)
    except WriteError as error:
        raise StorageError(f"{settings.db}: cannot be written ({error}); check disk and permissions") from error
    app[FEED] = Feed(app[BROADCAST], history.writer.newest)
    app[COST] = CostMeter(app[KERNEL], clock)
    app[RECORDER] = await start_recorder(
        clock=clock,
        kernel=app[KERNEL],
        history=history,
        feed=app[FEED],
        commit_interval=settings.commit_interval,
    )
    app[KEEPER] = Keeper(
        clock=clock,
        history=history,
        problems=app[RECORDER].committer.problems,
        commit_interval=settings.commit_interval,
        keep_ticks_s=settings.keep_rows * DAY_S,
    )
    labels = {"host": settings.name, **dict(settings.label)}
    app[PUSHES] = [Push(one, labels, history, app[FEED].recent) for one in settings.remote_write]
    tasks = _start_loops(app)
    # Not among the loops whose end is a failure: a verification does end.
    if history.runs.was_left_open:
        tasks.append(asyncio.create_task(verify_after_crash(history, clock), name="verification"))
    for push in app[PUSHES]:
        push.start()
    if history.backfill.is_pending:
        tasks.append(asyncio.create_task(fill_tiers(history, app[RECORDER].committer.problems), name="backfill"))
    problems = app[RECORDER].committer.problems
    sealer = Sealer(history, problems, settings.keep_rows * DAY_S, lambda: app[RECORDER].seconds_left)
    tasks.append(asyncio.create_task(sealer.seal_forever(), name="sealing"))
    tasks[-1].add_done_callback(partial(report_failure, app))
    yield
    for task in tasks:
        task.cancel()
    # Waited for without their errors, which `report_failure` has told of: what is not written yet shall be.
    await asyncio.wait(tasks)
    await app[RECORDER].close()


async def with_names(app: web.Application) -> AsyncIterator[None]:
    """Read who uses the CPU, if that is wanted."""
    if app[SETTINGS].top == "off":
        # Who lives through this run is nobody's business later either.
        with suppress(WriteError):
            await app[HISTORY].baselines.forget()
        app[NAMING] = lambda: Naming(sight=Sight.CLEAR, every_s=None, error=None)
        yield
        return
    # Here, so that whoever does not want it does not pay for it.
    from cpusensor.http.naming import reading_names  # noqa: PLC0415

    async with reading_names(app, partial(report_failure, app)):
        yield


def _start_loops(app: web.Application) -> list[asyncio.Task[None]]:
    problems = app[RECORDER].committer.problems
    loops = [
        asyncio.create_task(sample_forever(app[RECORDER]), name="sampling"),
        asyncio.create_task(record_forever(app[RECORDER].committer), name="recording"),
        asyncio.create_task(beat_forever(app[CLOCK], app[BROADCAST]), name="heartbeat"),
        asyncio.create_task(watch_room_forever(app[SETTINGS].db, problems), name="looking for room"),
    ]
    for loop in loops:
        loop.add_done_callback(partial(report_failure, app))
    return loops


def report_failure(app: web.Application, loop: asyncio.Task[None]) -> None:
    """End the service because a loop that never ends has ended: it must not look alive without it."""
    if loop.cancelled():
        return
    error = loop.exception() or RuntimeError("it returned")
    log.critical("%s failed, so the service stops", loop.get_name(), exc_info=error)
    app[FAILURES].append(error)
    app[ENDED].set()


async def end_pushes(app: web.Application) -> None:
    """Tell the receivers of samples, while the database can be read, that here they end."""
    await asyncio.gather(*(push.close() for push in app[PUSHES]))


async def end_questions(app: web.Application) -> None:
    """Close the connections to the engine of the fleet."""
    fleet = app[FLEET]
    if fleet is not None:
        await fleet.engine.close()


async def stop_listening(app: web.Application) -> None:
    """Let nobody in any more."""
    for server in app[LISTENING]:
        server.close()


async def end_requests(app: web.Application) -> None:
    """Close what would hold up the end: the open streams, the queries in progress."""
    app[BROADCAST].close()
    app[HISTORY].stop_queries()


@web.middleware
async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ask the guard before any handler, and answer 503 in one line where the history cannot be read."""
    connections = request.app[CONNECTIONS]
    # Between the two the connection is being answered, and cannot be overdue.
    connections.begin(request.transport)
    try:
        return request.app[GUARD].refuse(request) or await handler(request)
    except (GarbledError, ReadError) as error:
        return refusal(503, str(error), request, {hdrs.RETRY_AFTER: str(RETRY_S)})
    except web.HTTPNotFound:
        what_is = "the page is at /, and /api/openapi.json says what else there is"
        return refusal(404, f"there is nothing at {shown(request.path)}; {what_is}", request)
    finally:
        connections.end(request.transport)
