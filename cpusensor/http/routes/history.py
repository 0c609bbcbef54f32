"""`GET /api/history`: a range of the history on a dense grid."""

import asyncio
from functools import partial

from aiohttp import web

from cpusensor.http.cache import Body, body_of
from cpusensor.http.keys import CLOCK, FEED, HISTORY, RECORDER, SETTINGS
from cpusensor.http.parameters import read_parameters
from cpusensor.http.responses import JSON, body_answer, cached, error_answer
from cpusensor.http.status import status_of
from cpusensor.model.grid import slot_at
from cpusensor.model.query import BadRequestError, Query, parse_query
from cpusensor.outlets import wire
from cpusensor.recording.view import answer


async def get_history(request: web.Request) -> web.Response:
    """The range that the parameters name, or what is wrong with them."""
    try:
        # By the text as it came: parameters that mean the same in another order cost an answer of their own.
        key = ("history", request.rel_url.raw_query_string)
        body = await cached(request.app, key, partial(_make_history, request))
    except BadRequestError as error:
        return error_answer(str(error), status=400)
    return body_answer(request, body, cache_control="no-store")


async def _make_history(request: web.Request) -> Body:
    query = parse_query(read_parameters(request.query), newest_slot(request.app))
    with request.app[HISTORY].reader.slot(query.from_time, query.to_time):
        return await asyncio.to_thread(_encode, await read_history(request.app, query))


def _encode(history: dict[str, wire.Json]) -> Body:
    return body_of(wire.encode_by_member(history).encode(), JSON)


def newest_slot(app: web.Application) -> int:
    """The newest grid point, recorded or not, in UTC seconds: where a named range ends."""
    return slot_at(app[CLOCK].wall(), app[SETTINGS].interval)


async def read_history(app: web.Application, query: Query) -> dict[str, wire.Json]:
    """The body of the answer to a query. Raises BadRequestError for a step that its range does not offer."""
    status = status_of(app)
    found = await answer(query, app[CLOCK].wall(), app[HISTORY], app[RECORDER])
    newest = app[FEED].newest
    header = wire.history_header(status, newest.time if newest else None)
    # Thousands of elements are put into columns here, for which the sampling does not wait.
    return await asyncio.to_thread(wire.history, found, query.series, header)
