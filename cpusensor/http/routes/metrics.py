"""`GET /metrics`: the counters for Prometheus, and whoever speaks its format."""

from aiohttp import hdrs, web

from cpusensor import __version__
from cpusensor.http.keys import FEED, METRICS, PUSHES
from cpusensor.http.responses import error_answer
from cpusensor.http.status import health_of
from cpusensor.outlets.metrics import State
from cpusensor.outlets.remote_write import MissingError


async def get_metrics(request: web.Request) -> web.Response:
    """The text of the metrics; 501 where what writes it is not installed."""
    app = request.app
    try:
        body, content_type = await app[METRICS].text(_state_of(app), request.headers.get(hdrs.ACCEPT, ""))
    except MissingError as error:
        return error_answer(str(error), status=501)
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type, hdrs.CACHE_CONTROL: "no-store"})


def _state_of(app: web.Application) -> State:
    health = health_of(app)
    if health.is_off:
        return State(version=__version__, is_recording=None)
    return State(
        version=__version__,
        is_recording=health.is_ticking and health.degraded is None,
        newest=app[FEED].newest,
        gap_seconds=app[FEED].gap_seconds,
        receivers=[push.standing for push in app[PUSHES]],
    )
