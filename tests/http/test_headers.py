"""What every answer is sent with, whoever made it."""

import json
import re
from contextlib import AsyncExitStack

import pytest

from cpusensor.store.database import MAX_READING
from tests.running import Running

POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
REQUEST = "{method} /{path} HTTP/1.1\r\nHost: localhost\r\n{header}Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("path", "method", "header", "status"),
    [
        ("", "GET", "", 200),
        ("api/history", "GET", "", 200),
        ("api/openapi.json", "GET", "", 200),
        ("healthz", "GET", "", 200),
        ("events", "HEAD", "", 200),
        ("api/history?range=2h", "GET", "", 400),
        ("", "GET", "Content-Length: x\r\n", 400),
        ("", "GET", "A: \x1b[2J\0\r\n", 400),
        ("?" + "a" * 3000, "GET", "", 414),
        ("", "GET", f"A: {'a' * 9000}\r\n", 431),
        ("", "GET", f"A: {'a' * 8000}\r\n" * 5, 431),
        ("api/now", "GET", "Authorization: Bearer wrong\r\n", 401),
        ("events", "GET", "Sec-Fetch-Site: cross-site\r\n", 403),
        ("api/now", "GET", "", 404),
        ("nothing", "GET", "", 404),
        ("api/now", "POST", "", 405),
        ("", "GET", "Content-Length: 1\r\n", 413),
        ("", "GET", "Expect: miracles\r\n", 417),
        ("", "GET", "X-Forwarded-Host: evil.example\r\n", 421),
        ("api/history?range=6h", "GET", "", 503),
    ],
)
@pytest.mark.usefixtures("impatient")
async def test_every_answer_tells_the_browser_what_it_must_not_do(
    running: Running, path: str, method: str, header: str, status: int
) -> None:
    await running.restart("--trust-proxy", "127.0.0.1", *(["--token", "0123456789abcdef"] if status == 401 else []))
    async with AsyncExitStack() as others:
        for _ in range(MAX_READING if status == 503 else 0):
            await others.enter_async_context(running.history.reader.slot(0, 3600))
        answer = await running.raw(REQUEST.format(method=method, path=path, header=header) + "x" * (status == 413))

    head, _, body = answer.decode("latin-1").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert re.match(rf"HTTP/1\.[01] {status} ", first)
    assert headers.items() >= POLICY.items()
    assert headers["Cache-Control"]
    assert headers.get("Server", "cpusensor") == "cpusensor"
    assert headers.keys().isdisjoint({"Access-Control-Allow-Origin", "X-Powered-By"})
    assert status < 400 or "error" in json.loads(body)
    assert method == "HEAD" or body.endswith("\n")


async def test_an_error_of_our_own_tells_nothing_of_itself(running: Running) -> None:
    await running.clock.advance(5)
    running.kernel.spent = {"cpu_s": 0.0}
    for accepted in ("*/*", "text/html"):
        async with await running.get("api/now", Accept=accepted) as response:
            assert response.status == 500
            assert await response.json() == {"error": "Server got itself in trouble"}
            assert response.headers.items() >= POLICY.items()
            assert "Server" not in response.headers
