"""`GET /`: the page, with the first hour inside."""

import asyncio
from functools import partial

import aiohttp_jinja2
from aiohttp import hdrs, web

from cpusensor import __version__
from cpusensor.http.assets import SCRIPT, STYLE, choose_language
from cpusensor.http.cache import Body, body_of
from cpusensor.http.keys import ASSETS, CLOCK, COST, FEED, IS_EXPOSED, KERNEL, PUSHES, SETTINGS
from cpusensor.http.responses import body_answer, cached
from cpusensor.http.routes.history import read_history
from cpusensor.http.status import health_of, newest_slot, status_of, who_for
from cpusensor.model.query import newest_hour
from cpusensor.outlets import wire

LANGUAGE_COOKIE = "lang"
LANGUAGE_MAX_AGE_S = 31_536_000

POINTS = 3600
"""An hour at the finest step, even of samples taken every second."""

MOST_CORE_ROWS, SPREAD_ROWS = 32, 5
"""As in web/static/js/model/cores.js: of more cores than can be told apart the spread is shown."""

VARIES = "Accept-Encoding, Accept-Language, Cookie"


async def get_page(request: web.Request) -> web.Response:
    """The page in the reader's language; one that was chosen by `?lang=` is remembered in a cookie."""
    chosen = request.query.get("lang", "")
    lang = language_for(request, chosen)
    # The state is part of the key because it changes between two samples.
    is_wall = request.query.get("view") == "wall"
    who = tuple(wire.who(who_for(request)).values())
    key = ("page", lang, is_wall, wire.state_of(health_of(request.app)), who)
    body = await cached(request.app, key, partial(_make_page, request, lang, is_wall=is_wall))
    response = body_answer(request, body, cache_control="no-cache", vary=VARIES)
    remember_language(response, chosen, lang)
    return response


def remember_language(response: web.Response, chosen: str, lang: str) -> None:
    """Leave a cookie with the language that was chosen, if it is the one that is shown."""
    # Only what is offered is remembered, so that nothing a reader sends comes back in a header.
    if chosen == lang:
        response.set_cookie(LANGUAGE_COOKIE, lang, max_age=LANGUAGE_MAX_AGE_S, samesite="Lax", path="")


def language_for(request: web.Request, chosen: str) -> str:
    """The language that was chosen, else that of the cookie, else the browser's."""
    wanted = [chosen, request.cookies.get(LANGUAGE_COOKIE, "")]
    return choose_language(wanted, request.headers.get(hdrs.ACCEPT_LANGUAGE, ""), list(request.app[ASSETS].texts))


async def _make_page(request: web.Request, lang: str, *, is_wall: bool) -> Body:
    boot = await _read_boot(request.app, lang, who_for(request))
    text = aiohttp_jinja2.render_string("page.html", request, {**_context(request.app, lang, boot), "wall": is_wall})
    return await asyncio.to_thread(body_of, f"{text}\n".encode(), "text/html")


async def _read_boot(app: web.Application, lang: str, who: wire.Who) -> wire.Json:
    """The block of JSON that spares the page its first requests."""
    hour, status, newest = newest_slot(app), status_of(app), app[FEED].newest
    record = wire.Boot(
        lang=lang,
        texts=app[ASSETS].texts[lang]["script"],
        # Without a slot of the limited ones: the page is answered however many ranges are being read.
        samples=await read_history(app, newest_hour(hour, points=POINTS)),
        minutes=await read_history(app, newest_hour(hour, step=60, series=("modes",))),
        newest=newest,
        machine=app[KERNEL].machine(app[CLOCK].now()),
        who=who,
        receivers=[push.standing for push in app[PUSHES]],
    )
    return wire.boot(status, record)


def _context(app: web.Application, lang: str, boot: wire.Json) -> dict[str, object]:
    """What the template names."""
    assets, costs = app[ASSETS], app[COST].read()
    return {
        "lang": lang,
        "languages": list(assets.texts),
        "texts": {**assets.texts[lang]["frame"], **assets.texts[lang]["script"]},
        "host": app[SETTINGS].name,
        "version": __version__,
        # Relative, so that the page lives under whatever path a proxy gives it.
        "assets": f"static/{assets.version}",
        "script": SCRIPT,
        "style": STYLE,
        "is_exposed": app[IS_EXPOSED],
        "cost": wire.cost(*costs),
        "spent": wire.spent(*costs),
        "scope": app[KERNEL].scope().value,
        "core_rows": _core_rows(app),
        "boot": boot,
    }


def _core_rows(app: web.Application) -> int:
    """For how many rows of cores the page leaves room; before the first sample by the system's own count of CPUs."""
    newest = app[FEED].newest
    known = len(newest.cores) if newest and newest.cores else None
    cpus = known or app[KERNEL].machine(app[CLOCK].now()).cpus or 0
    return cpus if cpus <= MOST_CORE_ROWS else SPREAD_ROWS
