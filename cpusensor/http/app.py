"""The assembly: parts, lifetimes, and how the application is served."""

import asyncio
import errno
import logging
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from cpusensor import __version__
from cpusensor.config.settings import Settings
from cpusensor.http.assets import WEB, load_assets
from cpusensor.http.cache import Answers
from cpusensor.http.connections import HEAD_S, IDLE_S, RETRY_S, Connections, affordable
from cpusensor.http.guard import Guard
from cpusensor.http.keys import (
    ANSWERS,
    ASSETS,
    BROADCAST,
    CLOCK,
    CONNECTIONS,
    COST,
    ENDED,
    FAILURES,
    FEED,
    GUARD,
    HISTORY,
    IS_EXPOSED,
    KERNEL,
    LISTENING,
    RECORDER,
    SETTINGS,
)
from cpusensor.http.notify import supervised
from cpusensor.http.routes import routes
from cpusensor.kernel.clock import Clock, SystemClock
from cpusensor.kernel.cost import CostMeter
from cpusensor.kernel.counters import Kernel, SystemKernel
from cpusensor.model.grid import REPLAY_S
from cpusensor.outlets import wire
from cpusensor.outlets.broadcast import Broadcast
from cpusensor.recording.feed import Feed
from cpusensor.recording.recorder import Recorder, beat_forever, record_forever, sample_forever, verify_after_crash
from cpusensor.store.columns import GarbledError
from cpusensor.store.database import ReadError, WriteError
from cpusensor.store.file import StorageError
from cpusensor.store.opening import open_history

log = logging.getLogger(__name__)

SHUTDOWN_S = 0.2
"""How long a request in progress may take to end; aiohttp spends it twice."""

FAREWELL_S = 1.0
"""How long TLS waits for the other side to say goodbye; asyncio would wait for 30 s, and for a handshake for 60 s."""

BACKLOG = 1024

CONNECTIONS_AT_LEAST = 2000
"""How many may be open where nothing is set, unless twice the streams are more."""

NO_BODY = 1024
"""Bytes of a body that are read before it is refused."""

PROTOCOL_LIMITS: dict[str, Any] = {
    "access_log": None,
    "auto_decompress": False,
    "keepalive_timeout": IDLE_S,
    "max_line_size": 2048,
    "max_field_size": 4096,
    "max_headers": 40,
    "read_bufsize": 4096,
}
"""What one connection can make the parser hold: 160 KB, where aiohttp's own limits allow 1 MB."""

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


UNNAMED = {**HEADERS, hdrs.CACHE_CONTROL: "no-store", hdrs.SERVER: "cpusensor"}
"""For answers before any route, to which aiohttp would add its name and version, and Python's."""


def create_app(settings: Settings, *, clock: Clock | None = None, kernel: Kernel | None = None) -> web.Application:
    """The whole service, not started yet; a test gives its own clock and kernel."""
    app = web.Application(middlewares=[admit], client_max_size=NO_BODY)
    app[SETTINGS] = settings
    app[CLOCK] = clock or SystemClock()
    app[GUARD] = Guard(settings, app[CLOCK])
    app[CONNECTIONS] = Connections(
        limit=affordable(settings.max_connections or max(CONNECTIONS_AT_LEAST, 2 * settings.max_streams)),
        per_address=settings.max_per_address,
        is_exempt=app[GUARD].is_near,
    )
    app[KERNEL] = kernel or SystemKernel()
    app[ASSETS] = load_assets()
    app[ANSWERS] = Answers()
    app[ENDED] = asyncio.Event()
    app[FAILURES] = []
    app[LISTENING] = []
    app[BROADCAST] = Broadcast(clock=app[CLOCK], limit=settings.max_streams)
    templates = aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(WEB / "templates"), autoescape=True)
    templates.policies["json.dumps_kwargs"] = wire.COMPACT
    app.add_routes(routes)
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.extend([with_history, with_recording])
    app.on_shutdown.append(end_requests)
    return app


async def with_history(app: web.Application) -> AsyncIterator[None]:
    """The open database, and in the broadcast the hour that it remembers."""
    settings, now = app[SETTINGS], app[CLOCK].wall()
    async with open_history(settings.db, now) as history:
        app[HISTORY] = history
        newest = history.writer.newest
        if newest is not None:
            app[BROADCAST].load(await history.reader.ticks_after(newest.time - REPLAY_S, now))
        yield


async def with_recording(app: web.Application) -> AsyncIterator[None]:
    """The loops, from the note that a run begins to the note that it ended."""
    settings, clock, history, broadcast = app[SETTINGS], app[CLOCK], app[HISTORY], app[BROADCAST]
    try:
        await history.runs.start(app[KERNEL].boot_id(), clock.wall(), settings.interval, __version__)
    except WriteError as error:
        raise StorageError(f"{settings.db}: cannot be written ({error}); check disk and permissions") from error
    app[FEED] = Feed(broadcast, history.writer.newest)
    app[COST] = CostMeter(app[KERNEL], clock)
    app[RECORDER] = recorder = Recorder(
        clock=clock,
        kernel=app[KERNEL],
        history=history,
        feed=app[FEED],
        commit_interval=settings.commit_interval,
    )
    loops = [
        asyncio.create_task(sample_forever(recorder), name="sampling"),
        asyncio.create_task(record_forever(recorder), name="recording"),
        asyncio.create_task(beat_forever(clock, broadcast), name="heartbeat"),
    ]
    for loop in loops:
        loop.add_done_callback(partial(report_failure, app))
    if history.runs.was_left_open:
        loops.append(asyncio.create_task(verify_after_crash(history, clock), name="verification"))
    yield
    for loop in loops:
        loop.cancel()
    await asyncio.wait(loops)
    await recorder.close()


