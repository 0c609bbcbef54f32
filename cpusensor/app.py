"""The assembly: parts, lifetimes, and how the application is served."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator
from functools import partial

import aiohttp_jinja2
import jinja2
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from cpusensor import __version__, wire
from cpusensor.answers import Answers
from cpusensor.assets import WEB, load_assets
from cpusensor.background import Recorder, beat_forever, record_forever, sample_forever, verify_storage
from cpusensor.broadcast import Broadcast, Frame
from cpusensor.clock import Clock, SystemClock
from cpusensor.database import ReadError, WriteError
from cpusensor.dbfile import StorageError
from cpusensor.handlers import routes
from cpusensor.kernel import Kernel, SystemKernel
from cpusensor.keys import ANSWERS, ASSETS, BROADCAST, CLOCK, ENDED, FAILURES, KERNEL, RECORDER, SETTINGS, STORAGE
from cpusensor.rows import GarbledError
from cpusensor.settings import Settings
from cpusensor.storage import open_storage

log = logging.getLogger(__name__)

SHUTDOWN_S = 0.2
"""How long a request in progress may take to end; aiohttp spends it twice."""

KEEPALIVE_S = 20
BACKLOG = 1024

NOSNIFF: CIMultiDict[str] = CIMultiDict({"X-Content-Type-Options": "nosniff"})
"""What the parts of the page are sent with; the page's own policy binds them."""

HEADERS: CIMultiDict[str] = CIMultiDict(
    {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        **NOSNIFF,
    }
)


def create_app(settings: Settings, *, clock: Clock | None = None, kernel: Kernel | None = None) -> web.Application:
    """The whole service, not started yet; a test gives its own clock and kernel."""
    app = web.Application(middlewares=[unreadable_history])
    app[SETTINGS] = settings
    app[CLOCK] = clock or SystemClock()
    app[KERNEL] = kernel or SystemKernel()
    app[ASSETS] = load_assets()
    app[ANSWERS] = Answers()
    app[ENDED] = asyncio.Event()
    app[FAILURES] = []
    app[BROADCAST] = Broadcast(clock=app[CLOCK], limit=settings.max_streams, resync=wire.resync)
    templates = aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(WEB / "templates"), autoescape=True)
    templates.policies["json.dumps_kwargs"] = wire.COMPACT
    app.add_routes(routes)
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.extend([with_storage, with_recording])
    app.on_shutdown.append(end_requests)
    return app


async def with_storage(app: web.Application) -> AsyncIterator[None]:
    """The open database, and in the broadcast the hour that it remembers."""
    settings, now = app[SETTINGS], app[CLOCK].now().wall
    async with open_storage(settings.db, now) as storage:
        app[STORAGE] = storage
        app[BROADCAST].load(
            Frame(tick.sample.time, closed=partial(wire.closed, [tick]), sample=partial(wire.sampled, tick.sample))
            for tick in await storage.newest_hour(now)
        )
        yield


async def with_recording(app: web.Application) -> AsyncIterator[None]:
    """The loops, from the note that a run begins to the note that it ended."""
    settings, clock, storage, broadcast = app[SETTINGS], app[CLOCK], app[STORAGE], app[BROADCAST]
    try:
        await storage.start_run(app[KERNEL].boot_id(), clock.now().wall, settings.interval, __version__)
    except WriteError as error:
        raise StorageError(f"{settings.db}: cannot be written ({error}); check disk and permissions") from error
    app[RECORDER] = Recorder(
        clock=clock,
        kernel=app[KERNEL],
        storage=storage,
        broadcast=broadcast,
        commit_interval=settings.commit_interval,
    )
    loops = [
        asyncio.create_task(sample_forever(app[RECORDER]), name="sampling"),
        asyncio.create_task(record_forever(app[RECORDER]), name="recording"),
        asyncio.create_task(beat_forever(clock, broadcast), name="heartbeat"),
    ]
    for loop in loops:
        loop.add_done_callback(partial(report_failure, app))
    if storage.was_left_open:
        loops.append(asyncio.create_task(verify_storage(storage, clock), name="verification"))
    yield
    for loop in loops:
        loop.cancel()
    await asyncio.wait(loops)
    await app[RECORDER].close()


def report_failure(app: web.Application, loop: asyncio.Task[None]) -> None:
    """A loop that never ends has ended: the service must not look alive without it."""
    if loop.cancelled():
        return
    error = loop.exception() or RuntimeError("it returned")
    log.critical("%s failed, so the service stops", loop.get_name(), exc_info=error)
    app[FAILURES].append(error)
    app[ENDED].set()


async def end_requests(app: web.Application) -> None:
    """Let no open stream or long query hold up the end."""
    app[BROADCAST].close()
    app[STORAGE].stop_queries()


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """What every answer tells a browser that it must not do, and nothing of what it runs on."""
    response.headers.popall(hdrs.SERVER, None)
    response.headers.update(NOSNIFF if request.path.startswith("/static/") else HEADERS)


@web.middleware
async def unreadable_history(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A history that cannot be read is said in one line."""
    try:
        return await handler(request)
    except (GarbledError, ReadError) as error:
        return web.json_response({"error": str(error)}, status=503)


class ListenError(Exception):
    """The address cannot be listened on; its text is one line that says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address, before anything else is touched. Raises ListenError."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition(" (")[0]
        raise ListenError(f"{host}:{port}: cannot listen there ({reason}); set --host or --port to another") from error


async def start_serving(app: web.Application, listener: socket.socket) -> web.AppRunner:
    """Start the application on a socket; `cleanup` of what comes back ends it."""
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S, keepalive_timeout=KEEPALIVE_S
    )
    try:
        await runner.setup()
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner


async def serve(app: web.Application, listener: socket.socket) -> int:
    """Serve until a signal or a failed loop ends it; the exit status. Prints the one line that says where."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, app[ENDED].set)
    runner = await start_serving(app, listener)
    print(f"cpusensor {__version__} serves {url_of(listener)}", flush=True)  # noqa: T201 - a script waits for it
    await app[ENDED].wait()
    await runner.cleanup()
    return 1 if app[FAILURES] else 0


def url_of(listener: socket.socket) -> str:
    """Where a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
