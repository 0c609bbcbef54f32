"""The answers: page, history, newest sample, stream, health, and what describes them."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Hashable
from functools import lru_cache, partial
from typing import Any

import aiohttp_jinja2
from aiohttp import HttpVersion11, hdrs, web
from multidict import CIMultiDict, MultiMapping

from cpusensor import __version__
from cpusensor.http.assets import SCRIPT, STYLE, choose_language
from cpusensor.http.cache import Body, body_of
from cpusensor.http.keys import (
    ANSWERS,
    ASSETS,
    BROADCAST,
    CLOCK,
    COST,
    FEED,
    HISTORY,
    IS_EXPOSED,
    KERNEL,
    RECORDER,
    SETTINGS,
)
from cpusensor.model.grid import slot_at
from cpusensor.model.query import MAX_TIME_DIGITS, BadRequestError, Query, parse_query
from cpusensor.outlets import wire
from cpusensor.outlets.broadcast import FullError, Stream
from cpusensor.recording.view import answer

LANGUAGE_COOKIE = "lang"
LANGUAGE_MAX_AGE_S = 31_536_000

STREAM_HEADERS = {
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
RETRY_MS = (1000, 5000)
"""Readers that lost their stream together come back spread over this time."""

PAGE_POINTS = 3600
"""The page shows an hour at the finest step, even of samples taken every second."""

PAGE_VARIES = "Accept-Encoding, Accept-Language, Cookie"

JSON = "application/json"

routes = web.RouteTableDef()


@routes.get("/")
async def page(request: web.Request) -> web.Response:
    """The page, with the first hour inside."""
    offered = list(request.app[ASSETS].texts)
    chosen = request.query.get("lang", "")
    wanted = [chosen, request.cookies.get(LANGUAGE_COOKIE, "")]
    lang = choose_language(wanted, request.headers.get(hdrs.ACCEPT_LANGUAGE, ""), offered)
    state = wire.state_of(request.app[RECORDER].health())
    body = await _kept(request, ("page", lang, state), partial(_make_page, request, lang))
    response = _response(request, body, cache="no-cache", vary=PAGE_VARIES)
    if chosen == lang:
        response.set_cookie(LANGUAGE_COOKIE, lang, max_age=LANGUAGE_MAX_AGE_S, samesite="Strict", path="")
    return response


async def _make_page(request: web.Request, lang: str) -> Body:
    text = aiohttp_jinja2.render_string("page.html", request, await _page_context(request, lang))
    return body_of(text.encode(), "text/html")


async def _page_context(request: web.Request, lang: str) -> dict[str, object]:
    app = request.app
    assets = app[ASSETS]
    newest = app[FEED].newest
    boot: wire.Json = {
        "lang": lang,
        "host": app[SETTINGS].name,
        "version": __version__,
        "interval": app[SETTINGS].interval,
        "now": int(app[CLOCK].wall()),
        "texts": assets.texts[lang]["script"],
        "samples": await _history(request, _asked(request, {"range": "1h", "points": str(PAGE_POINTS)})),
        "minutes": await _history(request, _asked(request, {"range": "1h", "step": "60"})),
        "newest": wire.sample(newest) if newest else None,
        "state": wire.state_of(app[RECORDER].health()),
    }
    return {
        "lang": lang,
        "languages": list(assets.texts),
        "texts": {**assets.texts[lang]["frame"], **assets.texts[lang]["script"]},
        "host": app[SETTINGS].name,
        "version": __version__,
        "assets": f"static/{assets.version}",
        "script": SCRIPT,
        "style": STYLE,
        "is_exposed": app[IS_EXPOSED],
        "cost": wire.cost(*app[COST].read()),
        "is_in_container": app[KERNEL].is_in_container(),
        "boot": boot,
    }


@routes.get("/static/{version}/{path:.+}")
async def static(request: web.Request) -> web.Response:
    """A file of the page, under an address that changes with its content."""
    assets = request.app[ASSETS]
    asset = assets.files.get(request.match_info["path"])
    if asset is None or request.match_info["version"] != assets.version:
        raise web.HTTPNotFound
    return _response(request, asset, cache="max-age=31536000, immutable")


@routes.get("/api/history")
async def history(request: web.Request) -> web.Response:
    """A range of the history on a dense grid."""
    try:
        query = request.rel_url.raw_query_string
        body = await _kept(request, ("history", query), partial(_make_history, request))
    except BadRequestError as error:
        return _json({"error": str(error)}, status=400)
    return _response(request, body, cache="no-store")


async def _make_history(request: web.Request) -> Body:
    asked = _asked(request, _single(request.query))
    with request.app[HISTORY].reader.slot(asked.from_time, asked.to_time):
        answer = await _history(request, asked)
        return await asyncio.to_thread(lambda: body_of(wire.encode_by_member(answer).encode(), JSON))


def _asked(request: web.Request, query: dict[str, str]) -> Query:
    return parse_query(query, slot_at(request.app[CLOCK].wall(), request.app[SETTINGS].interval))


async def _history(request: web.Request, asked: Query) -> dict[str, wire.Json]:
    app = request.app
    now = app[CLOCK].wall()
    found = await answer(asked, now, app[HISTORY], app[RECORDER].committer)
    newest = app[FEED].newest
    header: dict[str, wire.Json] = {
        "host": app[SETTINGS].name,
        "now": int(now),
        "last_id": newest.time if newest else None,
    }
    return await asyncio.to_thread(wire.history, found, asked.series, header)


@routes.get("/api/now")
async def now(request: web.Request) -> web.Response:
    """The newest sample, as the stream sent it, and what recording costs."""
    newest = request.app[FEED].newest
    if newest is None:
        return _json({"error": "nothing is recorded yet; the first sample comes within two intervals"}, status=404)
    return _json({**wire.sample(newest), "self": wire.cost(*request.app[COST].read())})


@routes.get("/api/openapi.json")
async def openapi(request: web.Request) -> web.Response:
    """What describes all this."""
    return _response(request, request.app[ASSETS].description, cache="no-cache")


@routes.get("/healthz")
async def healthz(request: web.Request) -> web.Response:
    """Whether the recording goes on, in a word."""
    health = request.app[RECORDER].health()
    return web.Response(text=f"{wire.state_of(health)}\n", status=200 if health.is_ticking else 503)


@routes.get("/events")
async def events(request: web.Request) -> web.StreamResponse:
    """The stream: a greeting, what the reader missed, then each tick as it comes."""
    try:
        position, reason = _position(request)
        if request.method == hdrs.METH_HEAD:
            return web.Response(headers=STREAM_HEADERS)
        with request.app[BROADCAST].slot():
            return await _stream(request, position, reason)
    except BadRequestError as error:
        return _json({"error": str(error)}, status=400)
    except FullError:
        limit = request.app[SETTINGS].max_streams
        return _json({"error": f"all {limit} streams are in use; try again"}, status=503, headers={"Retry-After": "5"})


async def _stream(request: web.Request, position: int | None, reason: str | None) -> web.StreamResponse:
    broadcast = request.app[BROADCAST]
    response = web.StreamResponse(headers=STREAM_HEADERS)
    chunked = request.version >= HttpVersion11
    if chunked:
        response.enable_chunked_encoding()
    try:
        await response.prepare(request)
        missed = broadcast.restart(reason) if reason else broadcast.catch_up(position)
        reached = broadcast.newest_id
        await response.write(_hello(request, reached) + missed)
        # What is published meanwhile follows; then no await parts the last look from joining.
        while broadcast.newest_id != reached:
            missed, reached = broadcast.catch_up(reached), broadcast.newest_id
            await response.write(missed)
        if request.transport is not None:
            await broadcast.follow(Stream(request.transport, chunked=chunked))
    except ConnectionError:
        pass  # The reader left; that is not an error.
    return response


def _hello(request: web.Request, last_id: int | None) -> bytes:
    app = request.app
    greeting: wire.Json = {
        "host": app[SETTINGS].name,
        "version": __version__,
        "boot": app[HISTORY].runs.present.boot_id,
        "interval": app[SETTINGS].interval,
        "now": int(app[CLOCK].wall()),
        "last_id": last_id,
        "state": wire.state_of(app[RECORDER].health()),
    }
    return wire.hello(greeting, random.randint(*RETRY_MS))  # noqa: S311 - spreads readers, hides nothing


def _position(request: web.Request) -> tuple[int | None, str | None]:
    """Where the reader stands, or why that cannot be told: the header that EventSource sends wins over the address."""
    after = _single(request.query).get("after")
    if after is not None and not _is_time(after):
        raise BadRequestError(f"after: {after!r} is not allowed; it must be the id of a sample, in UTC Unix seconds")
    text = request.headers.get("Last-Event-ID", after)
    if text is None or _is_time(text):
        return (None if text is None else int(text)), None
    return None, "the Last-Event-ID is not a sample's id"


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_TIME_DIGITS


def _single(query: MultiMapping[str]) -> dict[str, str]:
    """The parameters, none of which may be given twice."""
    for name in query:
        if len(query.getall(name)) > 1:
            raise BadRequestError(f"{name!r}: given {len(query.getall(name))} times; give it once")
    return dict(query)


def _json(body: wire.Json, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer that is small and made for this reader."""
    return web.Response(
        text=wire.encode(body),
        status=status,
        content_type=JSON,
        headers={hdrs.CACHE_CONTROL: "no-store", **(headers or {})},
    )


async def _kept(request: web.Request, key: Hashable, make: Callable[[], Coroutine[Any, Any, Body]]) -> Body:
    """An answer that many readers may want at the same moment: until the next second or sample it stays the same."""
    app = request.app
    newest = app[FEED].newest
    return await app[ANSWERS].get((int(app[CLOCK].wall()), newest and newest.time), key, make)


def _response(request: web.Request, body: Body, *, cache: str, vary: str = "Accept-Encoding") -> web.Response:
    """The body, compressed for a reader that takes it so."""
    is_gzipped = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    headers = _headers(body.content_type, cache, vary, is_gzipped=is_gzipped)
    return web.Response(body=body.gzipped if is_gzipped else body.plain, headers=headers)


@lru_cache(maxsize=100)
def _headers(content_type: str, cache: str, vary: str, *, is_gzipped: bool) -> CIMultiDict[str]:
    """Made once for each kind of answer, and copied by each response."""
    headers = CIMultiDict(
        {hdrs.CONTENT_TYPE: f"{content_type}; charset=utf-8", hdrs.CACHE_CONTROL: cache, hdrs.VARY: vary}
    )
    if is_gzipped:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return headers
