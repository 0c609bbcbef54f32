"""`GET /events`: the stream of server-sent events."""

import random

from aiohttp import HttpVersion11, hdrs, web

from cpusensor.http.connections import RETRY_S
from cpusensor.http.keys import BROADCAST, HISTORY, SETTINGS
from cpusensor.http.parameters import read_parameters
from cpusensor.http.responses import error_answer
from cpusensor.http.status import status_of
from cpusensor.model.query import MAX_TIME_DIGITS, BadRequestError
from cpusensor.outlets import wire
from cpusensor.outlets.broadcast import FullError, Stream

HEADERS = {
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
"""The last two keep a proxy from compressing or collecting events."""

RETRY_MS = (1000, 5000)
"""Readers that lost their stream together come back spread over this time."""


async def get_events(request: web.Request) -> web.StreamResponse:
    """The stream: a greeting, what the reader missed, then each tick as it comes."""
    try:
        position, reason = _position_of(request)
        if request.method == hdrs.METH_HEAD:
            return web.Response(headers=HEADERS)
        with request.app[BROADCAST].slot():
            return await _send_stream(request, position, reason)
    except BadRequestError as error:
        return error_answer(str(error), status=400)
    except FullError:
        text = f"all {request.app[SETTINGS].max_streams} streams are in use; try again"
        return error_answer(text, status=503, headers={hdrs.RETRY_AFTER: str(RETRY_S)})


async def _send_stream(request: web.Request, position: int | None, reason: str | None) -> web.StreamResponse:
    """Send what comes after `position`; a `reason` tells the reader instead why it has to fetch the history again."""
    broadcast = request.app[BROADCAST]
    response = web.StreamResponse(headers=HEADERS)
    # An HTTP/1.0 reader knows no chunks: its stream ends with its connection.
    is_chunked = request.version >= HttpVersion11
    if is_chunked:
        response.enable_chunked_encoding()
    try:
        await response.prepare(request)
        missed = broadcast.restart(reason) if reason else broadcast.catch_up(position)
        reached = broadcast.newest_id
        await response.write(_hello(request.app, reached) + missed)
        # Each write may wait while ticks are published; between the last look and joining nothing waits.
        while broadcast.newest_id != reached:
            missed, reached = broadcast.catch_up(reached), broadcast.newest_id
            await response.write(missed)
        # A reader that left meanwhile has no transport.
        if request.transport is not None:
            await broadcast.follow(Stream(request.transport, chunked=is_chunked))
    except ConnectionError:
        pass  # The reader left; that is not an error.
    return response


def _hello(app: web.Application, last_id: int | None) -> bytes:
    greeting = wire.greeting(status_of(app), app[HISTORY].runs.present.boot_id, last_id)
    return wire.hello(greeting, random.randint(*RETRY_MS))  # noqa: S311 - spreads readers, hides nothing


def _position_of(request: web.Request) -> tuple[int | None, str | None]:
    """The id of the last sample that the reader has, None without one, and why its header cannot be read, else None.

    The header is what EventSource sends when it reconnects to an address that still holds its first position, so it
    wins. Raises BadRequestError for an address that cannot be read, which a person or a program wrote.
    """
    after = read_parameters(request.query).get("after")
    if after is not None and not _is_time(after):
        raise BadRequestError(f"after: {after!r} is not allowed; it must be the id of a sample, in UTC Unix seconds")
    text = request.headers.get("Last-Event-ID", after)
    if text is None:
        return None, None
    # A 4xx would end an EventSource for good; told to fetch the history again it lives on.
    return (int(text), None) if _is_time(text) else (None, "the Last-Event-ID is not a sample's id")


def _is_time(text: str) -> bool:
    # `isdigit` alone is true of digits that `int` refuses, such as a superscript.
    return text.isascii() and text.isdigit() and len(text) <= MAX_TIME_DIGITS
