"""What is said to a request that is not answered: JSON in one line, a page to a browser, bytes where none was read."""

from html import escape
from http import HTTPStatus

from aiohttp import hdrs, web

from cpusensor.http.headers import UNROUTED
from cpusensor.outlets import wire

JSON = "application/json"

MAX_SHOWN = 100
"""Characters of what was asked for that an answer repeats."""

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title} – cpusensor</title>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""
"""It needs no other file: whoever may not come in may not have them either."""


def refusal(
    status: int, text: str, request: web.BaseRequest | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    """An error that says in one line what is wrong and what to do; a page if the request comes from a browser's tab."""
    told = {hdrs.CACHE_CONTROL: "no-store", **(headers or {})}
    # Scripts and commands ask for anything, and only a tab asks for a page.
    if request is not None and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
        page = PAGE.format(title=f"{status} {HTTPStatus(status).phrase}", text=escape(text))
        return web.Response(text=page, status=status, content_type="text/html", headers=told)
    return web.Response(text=json_line(text), status=status, content_type=JSON, headers=told)


def json_line(text: str) -> str:
    """The body of an error."""
    return f"{wire.encode(wire.error(text))}\n"


def refuse_unrouted(status: int, text: str = "") -> web.Response:
    """An error without a route; without a text in the words of its status: what failed is nobody's business."""
    return refusal(status, text or HTTPStatus(status).description, headers=UNROUTED)


def refuse_unread(status: int, text: str, headers: dict[str, str] | None = None) -> bytes:
    """The whole answer to a connection of which no request was read, which ends it."""
    body = json_line(text).encode()
    told = {
        **UNROUTED,
        hdrs.CONTENT_TYPE: f"{JSON}; charset=utf-8",
        hdrs.CONTENT_LENGTH: str(len(body)),
        hdrs.CONNECTION: "close",
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n".encode() + body


def shown(text: str) -> str:
    """What was asked for as an answer repeats it: in quotes, and not all of it if it is long."""
    return repr(text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…")
