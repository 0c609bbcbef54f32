"""An application -> served: the listening socket, TLS, the protocol of a connection, and the life of the process.

The only module that binds a socket and waits for signals.
"""

import asyncio
import errno
import gc
import logging
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from cpusensor import __version__
from cpusensor.config.settings import Settings
from cpusensor.http.connections import MAX_FIELD_BYTES, MAX_FIELDS, MAX_TARGET_BYTES
from cpusensor.http.keys import CLOCK, CONNECTIONS, ENDED, FAILURES, GUARD, IS_EXPOSED, LISTENING, RECORDER, SETTINGS
from cpusensor.http.notify import supervised
from cpusensor.http.refusals import refuse_unrouted

log = logging.getLogger(__name__)

SHUTDOWN_S = 0.2
"""How long a request in progress may take to end; aiohttp spends it twice."""

TLS_SHUTDOWN_S = 1.0
"""How long the other side may take to close TLS; asyncio would wait for 30 s, and with it the end of the service."""

BACKLOG = 1024
"""How many connections the kernel holds that are not accepted yet."""

PROTOCOL_LIMITS: dict[str, Any] = {
    "access_log": None,
    "auto_decompress": False,
    "max_line_size": MAX_TARGET_BYTES,
    "max_field_size": MAX_FIELD_BYTES,
    "max_headers": MAX_FIELDS,
    "read_bufsize": 4096,
}
"""What one connection can make the parser hold; `connections` bounds it all together."""


class ListenError(Exception):
    """The address cannot be listened on; its text is one line that says why and what to do."""


def listen(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say, before anything else is touched. Raises ListenError."""
    return _listen_unix(settings.socket) if settings.socket else _listen_tcp(settings.host, settings.port)


def _listen_tcp(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        # `create_server` adds the address to the text of an error, in brackets; the message names it already.
        reason = str(getattr(error, "strerror", None) or error).partition(" (")[0]
        raise ListenError(f"{host}:{port}: cannot listen there ({reason}); set --host or --port to another") from error


def _listen_unix(path: Path) -> socket.socket:
    """Replaces a socket that a killed process left behind, and nothing else."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Refused means that nobody listens on it any more; a file that is no socket is somebody's own.
        if path.is_socket() and listener.connect_ex(str(path)) == errno.ECONNREFUSED:
            path.unlink()
        # After a connect that failed the state of a socket is unspecified (connect(2)).
        listener.close()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        # A proxy in front of it is let in by its group.
        path.chmod(0o660)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(f"{path}: cannot listen there ({error.strerror}); set --socket to another") from error
    return listener


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """The certificate and its key, loaded; None where none is set. Raises ListenError."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_refuse_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ListenError(f"{settings.tls_cert}: cannot be used with {settings.tls_key} ({reason})") from error
    return context


def _refuse_password() -> str:
    """OpenSSL asks for a key's password; without this it would ask on the terminal, and wait."""
    raise ValueError("the key is encrypted")


class Protocol(web.RequestHandler):
    """Speaks HTTP as aiohttp does, but tells in no error what it runs on or what was sent."""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what is no request, or an error of our own, as all errors are answered; the log tells more of it."""
        super().handle_error(request, status, exc, message)
        response = refuse_unrouted(*_too_large(exc) or (status,))
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


async def start_serving(app: web.Application, listener: socket.socket) -> web.AppRunner:
    """Start the application on a socket; `cleanup` of what comes back ends it. Raises ListenError."""
    # Loaded before the database is opened: a certificate that cannot be used leaves nothing behind.
    tls = tls_context(app[SETTINGS])
    app[IS_EXPOSED] = app[GUARD].is_open and not is_local(listener)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S)
    try:
        await runner.setup()
        app[LISTENING].append(await _accept(app, runner, listener, tls))
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
    server.request_handler = partial(refuse_expectations, server.request_handler)
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


async def serve(app: web.Application, listener: socket.socket) -> int:
    """Serve until a signal or a failed loop ends it; the exit status. Prints the one line that says where."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, app[ENDED].set)
    runner = await start_serving(app, listener)
    # What was made so far stays. Looked through by each full collection, it would hold up the sampling for 30 ms.
    gc.collect()
    gc.freeze()
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
    # The address of an interface names it after a %, which is no part of an IP address.
    return listener.family == socket.AF_UNIX or ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """The address at which a listening socket is reached."""
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
