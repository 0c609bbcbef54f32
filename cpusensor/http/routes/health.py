"""`GET /healthz`: whether the recording goes on, for probes and people."""

from aiohttp import web

from cpusensor.http.status import health_of
from cpusensor.outlets import wire


async def get_health(request: web.Request) -> web.Response:
    """The state in one line: 200 while readings are taken, 503 with the reason once they are not.

    A disk that cannot be written is no 503: a probe would have the process killed that holds the samples meanwhile.
    """
    health = health_of(request.app)
    return web.Response(text=f"{wire.state_of(health)}\n", status=200 if health.is_ticking else 503)