def report_failure(app: web.Application, loop: asyncio.Task[None]) -> None:
    """A loop that never ends has ended: the service must not look alive without it."""
    if loop.cancelled():
        return
    error = loop.exception() or RuntimeError("it returned")
    log.critical("%s failed, so the service stops", loop.get_name(), exc_info=error)
    app[FAILURES].append(error)
    app[ENDED].set()


async def end_requests(app: web.Application) -> None:
    """Accept nobody more, and let no open stream or long query hold up the end."""
    for server in app[LISTENING]:
        server.close()
    app[BROADCAST].close()
    app[HISTORY].stop_queries()


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """What every answer tells a browser that it must not do, and nothing of what it runs on."""
    response.headers.popall(hdrs.SERVER, None)
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    response.headers.update(NOSNIFF if request.path.startswith("/static/") else HEADERS)


@web.middleware
async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in who may come in; a history that cannot be read is said in one line."""
    connections = request.app[CONNECTIONS]
    connections.begin(request.transport)
    try:
        return request.app[GUARD].refuse(request) or await handler(request)
    except (GarbledError, ReadError) as error:
        return web.json_response({"error": str(error)}, status=503, headers={hdrs.RETRY_AFTER: str(RETRY_S)})
    finally:
        connections.end(request.transport)


class ListenError(Exception):
    """The address cannot be listened on; its text is one line that says why and what to do."""


def listen(settings: Settings) -> socket.socket:
    """A socket bound to where the settings say, before anything else is touched. Raises ListenError."""
    return _listen_unix(settings.socket) if settings.socket else _listen_tcp(settings.host, settings.port)


def _listen_tcp(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition(" (")[0]
        raise ListenError(f"{host}:{port}: cannot listen there ({reason}); set --host or --port to another") from error


def _listen_unix(path: Path) -> socket.socket:
    """Takes the place of a socket that a killed process left behind, and of nothing else."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket() and listener.connect_ex(str(path)) == errno.ECONNREFUSED:
            path.unlink()
        listener.close()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(f"{path}: cannot listen there ({error.strerror}); set --socket to another") from error
    return listener


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """What makes it HTTPS; None without a certificate. Raises ListenError."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ListenError(f"{settings.tls_cert}: cannot be used with {settings.tls_key} ({reason})") from error
    return context


def no_password() -> str:
    """Nobody is there to type one."""
    raise ValueError("the key is encrypted")


async def refuse_expectations(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], request: web.BaseRequest
) -> web.StreamResponse:
    """Answer 417 to what no server expects, before aiohttp does: a header that is not UTF-8 makes it fail."""
    if request.headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        return refuse_unrouted(HTTPStatus.EXPECTATION_FAILED)
    return await handler(request)


class Protocol(web.RequestHandler):
    """Speaks HTTP as aiohttp does, but tells in no error what it runs on or what was sent."""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is no request, or an error of our own, as all errors are; the log tells more of it."""
        super().handle_error(request, status, exc, message)
        response = refuse_unrouted(status)
        response.force_close()
        return response


def refuse_unrouted(status: int) -> web.Response:
    """An error that is told by its status alone."""
    return web.json_response({"error": HTTPStatus(status).description}, status=status, headers=UNNAMED)


async def _accept(
    app: web.Application, runner: web.AppRunner, listener: socket.socket, tls: ssl.SSLContext | None
) -> asyncio.Server:
    connections, server = app[CONNECTIONS], runner.server
    if server is None:
        raise RuntimeError("the runner was not set up")
    server.request_handler = partial(refuse_expectations, server.request_handler)
    loop, tls = asyncio.get_running_loop(), tls_context(app[SETTINGS])
    return await loop.create_server(
        lambda: connections.follow(Protocol(server, loop=loop, **PROTOCOL_LIMITS)),
        sock=listener,
        backlog=BACKLOG,
        ssl=tls,
        ssl_handshake_timeout=HEAD_S if tls else None,
        ssl_shutdown_timeout=FAREWELL_S if tls else None,
    )


async def start_serving(app: web.Application, listener: socket.socket) -> web.AppRunner:
    """Start the application on a socket; `cleanup` of what comes back ends it."""
    tls = tls_context(app[SETTINGS])
    app[IS_EXPOSED] = app[GUARD].is_open and not is_local(listener)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S)
    try:
        await runner.setup()
        app[LISTENING].append(await _accept(app, runner, listener, tls))
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
    if app[IS_EXPOSED]:
        log.warning("whoever can reach %s can see the figures: no token is set (--token-file)", url_of(listener))
    scheme = "https" if app[SETTINGS].tls_cert else "http"
    print(f"cpusensor {__version__} serves {url_of(listener, scheme)}", flush=True)  # noqa: T201 - a script waits for it
    async with supervised(app[SETTINGS], app[CLOCK], app[RECORDER].health):
        await app[ENDED].wait()
    await runner.cleanup()
    return 1 if app[FAILURES] else 0


def is_local(listener: socket.socket) -> bool:
    """Whether only users of this machine can reach it."""
    return listener.family == socket.AF_UNIX or ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """Where a listening socket is reached."""
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
