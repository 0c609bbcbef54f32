"""Hostile bytes wherever text enters: flags, environment, request lines, headers, the bare socket."""

import http.client
import os
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote_from_bytes

from tests.faults.harness import Lab, fault
from tests.faults.victim import ask, expect_nothing_missing, expect_refused, start_refused, victim
from tests.service import Service
from tests.waiting import wait_for_samples

SHOUT = "<img/src=x onerror=alert(1)>\"'&{{7*7}}</script>"

REFUSED_NAMES = (
    b"a\nid: 9\ndata: x",
    b"\x1b[2J",
    b"\xff\xfe",
    b"a\x7fb",
    "\u202egnp.exe".encode(),
    "\u2028".encode(),
    b" ",
    b"x" * 101,
)
"""No line breaks, control characters, text that runs backwards, or bytes that are no text."""


@fault("F31", expected="status 2, one line, nothing of it raw on the terminal", quick=0, full=1)
def hostile_settings_are_refused(lab: Lab) -> str:
    """Line breaks, escapes, bytes that are no UTF-8 in --name, --host, --db and the environment."""
    database = os.fsencode(lab.folder() / "a.db")
    for name in REFUSED_NAMES:
        expect_refused(lab, start_refused("--db", database, "--name", name), 2, "--name: ")
        refused = start_refused("--db", database, environment={b"CPUSENSOR_NAME": name})
        expect_refused(lab, refused, 2, "CPUSENSOR_NAME: ")
        expect_refused(lab, start_refused("--db", name + b"\n"), 2, "--db: ")
        expect_refused(lab, start_refused("--db", database, "--host", name + b"\n"), 2, "--host: ")
    lab.expect(that=not Path(os.fsdecode(database)).exists(), otherwise="a database was made")
    return f"{len(REFUSED_NAMES)} texts refused" if not lab.findings else "see verdict"


HEADER_VALUES = (
    SHOUT.encode(),
    b"\xff\xfe\x80",
    b"9" * 400,
    b"-1",
    b"1e309",
    b"nan",
    b"\xd9\xa1\xd9\xa2",
    b"\t",
    b"",
    b"0x10",
    b"1;q=nan,*;q=inf;,;;q=--1,en;q=1e999",
    b'lang="\\377\\"; ; =; $Path=/',
    b"a" * 7000,
    b"localhost@evil.example",
    b"../../etc/passwd",
    b"${jndi:ldap://x}%n%n%s",
)
HEADERS = (
    "Last-Event-ID",
    "Accept-Language",
    "Cookie",
    "Host",
    "Accept-Encoding",
    "Range",
    "If-None-Match",
    "Expect",
    "Content-Length",
    "Transfer-Encoding",
    "Upgrade",
    "X-Forwarded-For",
    "User-Agent",
    "Sec-Fetch-Site",
)
PATHS = ("/", "/events", "/api/history?range=1h", "/api/now", "/healthz", "/static/x/y")
QUERIES = (
    "/?lang=",
    "/events?after=",
    "/api/history?range=",
    "/api/history?from=0&to=",
    "/api/history?step=",
    "/api/history?points=",
    "/api/history?series=",
    "/static/",
    "/",
)

RAW = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x00" * 4096,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\r\n" * 500,
    b"G" * 20_000,
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 3000 + b"\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nx",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%00%ff%0d%0aX:%20y HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[2J\x00\r\n\r\n",
    b"GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n",
    b"GET //[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /api/history?range=1h HTTP/1.1\r\nHost: a\r\n\r\n" * 200,
)


@fault("F31", expected="no 5xx, no traceback, ≤ 1 log line per 100 requests, no sample missing", quick=0, full=5)
def hostile_requests_are_sent(lab: Lab) -> str:
    """Hostile bytes in Last-Event-ID, Accept-Language, Cookie, Host and others, every parameter, and garbage alone."""
    sent = 0
    with victim(lab, lab.folder(), "--name", SHOUT) as service:
        wait_for_samples(service, 1)
        _expect_escaped(lab, service)
        before = service.log.read_text()
        for _ in range(lab.repetitions):
            requests = [*_with_headers(), *_with_queries(), *RAW]
            requests += [lab.chance.randbytes(lab.chance.randrange(1, 2000)) for _ in range(50)]
            for request in requests:
                _send(lab, service, request)
                sent += 1
        wait_for_samples(service, 1)
        grown = service.log.read_text(errors="replace")[len(before) :]
        lines = grown.count("\n")
        lab.expect(that=lines <= 5 + sent // 100, otherwise=f"{lines} log lines for {sent} requests")
        expect_nothing_missing(lab, service)
    return f"{sent:,} requests; log +{len(grown):,} B, {lines} lines"


def _with_headers() -> list[bytes]:
    return [
        b"GET %b HTTP/1.1\r\n%b%b: %b\r\n\r\n"
        % (path.encode(), b"" if name == "Host" else b"Host: a\r\n", name.encode(), value)
        for path in PATHS
        for name in HEADERS
        for value in HEADER_VALUES
    ]


def _with_queries() -> list[bytes]:
    return [
        b"GET %b%b HTTP/1.1\r\nHost: a\r\n\r\n" % (start.encode(), quote_from_bytes(value).encode())
        for start in QUERIES
        for value in HEADER_VALUES
    ]


def _send(lab: Lab, service: Service, request: bytes) -> None:
    """Send it and look at the first line of what comes."""
    answer = b""
    with socket.create_connection(("127.0.0.1", service.port), 5) as one:
        one.settimeout(0.25)
        with suppress(OSError):
            one.sendall(request)
            one.shutdown(socket.SHUT_WR)
            answer = one.recv(4096)
    lab.expect(that=not answer.startswith(b"HTTP/1.1 5"), otherwise=f"{request[:80]!r}: {answer[:30]!r}")


def _expect_escaped(lab: Lab, service: Service) -> None:
    """The machine's name is text on the page and one line on the stream, whatever it holds."""
    page = ask(service, "")[1]
    lab.expect(that="<img/src" not in page and "{{7*7}}</script>" not in page, otherwise="the page holds the name raw")
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=5)
    connection.request("GET", "/events")
    response = connection.getresponse()
    hello = [response.readline() for _ in range(6)]
    connection.close()
    lab.expect(
        that=sum(b"7*7" in line for line in hello) == 1, otherwise="the stream holds the name in no or many lines"
    )
