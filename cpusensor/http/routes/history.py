"""`GET /api/history`: what was recorded in any range, at any step."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import blake2s

from aiohttp import web

from cpusensor.http.cache import QUICK, Body
from cpusensor.http.keys import CLOCK, FEED, GUARD, HISTORY, RECORDER
from cpusensor.http.parameters import read_parameters
from cpusensor.http.responses import body_answer, cached, error_answer, is_unchanged, json_body, unchanged
from cpusensor.http.routes.table import send_table
from cpusensor.http.status import newest_slot, status_of
from cpusensor.model.figures import TOP
from cpusensor.model.query import ALL, CSV, Answer, BadRequestError, Query, parse_format, parse_query
from cpusensor.outlets import wire
from cpusensor.recording.view import answer

UNSHOWN = (
    "names of units and processes are shown on this machine itself, asked for as localhost and not through a proxy,"
    " and to whoever shows the token (--token)"
)
"""Why a reader who may not see names gets none."""

CACHE_CONTROL = "private, no-cache"
"""Asked for again each time, for what runs on changes with every sample; whether anything did is told by the tag."""


async def get_history(request: web.Request) -> web.StreamResponse:
    """The range that the parameters name, or what is wrong with them; 304 to who has it already."""
    try:
        parameters = read_parameters(request.query)
        if parse_format(parameters) == CSV:
            return await send_table(request, parameters)
        query = parse_query(parameters, newest_slot(request.app))
        if TOP in query.series and not request.app[GUARD].may_see_names(request):
            return error_answer(UNSHOWN, status=403)
        etag = _etag(request, query)
        if is_unchanged(request, etag):
            return unchanged(etag, CACHE_CONTROL)
        # By the text as it came: parameters that mean the same in another order cost an answer of their own.
        key = ("history", request.rel_url.raw_query_string)
        body = await cached(request.app, key, partial(_make_history, request, parameters))
    except BadRequestError as error:
        return error_answer(str(error), status=400)
    return body_answer(request, body, cache_control=CACHE_CONTROL, etag=etag)


def _etag(request: web.Request, query: Query) -> str:
    """A name for the answer that changes with it, made without a look into the database.

    A span that lies behind the newest sample changes only when something is written behind the end of the history.
    """
    app = request.app
    newest, run = app[FEED].newest, app[HISTORY].runs.present
    is_past = newest is not None and query.to_time <= newest.time
    end = None if is_past else (newest and newest.time, app[RECORDER].open_gap())
    changes = app[HISTORY].revision, app[RECORDER].committer.oldest_waiting, end
    # Who it was comes after the sample.
    named = app[HISTORY].blames.newest if TOP in query.series else None
    told = (named, request.rel_url.raw_query_string, query.from_time, query.to_time, run, *changes)
    return blake2s(repr(told).encode(), digest_size=12).hexdigest()


async def _make_history(request: web.Request, parameters: dict[str, str]) -> Body:
    app = request.app
    query = parse_query(parameters, newest_slot(app), await first_if_asked(app, parameters))
    async with app[HISTORY].reader.slot(query.from_time, query.to_time):
        header, found = await _read(app, query)
        # Thousands of elements are put into columns and text here, for which the sampling does not wait.
        return await asyncio.to_thread(_encode, found, query.series, header)


def _encode(found: Answer, series: Sequence[str], header: Mapping[str, wire.Json]) -> Body:
    return json_body(wire.encode_by_member(wire.history(found, series, header)), QUICK)


async def first_if_asked(app: web.Application, parameters: Mapping[str, str]) -> int | None:
    """Where the range of all begins, which no other needs to know; None of an empty history."""
    return await app[HISTORY].reader.first() if parameters.get("range") == ALL else None


async def read_history(app: web.Application, query: Query) -> dict[str, wire.Json]:
    """The body of the answer to a query. Raises BadRequestError for a step that its range does not offer."""
    header, found = await _read(app, query)
    return await asyncio.to_thread(wire.history, found, query.series, header)


async def _read(app: web.Application, query: Query) -> tuple[dict[str, wire.Json], Answer]:
    status = status_of(app)
    found = await answer(query, app[CLOCK].wall(), app[HISTORY], app[RECORDER])
    newest = app[FEED].newest
    return wire.history_header(status, newest.time if newest else None), found
