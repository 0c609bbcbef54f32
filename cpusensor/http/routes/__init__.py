"""The routes: every address that is answered, and the handler that answers it."""

from aiohttp import web

from cpusensor.http.routes.description import get_description
from cpusensor.http.routes.events import get_events
from cpusensor.http.routes.fleet import get_fleet, get_fleet_page
from cpusensor.http.routes.health import get_health
from cpusensor.http.routes.history import get_history
from cpusensor.http.routes.host import get_host
from cpusensor.http.routes.machine import get_machine, get_machine_page
from cpusensor.http.routes.metrics import get_metrics
from cpusensor.http.routes.now import get_now
from cpusensor.http.routes.page import get_page
from cpusensor.http.routes.static import get_static
from cpusensor.http.routes.summary import get_summary
from cpusensor.http.routes.top import get_top
from cpusensor.http.routes.unrecorded import get_fleet_instead, get_nothing
from cpusensor.http.routes.why import get_why

_ALWAYS = (
    web.get("/static/{version}/{path:.+}", get_static),
    web.get("/api/openapi.json", get_description),
    web.get("/fleet", get_fleet_page),
    web.get("/api/fleet", get_fleet),
    web.get("/machine", get_machine_page),
    web.get("/api/machine", get_machine),
    web.get("/healthz", get_health),
    web.get("/metrics", get_metrics),
)

_RECORDED = {
    "/": get_page,
    "/api/history": get_history,
    "/api/summary": get_summary,
    "/api/top": get_top,
    "/why": get_why,
    "/api/host": get_host,
    "/api/now": get_now,
    "/events": get_events,
}
"""What is told of this machine's own recording."""

ROUTES = (*_ALWAYS, *(web.get(path, handler) for path, handler in _RECORDED.items()))

UNRECORDED_ROUTES = (
    *_ALWAYS,
    web.get("/", get_fleet_instead),
    *(web.get(path, get_nothing) for path in _RECORDED if path != "/"),
)
"""Those of a machine that records nothing."""
