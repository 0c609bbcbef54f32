"""What every answer tells a browser that it must not do."""

from aiohttp import hdrs, web
from multidict import CIMultiDict

NOSNIFF: CIMultiDict[str] = CIMultiDict({"X-Content-Type-Options": "nosniff"})
"""What the files of the page are sent with: the rest of the policy is the page's own, and binds them there."""

POLICY: CIMultiDict[str] = CIMultiDict(
    {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        **NOSNIFF,
    }
)

UNROUTED = {**POLICY, hdrs.CACHE_CONTROL: "no-store", hdrs.SERVER: "cpusensor"}
"""For answers that no route made: `add_headers` does not see them, and aiohttp names itself and Python in `Server`."""


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the policy to an answer, and take out the name of what it runs on; a signal that aiohttp sends."""
    response.headers.popall(hdrs.SERVER, None)
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    response.headers.update(NOSNIFF if request.path.startswith("/static/") else POLICY)
