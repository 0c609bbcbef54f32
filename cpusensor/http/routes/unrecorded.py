"""What is answered on a machine that records nothing: `/` leads to the fleet, and the history is not there."""

from aiohttp import hdrs, web

from cpusensor.http.refusals import refusal

REASON = "nothing is recorded here (--record off); the machines of the engine are at /fleet"


async def get_fleet_instead(request: web.Request) -> web.Response:
    """Lead a reader to the page of all machines."""
    # Relative, so that it holds under whatever path a proxy gives it.
    target = f"fleet?{request.query_string}" if request.query_string else "fleet"
    return web.Response(status=302, headers={hdrs.LOCATION: target, hdrs.CACHE_CONTROL: "no-store"})


async def get_nothing(request: web.Request) -> web.Response:
    """404, and why."""
    return refusal(404, REASON, request)
