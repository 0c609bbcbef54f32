"""What the service tells of itself at the moment."""

from aiohttp import web

from cpusensor import __version__
from cpusensor.http.keys import CLOCK, GUARD, KERNEL, NAMING, RECORDER, SETTINGS
from cpusensor.model.grid import slot_at
from cpusensor.model.records import Health
from cpusensor.outlets import wire


def status_of(app: web.Application) -> wire.Status:
    """Name, version, interval, time, state and scope."""
    return wire.Status(
        host=app[SETTINGS].name,
        version=__version__,
        interval=app[SETTINGS].interval,
        now=int(app[CLOCK].wall()),
        state=wire.state_of(health_of(app)),
        scope=app[KERNEL].scope().value,
    )


def health_of(app: web.Application) -> Health:
    """How the recording fares."""
    if RECORDER not in app:
        return Health(is_ticking=True, degraded=None, is_off=True)
    return app[RECORDER].health()


def who_for(request: web.Request) -> wire.Who:
    """How names are read, and whether this reader may see them."""
    return wire.Who(
        top=request.app[SETTINGS].top,
        naming=request.app[NAMING](),
        is_shown=request.app[GUARD].may_see_names(request),
    )


def newest_slot(app: web.Application) -> int:
    """The newest grid point, recorded or not, in UTC seconds: where a named range ends."""
    return slot_at(app[CLOCK].wall(), app[SETTINGS].interval)
