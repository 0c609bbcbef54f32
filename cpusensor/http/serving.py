"""An application -> served: the protocol of a connection, and the life of the process.

The only module that waits for signals.
"""

import asyncio
import gc
import logging
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from cpusensor import __version__
from cpusensor.http.connections import MAX_FIELD_BYTES, MAX_FIELDS, MAX_TARGET_BYTES
from cpusensor.http.keys import CLOCK, CONNECTIONS, ENDED, FAILURES, GUARD, IS_EXPOSED, LISTENING, SETTINGS
from cpusensor.http.listening import BACKLOG, Listener
from cpusensor.http.notify import supervised
from cpusensor.http.refusals import refuse_unrouted
from cpusensor.http.status import health_of
from cpusensor.http.tls import tls_context

log = logging.getLogger(__name__)

SHUTDOWN_S = 0.2
"""How long a request in progress may take to end; aiohttp spends it twice."""

TLS_SHUTDOWN_S = 1.0
"""How long the other side may take to close TLS; asyncio would wait for 30 s, and with it the end of the service."""

PROTOCOL_LIMITS: dict[str, Any] = {
    "access_log": None,
    "auto_decompress": False,
    "max_line_size": MAX_TARGET_BYTES,
    "max_field_size": MAX_FIELD_BYTES,
    "max_headers": MAX_FIELDS,
    "read_bufsize": 4096,
}
"""What one connection can make the parser hold; `connections` bounds it all together."""


class Protocol(web.RequestHandler):
    """Speaks HTTP as aiohttp does, but tells in no error what it runs on or what was sent."""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is no request, or an error of our own, as all errors are answered; the log tells more of it."""
        excess = _too_large(exc)
        # A browser with many cookies is no error of ours.
        if excess is None:
            super().handle_error(request, status, exc, message)
        response = refuse_unrouted(*excess or (status,))
        # What follows a request that could not be read cannot be told from the rest of it.
        response.force_close()
        return response


def _too_large(error: BaseException | None) -> tuple[int, str] | None:
    """Status and text for a request that is larger than any that is read; None for another error."""
    if isinstance(error, LineTooLong) and error.args[1] == MAX_TARGET_BYTES:
        return 414, f"the address is longer than {MAX_TARGET_BYTES >> 10} KiB, the limit"
    if isinstance(error, LineTooLong):
        return (
            431,
            f"a header is longer than {MAX_FIELD_BYTES >> 10} KiB, the limit; cookies of other services may be it",
        )
    if isinstance(error, BadHttpMessage) and "Too many headers" in error.message:
        return 431, f"there are more than {MAX_FIELDS} headers, the limit"
    return None


async def refuse_expectations(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], request: web.BaseRequest
) -> web.StreamResponse:
    """Answer 417 to what no server expects, before aiohttp does: a header that is not UTF-8 makes it fail."""
    if request.headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        return refuse_unrouted(HTTPStatus.EXPECTATION_FAILED)
    return await handler(request)


def _refuse_expectations(runner: web.AppRunner) -> None:
    if runner.server is None:
        raise RuntimeError("the runner was not set up")
    runner.server.request_handler = partial(refuse_expectations, runner.server.request_handler)


async def start_serving(app: web.Application, listener: Listener) -> web.AppRunner:
    """Start the application on its sockets; `cleanup` of what comes back ends it. Raises ListenError."""
    # Loaded before the database is opened: a certificate that cannot be used leaves nothing behind.
    tls = tls_context(app[SETTINGS])
    app[IS_EXPOSED] = app[GUARD].is_open and not listener.is_local
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S)
    try:
        await runner.setup()
        _refuse_expectations(runner)
        for one in listener.sockets:
            app[LISTENING].append(await _accept(app, runner, one, tls))
    except BaseException:
        # Whatever ends the start, even a signal: what was opened is closed.
        await runner.cleanup()
        raise
    return runner


async def _accept(
    app: web.Application, runner: web.AppRunner, listener: socket.socket, tls: ssl.SSLContext | None
) -> asyncio.Server:
    """Accept connections. Not by aiohttp's own site: it has neither our protocol nor a timeout for a handshake."""
    connections, server = app[CONNECTIONS], runner.server
    if server is None:
        raise RuntimeError("the runner was not set up")
    loop, timeouts = asyncio.get_running_loop(), connections.timeouts
    limits = {**PROTOCOL_LIMITS, "keepalive_timeout": timeouts.idle_s}
    return await loop.create_server(
        lambda: connections.follow(Protocol(server, loop=loop, **limits)),
        sock=listener,
        backlog=BACKLOG,
        ssl=tls,
        # asyncio refuses both without TLS.
        ssl_handshake_timeout=timeouts.head_s if tls else None,
        ssl_shutdown_timeout=TLS_SHUTDOWN_S if tls else None,
    )


async def serve(app: web.Application, listener: Listener) -> int:
    """Serve until a signal or a failed loop ends it; the exit status. Prints the one line that says where."""
    _end_on_signals(app[ENDED])
    runner = await start_serving(app, listener)
    # What was made so far stays. Looked through by each full collection, it would hold up the sampling for 30 ms.
    gc.collect()
    gc.freeze()
    _introduce(app, listener)
    async with supervised(app[SETTINGS], app[CLOCK], partial(health_of, app)):
        await app[ENDED].wait()
    await runner.cleanup()
    return 1 if app[FAILURES] else 0


def _end_on_signals(ended: asyncio.Event) -> None:
    """Have the signals that ask for the end set the event; a lost terminal too, unless nohup(1) had it ignored."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            loop.add_signal_handler(number, ended.set)


def _introduce(app: web.Application, listener: Listener) -> None:
    """Tell where it is, where it records and how it is ended; on stdout the address alone, which scripts wait for."""
    scheme = "https" if app[SETTINGS].tls_cert else "http"
    url, for_others = listener.url(scheme), listener.url_for_others(scheme)
    if app[IS_EXPOSED]:
        log.warning("whoever can reach %s can see the figures: no token is set (--token-file)", for_others or url)
    how = f"open {url}" if url.startswith("http") else f"listening on {url}"
    others = f", from other machines {for_others}" if for_others else ""
    settings = app[SETTINGS]
    what = f"recording into {settings.db.absolute()}" if settings.record == "on" else "recording nothing (--record off)"
    log.info("%s%s; %s; Ctrl-C or SIGTERM ends it", how, others, what)
    print(f"cpusensor {__version__} serves {url}", flush=True)  # noqa: T201 - a script waits for it
