"""`GET /events`: the stream of server-sent events."""

import random
import re
from dataclasses import dataclass

from aiohttp import HttpVersion11, hdrs, web

from cpusensor.http.connections import RETRY_S
from cpusensor.http.keys import BROADCAST, GUARD, HISTORY, SETTINGS
from cpusensor.http.parameters import read_parameters
from cpusensor.http.responses import error_answer
from cpusensor.http.status import status_of
from cpusensor.model.query import BadRequestError
from cpusensor.model.times import MAX_TIME_DIGITS
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


READER = re.compile(r"[0-9A-Za-z_-]{8,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a reader of the stream asks for."""

    position: int | None
    """The id of the last sample that it has; None without one."""
    lost: str | None
    """Why its position cannot be read; None if it can."""
    reader: str | None
    """The name by which it is known; None without one."""


async def get_events(request: web.Request) -> web.StreamResponse:
    """The stream: a greeting, what the reader missed, then each tick as it comes."""
    try:
        asked = _read(request)
        if request.method == hdrs.METH_HEAD:
            return web.Response(headers=HEADERS)
        if asked.reader is not None:
            request.app[BROADCAST].end_stream_of(asked.reader)
        with request.app[BROADCAST].slot():
            return await _send_stream(request, asked)
    except BadRequestError as error:
        return error_answer(str(error), status=400)
    except FullError:
        text = f"all {request.app[SETTINGS].max_streams} streams are in use; try again"
        return error_answer(text, status=503, headers={hdrs.RETRY_AFTER: str(RETRY_S)})


async def _send_stream(request: web.Request, asked: Asked) -> web.StreamResponse:
    """Send what comes after the reader's position."""
    broadcast = request.app[BROADCAST]
    response = web.StreamResponse(headers=HEADERS)
    # An HTTP/1.0 reader knows no chunks: its stream ends with its connection.
    is_chunked = request.version >= HttpVersion11
    if is_chunked:
        response.enable_chunked_encoding()
    try:
        await response.prepare(request)
        missed = broadcast.restart(asked.lost) if asked.lost else broadcast.catch_up(asked.position)
        reached = broadcast.newest_id
        await response.write(_hello(request.app, reached) + missed)
        # Each write may wait while ticks are published; between the last look and joining nothing waits.
        while broadcast.newest_id != reached:
            missed, reached = broadcast.catch_up(reached), broadcast.newest_id
            await response.write(missed)
        # A reader that left meanwhile has no transport.
        if request.transport is not None:
            sees_names = request.app[GUARD].may_see_names(request)
            stream = Stream(request.transport, chunked=is_chunked, sees_names=sees_names)
            await broadcast.follow(stream, asked.reader)
    except ConnectionError:
        pass  # The reader left; that is not an error.
    return response


def _hello(app: web.Application, last_id: int | None) -> bytes:
    greeting = wire.greeting(status_of(app), app[HISTORY].runs.present.boot_id, last_id)
    return wire.hello(greeting, random.randint(*RETRY_MS))  # noqa: S311 - spreads readers, hides nothing


def _read(request: web.Request) -> Asked:
    """What the reader asks for. Raises BadRequestError for an address that cannot be read, which somebody wrote.

    The header is what EventSource sends when it reconnects to an address that still holds its first position, so it
    wins.
    """
    parameters = read_parameters(request.query)
    after, reader = parameters.get("after"), parameters.get("reader")
    if after is not None and not _is_time(after):
        raise BadRequestError(f"after: {after!r} is not allowed; it must be the id of a sample, in UTC Unix seconds")
    if reader is not None and not READER.fullmatch(reader):
        raise BadRequestError(f"reader: {reader!r} is not allowed; it must be 8 to 64 letters, digits, - or _")
    text = request.headers.get("Last-Event-ID", after)
    # A 4xx would end an EventSource for good; told to fetch the history again it lives on.
    if text is not None and not _is_time(text):
        return Asked(position=None, lost="the Last-Event-ID is not a sample's id", reader=reader)
    return Asked(position=None if text is None else int(text), lost=None, reader=reader)


def _is_time(text: str) -> bool:
    # `isdigit` alone is true of digits that `int` refuses, such as a superscript.
    return text.isascii() and text.isdigit() and len(text) <= MAX_TIME_DIGITS
