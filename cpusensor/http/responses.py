"""A body or a JSON value -> the response: from the cache, compressed for a reader that takes it so, or an error."""

from collections.abc import Callable, Coroutine, Hashable
from functools import lru_cache
from typing import Any

from aiohttp import ETag, hdrs, web
from multidict import CIMultiDict

from cpusensor.http.cache import COMPRESSION, Body, body_of
from cpusensor.http.keys import CACHE, CLOCK, FEED
from cpusensor.http.refusals import JSON
from cpusensor.outlets import wire


async def cached(app: web.Application, key: Hashable, make: Callable[[], Coroutine[Any, Any, Body]]) -> Body:
    """The answer to `key`, by `make` unless it is cached: until the next second or sample it stays the same."""
    newest = app[FEED].newest
    return await app[CACHE].get((int(app[CLOCK].wall()), newest and newest.time), key, make)


def is_unchanged(request: web.Request, etag: str) -> bool:
    """Whether the reader says that it has this answer (If-None-Match, RFC 9110 §13.1.2)."""
    return any(one.value in {etag, "*"} for one in request.if_none_match or ())


def unchanged(etag: str, cache_control: str) -> web.Response:
    """A response that says so."""
    headers = {hdrs.CACHE_CONTROL: cache_control, hdrs.VARY: hdrs.ACCEPT_ENCODING}
    response = web.Response(status=304, headers=headers)
    response.etag = ETag(etag, is_weak=True)
    return response


def body_answer(
    request: web.Request, body: Body, *, cache_control: str, vary: str = hdrs.ACCEPT_ENCODING, etag: str | None = None
) -> web.Response:
    """A response with the body, compressed for a reader that takes it so."""
    # Named is wanted: whoever does not take it leaves it out, and nobody writes `gzip;q=0`.
    is_gzipped = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    headers = _headers(body.content_type, cache_control, vary, is_gzipped=is_gzipped)
    response = web.Response(body=body.gzipped if is_gzipped else body.plain, headers=headers)
    # Weak, for the same answer has other bytes when it is compressed, and says at what time it was given.
    if etag is not None:
        response.etag = ETag(etag, is_weak=True)
    return response


@lru_cache(maxsize=100)
def _headers(content_type: str, cache_control: str, vary: str, *, is_gzipped: bool) -> CIMultiDict[str]:
    """Made once for each kind of answer; each response copies them."""
    headers = CIMultiDict(
        {hdrs.CONTENT_TYPE: f"{content_type}; charset=utf-8", hdrs.CACHE_CONTROL: cache_control, hdrs.VARY: vary}
    )
    if is_gzipped:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return headers


def json_body(text: str, level: int = COMPRESSION) -> Body:
    """What a response with this JSON carries: it ends in a newline, as all that is read in a terminal does."""
    return body_of(f"{text}\n".encode(), JSON, level)


def json_answer(value: wire.Json, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A response that is small and made for this reader alone, so neither cached nor compressed."""
    return web.Response(
        text=f"{wire.encode(value)}\n",
        status=status,
        content_type=JSON,
        headers={hdrs.CACHE_CONTROL: "no-store", **(headers or {})},
    )


def error_answer(text: str, *, status: int, headers: dict[str, str] | None = None) -> web.Response:
    """A response that says in one line what is wrong and what to do."""
    return json_answer(wire.error(text), status=status, headers=headers)
