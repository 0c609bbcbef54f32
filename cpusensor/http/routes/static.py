"""`GET /static/…`: the scripts, styles and images of the page."""

from aiohttp import web

from cpusensor.http.keys import ASSETS
from cpusensor.http.responses import body_answer


async def get_static(request: web.Request) -> web.Response:
    """A file of the page, which a browser may keep for ever: its address changes with its content."""
    assets = request.app[ASSETS]
    asset = assets.files.get(request.match_info["path"])
    # Another version's address must not show this version's file: the browser would keep it under the wrong name.
    if asset is None or request.match_info["version"] != assets.version:
        raise web.HTTPNotFound
    return body_answer(request, asset, cache_control="max-age=31536000, immutable")
