"""`GET /api/top`: who used the CPU in a span of the history."""

import asyncio
from functools import partial

from aiohttp import web

from cpusensor.http.cache import Body
from cpusensor.http.keys import GUARD, HISTORY, KEEPER, RECORDER
from cpusensor.http.parameters import read_parameters
from cpusensor.http.responses import body_answer, cached, error_answer, json_body
from cpusensor.http.routes.history import UNSHOWN, first_if_asked
from cpusensor.http.status import newest_slot
from cpusensor.model.query import BadRequestError, parse_top_query
from cpusensor.model.top import Top
from cpusensor.outlets import wire
from cpusensor.recording.top import lead


async def get_top(request: web.Request) -> web.Response:
    """The leaders of the span that the parameters name, or why they are not told."""
    if not request.app[GUARD].may_see_names(request):
        return error_answer(UNSHOWN, status=403)
    try:
        key = ("top", request.rel_url.raw_query_string)
        body = await cached(request.app, key, partial(_make_top, request))
    except BadRequestError as error:
        return error_answer(str(error), status=400)
    return body_answer(request, body, cache_control="no-store")


async def _make_top(request: web.Request) -> Body:
    app = request.app
    parameters = read_parameters(request.query)
    asked = parse_top_query(parameters, newest_slot(app), await first_if_asked(app, parameters))
    waiting, readings = app[RECORDER].committer.waiting(), app[KEEPER].waiting()
    async with app[HISTORY].reader.slot(asked.span.from_time, asked.span.to_time):
        found = await lead(asked, app[HISTORY], waiting, readings)
        return await asyncio.to_thread(_encode, found)


def _encode(found: Top) -> Body:
    return json_body(wire.encode(wire.leaders(found)))
