"""`GET /api/summary`: a span of the history in a few figures."""

import asyncio
from functools import partial

from aiohttp import web

from cpusensor.http.cache import Body
from cpusensor.http.keys import CLOCK, HISTORY, RECORDER
from cpusensor.http.parameters import read_parameters
from cpusensor.http.responses import body_answer, cached, error_answer, json_body
from cpusensor.http.routes.history import first_if_asked
from cpusensor.http.status import newest_slot
from cpusensor.model.query import BadRequestError, parse_summary_query
from cpusensor.model.summary import Summary
from cpusensor.outlets import wire
from cpusensor.recording.summary import summarize


async def get_summary(request: web.Request) -> web.Response:
    """The span that the parameters name, or what is wrong with them."""
    try:
        key = ("summary", request.rel_url.raw_query_string)
        body = await cached(request.app, key, partial(_make_summary, request))
    except BadRequestError as error:
        return error_answer(str(error), status=400)
    return body_answer(request, body, cache_control="no-store")


async def _make_summary(request: web.Request) -> Body:
    app = request.app
    parameters = read_parameters(request.query)
    asked = parse_summary_query(parameters, newest_slot(app), await first_if_asked(app, parameters))
    async with app[HISTORY].reader.slot(asked.span.from_time, asked.span.to_time):
        found = await summarize(asked, app[CLOCK].wall(), app[HISTORY], app[RECORDER])
        return await asyncio.to_thread(_encode, found)


def _encode(found: Summary) -> Body:
    return json_body(wire.encode(wire.summary(found)))
