"""`GET /api/history`: a range of the history on a dense grid."""

import asyncio
from functools import partial

from aiohttp import web

from cpusensor.http.cache import Body, body_of
from cpusensor.http.keys import CLOCK, SETTINGS, STORAGE
from cpusensor.http.parameters import read_parameters
from cpusensor.http.responses import JSON, answer, cached, error_answer
from cpusensor.http.status import status_of
from cpusensor.model.grid import slot_at
from cpusensor.model.query import BadRequestError, Query, choose_grid, parse_query
from cpusensor.outlets import wire


async def get_history(request: web.Request) -> web.Response:
    """The range that the parameters name, or what is wrong with them."""
    try:
        # By the text as it came: parameters that mean the same in another order cost an answer of their own.
        key = ("history", request.rel_url.raw_query_string)
        body = await cached(request.app, key, partial(_make_history, request))
    except BadRequestError as error:
        return error_answer(str(error), status=400)
    return answer(request, body, cache_control="no-store")


async def _make_history(request: web.Request) -> Body:
    query = parse_query(read_parameters(request.query), newest_slot(request.app))
    with request.app[STORAGE].place(query.from_time, query.to_time):
        return await asyncio.to_thread(_encode, await read_history(request.app, query))


def _encode(history: dict[str, wire.Json]) -> Body:
    return body_of(wire.encode_by_member(history).encode(), JSON)


def newest_slot(app: web.Application) -> int:
    """The newest grid point, recorded or not, in UTC seconds: where a named range ends."""
    return slot_at(app[CLOCK].wall(), app[SETTINGS].interval)


async def read_history(app: web.Application, query: Query) -> dict[str, wire.Json]:
    """The body of the answer to a query. Raises BadRequestError for a step that its range does not offer."""
    storage, now, status = app[STORAGE], app[CLOCK].wall(), status_of(app)
    # Where nothing was recorded the grid is that of the samples to come.
    intervals = await storage.intervals(query.from_time, query.to_time) or {app[SETTINGS].interval}
    grid = choose_grid(query, intervals)
    span = (grid.floor, grid.end)
    record = wire.History(
        grid=grid,
        interval=min(intervals),
        buckets=await storage.history(*span, grid.step),
        cores=await storage.cores(*span, grid.step) if "cores" in query.series else {},
        gaps=await storage.gaps(query.from_time, query.to_time, now),
        clock_steps=await storage.clock_steps(query.from_time, query.to_time),
    )
    header = wire.history_header(status, storage.newest.time if storage.newest else None)
    # Thousands of elements are put into columns here, for which the sampling does not wait.
    return await asyncio.to_thread(wire.history, record, query.series, header)
