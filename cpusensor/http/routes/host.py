"""`GET /api/host`: which machine this is."""

from aiohttp import web

from cpusensor.http.keys import CLOCK, HISTORY, KERNEL
from cpusensor.http.responses import json_answer
from cpusensor.http.status import status_of
from cpusensor.outlets import wire


async def get_host(request: web.Request) -> web.Response:
    """Its name, CPUs, boot and zone, and since when it is recorded."""
    app = request.app
    return json_answer(
        wire.host(
            status_of(app),
            machine=app[KERNEL].machine(app[CLOCK].now()),
            first=await app[HISTORY].reader.first(),
        )
    )
