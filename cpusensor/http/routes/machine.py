"""`GET /machine` and `GET /api/machine`: one machine of the fleet, as its engine has it."""

import asyncio

from aiohttp import web
from multidict import MultiDict

from cpusensor.http.assets import MACHINE_SCRIPT, MACHINE_STYLE
from cpusensor.http.cache import QUICK, Body
from cpusensor.http.engine import EngineError
from cpusensor.http.keys import ASSETS, CLOCK, FLEET
from cpusensor.http.parameters import read_parameters
from cpusensor.http.responses import body_answer, error_answer, json_body
from cpusensor.http.routes.fleet import NO_ENGINE, fleet_page
from cpusensor.http.routes.page import language_for
from cpusensor.model.member import MemberHistory, parse_member_query
from cpusensor.model.query import RANGES, BadRequestError
from cpusensor.outlets import wire

LABEL = "label"
"""The parameter that names the machine: once for each of its labels."""


async def get_machine(request: web.Request) -> web.Response:
    """Its history in the span that is asked for; 502 while the engine does not answer, 404 without one."""
    fleet = request.app[FLEET]
    if fleet is None:
        return error_answer(NO_ENGINE, status=404)
    others = MultiDict(request.query)
    labels = others.popall(LABEL, [])
    try:
        query = parse_member_query(read_parameters(others), labels, fleet.newest)
        found = await fleet.history(query)
    except BadRequestError as error:
        return error_answer(str(error), status=400)
    except EngineError as error:
        return error_answer(f"the engine {fleet.engine.name} fails: {error}", status=502)
    host, now = dict(query.labels).get("host", ""), int(request.app[CLOCK].wall())
    return body_answer(request, await asyncio.to_thread(_body_of, host, now, found), cache_control="no-store")


def _body_of(host: str, now: int, found: MemberHistory) -> Body:
    return json_body(wire.encode(wire.member(host, now, found)), QUICK)


async def get_machine_page(request: web.Request) -> web.Response:
    """The page; which machine it shows stands in its address, and what it shows of it is asked of /api/machine."""
    fleet = request.app[FLEET]
    if fleet is None:
        return error_answer(NO_ENGINE, status=404)
    texts = request.app[ASSETS].texts[language_for(request, request.query.get("lang", ""))]
    context = {
        "boot": {"now": fleet.newest, "texts": {**texts["script"], **texts["fleet"]}},
        "ranges": list(RANGES),
        "script": MACHINE_SCRIPT,
        "style": MACHINE_STYLE,
    }
    return fleet_page(request, "machine.html", context)
