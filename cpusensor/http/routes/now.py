"""`GET /api/now`: the newest sample."""

from aiohttp import web

from cpusensor.http.keys import COST, FEED, PUSHES
from cpusensor.http.responses import error_answer, json_answer
from cpusensor.http.status import status_of, who_for
from cpusensor.outlets import wire


async def get_now(request: web.Request) -> web.Response:
    """The newest sample, as the stream sent it, how old it is, and what recording costs."""
    newest, status = request.app[FEED].newest, status_of(request.app)
    if newest is None and status.state == wire.RECORDING:
        return error_answer("nothing is recorded yet; the first sample comes within two intervals", status=404)
    if newest is None:
        return error_answer(f"nothing is recorded yet; {status.state}", status=404)
    receivers = [push.standing for push in request.app[PUSHES]]
    return json_answer(wire.newest(newest, status, request.app[COST].read(), who_for(request), receivers))
