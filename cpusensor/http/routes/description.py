"""`GET /api/openapi.json`: the API in the words of OpenAPI."""

from aiohttp import web

from cpusensor.http.keys import ASSETS
from cpusensor.http.responses import body_answer


async def get_description(request: web.Request) -> web.Response:
    """The description of every address, with the version that serves it."""
    return body_answer(request, request.app[ASSETS].description, cache_control="no-cache")
