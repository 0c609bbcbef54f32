"""`GET /fleet` and `GET /api/fleet`: all machines of an engine at a glance."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from cpusensor import __version__
from cpusensor.http.assets import FLEET_SCRIPT, FLEET_STYLE
from cpusensor.http.cache import QUICK, Body, body_of
from cpusensor.http.engine import EngineError
from cpusensor.http.keys import ASSETS, FLEET, SETTINGS
from cpusensor.http.parameters import read_parameters
from cpusensor.http.responses import body_answer, error_answer, json_body
from cpusensor.http.routes.page import VARIES, language_for, remember_language
from cpusensor.model.fleet import FLEET_RANGES, FleetView, parse_fleet_query
from cpusensor.model.query import BadRequestError
from cpusensor.outlets import wire

NO_ENGINE = "no engine is set; start the service with --engine and the address of one that answers PromQL"


async def get_fleet(request: web.Request) -> web.Response:
    """The machines that are asked for; 502 while the engine has not answered yet, 404 without one."""
    fleet = request.app[FLEET]
    if fleet is None:
        return error_answer(NO_ENGINE, status=404)
    try:
        view = await fleet.view(parse_fleet_query(read_parameters(request.query)))
    except BadRequestError as error:
        return error_answer(str(error), status=400)
    except EngineError as error:
        return error_answer(f"the engine {fleet.engine.name} fails: {error}", status=502)
    return body_answer(request, await asyncio.to_thread(_body_of, view), cache_control="no-store")


def _body_of(view: FleetView) -> Body:
    return json_body(wire.encode(wire.fleet(view)), QUICK)


async def get_fleet_page(request: web.Request) -> web.Response:
    """The page; what it shows it asks /api/fleet for."""
    if request.app[FLEET] is None:
        return error_answer(NO_ENGINE, status=404)
    texts = request.app[ASSETS].texts[language_for(request, request.query.get("lang", ""))]
    context = {
        "boot": {"texts": {**_units(texts["script"]), **texts["fleet"]}},
        "ranges": list(FLEET_RANGES),
        "script": FLEET_SCRIPT,
        "style": FLEET_STYLE,
    }
    return fleet_page(request, "fleet.html", context)


def fleet_page(request: web.Request, template: str, context: Mapping[str, Any]) -> web.Response:
    """A page about the fleet in the reader's language; one that was chosen by `?lang=` is remembered."""
    chosen = request.query.get("lang", "")
    lang, assets = language_for(request, chosen), request.app[ASSETS]
    shared = {
        "lang": lang,
        "languages": list(assets.texts),
        "texts": {**assets.texts[lang]["frame"], **assets.texts[lang]["script"], **assets.texts[lang]["fleet"]},
        "version": __version__,
        "is_recorded": request.app[SETTINGS].record == "on",
        "assets": f"static/{assets.version}",
    }
    context = {**shared, **context, "boot": {"lang": lang, **context["boot"]}}
    body = body_of(aiohttp_jinja2.render_string(template, request, context).encode(), "text/html")
    response = body_answer(request, body, cache_control="no-cache", vary=VARIES)
    remember_language(response, chosen, lang)
    return response


def _units(texts: dict[str, str]) -> dict[str, str]:
    """The words with which times and durations are told."""
    return {key: text for key, text in texts.items() if key.startswith(("unit_", "zone_"))}
