"""`GET /api/now`: the newest sample."""

from aiohttp import web

from cpusensor.http.keys import COST, FEED
from cpusensor.http.responses import error_answer, json_answer
from cpusensor.outlets import wire


async def get_now(request: web.Request) -> web.Response:
    """The newest sample, as the stream sent it, and what recording costs."""
    newest = request.app[FEED].newest
    if newest is None:
        return error_answer("nothing is recorded yet; the first sample comes within two intervals", status=404)
    return json_answer(wire.newest(newest, *request.app[COST].read()))
