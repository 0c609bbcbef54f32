"""What is sent: requests as they should be, and what is one no longer."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote_from_bytes

from tests.faults.hostile import HEADER_VALUES, HEADERS, QUERIES, RAW

PLAIN = (
    b"/api/now",
    b"/api/host",
    b"/api/openapi.json",
    b"/healthz",
    b"/api/history?range=1h",
    b"/api/history?range=1y&series=modes,cores,load,pressure",
    b"/api/history?range=all&format=csv&series=modes,cores,load,pressure",
    b"/",
    b"/static/x/page.js",
    b"/nothing",
)
METHODS = (
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"PATCH",
    b"get",
    b"QUERY",
    b"G\xc3",
    b"",
)
VERSIONS = (b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.1 ", b"HTTP/1,1", b"HTTP/-1.1", b"HTCPCP/1.0", b"")
TARGETS = (
    b"http://localhost/healthz",
    b"http://localhost:99999/",
    b"http://user:password@localhost/api/now",
    b"HTTPS://LOCALHOST/",
    b"ftp://localhost/etc/passwd",
    b"file:///etc/passwd",
    b"http:///",
    b"http://[::1/",
    b"http://[fe80::1%25eth0]/",
    b"//localhost//api//now",
    b"/../../etc/passwd",
    b"/%2e%2e/%2e%2e/etc/passwd",
    b"/api/now#fragment",
    b"/api/now?",
    b"/%",
    b"/%00",
    b"/%ff%fe",
    b"/\xff\xfe",
    b"/\xf0\x9f\x98\x80",
    b"?range=1h",
    b"localhost:80",
    b"*",
)
FORMS = (
    b"%(name)b: %(value)b",
    b"%(name)b:%(value)b",
    b"%(name)b : %(value)b",
    b" %(name)b: %(value)b",
    b"%(name)b: x\r\n %(value)b",
    b"%(name)b: %(value)b\r\n%(name)b: %(value)b",
    b"%(name)b: %(value)b\nX: y",
    b"%(name)b\0: %(value)b",
    b"%(name)b %(value)b",
)
"""A header, well formed and not."""
BODIES = (
    (b"Content-Length: 5", b"hello"),
    (b"Content-Length: 5", b"hel"),
    (b"Content-Length: -5", b"hello"),
    (b"Content-Length: +5", b"hello"),
    (b"Content-Length: 0x5", b"hello"),
    (b"Content-Length: 5\r\nContent-Length: 6", b"hello"),
    (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    (b"Content-Length: 100000000", b"hello"),
    (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b'5;x="y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n'),
    (b"Transfer-Encoding: chunked", b"5\r\nhello!\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"-5\r\nhello\r\n0\r\n\r\n"),
    (b"Transfer-Encoding: chunked", b"fffffffffffffffff\r\nhello"),
    (b"Transfer-Encoding: chunked", b"5\nhello\n0\n\n"),
    (b"Transfer-Encoding: chunked", b"\r\n\r\n"),
    (b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"),
    (b"Transfer-Encoding: xchunked", b"0\r\n\r\n"),
    (b"Content-Encoding: gzip\r\nContent-Length: 5", b"hello"),
    (b"Content-Encoding: deflate\r\nContent-Length: 5", b"hello"),
    (b"Content-Encoding: br\r\nContent-Length: 5", b"hello"),
    (b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5", b"--x--"),
    (b"Expect: 100-continue\r\nContent-Length: 5", b"hello"),
    (b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x", b""),
    (b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk", b""),
)
"""What a body is announced with, and what comes."""
LONG = 20_000
"""Bytes that no line may have."""
PIPELINED = 8
"""So many requests at most are sent together before the one that may end the connection."""
LAST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
"""After which the server closes, if it still listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What is sent on one connection."""

    parts: tuple[bytes, ...]
    """As they are written, with a moment between two."""
    requests: int
    """How many requests, or what is to pass for one, they are."""
    is_heard: bool
    """Whether the answers are waited for."""


def converse(chance: Random) -> Conversation:
    """Some requests as they should be, then one that is not; a tenth hangs up in the middle of it."""
    whole = [plain(chance) for _ in range(chance.randrange(PIPELINED))]
    wild, is_heard = chance.choice(WILD)(chance), chance.random() > 0.1
    end = wild + LAST if is_heard else wild[: chance.randrange(len(wild) + 1)]
    cuts = sorted(chance.randrange(len(end) + 1) for _ in range(chance.choice((0, 0, 0, 1, 3))))
    pieces = [end[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(end)], strict=True)]
    return Conversation(parts=(b"".join(whole), *pieces), requests=len(whole) + 1 + is_heard, is_heard=is_heard)


def compose(
    target: bytes, *lines: bytes, method: bytes = b"GET", version: bytes = b"HTTP/1.1", body: bytes = b""
) -> bytes:
    """A request, in bytes that are not looked at."""
    return b"\r\n".join([b"%b %b %b" % (method, target, version), b"Host: localhost", *lines, b"", body])


def plain(chance: Random) -> bytes:
    """A request as it should be."""
    return compose(chance.choice(PLAIN), *chance.choice(((), (b"Accept-Encoding: gzip",), (b"Cookie: lang=ru",))))


def mutated(chance: Random) -> bytes:
    """Some of its bytes lost, doubled or exchanged."""
    sent = bytearray(plain(chance))
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(sent) + 1)
        sent[at : at + chance.randrange(3)] = chance.choice((b"", sent[at : at + 20], chance.randbytes(2)))
    return bytes(sent)


def garbage(chance: Random) -> bytes:
    """No request at all."""
    return chance.randbytes(chance.randrange(1, 2000))


def long(chance: Random) -> bytes:
    """A target, a header or a number of headers beyond any limit."""
    return chance.choice(
        (
            compose(b"/" + b"a" * LONG),
            compose(b"/api/history?series=" + b"cores," * (LONG // 6)),
            compose(b"/", b"X: " + b"a" * LONG),
            compose(b"/", b"a" * LONG + b": x"),
            compose(b"/", *[b"X: a"] * (LONG // 10)),
            compose(b"/", b"Cookie: " + b"a=b; " * (LONG // 10)),
        )
    )


def with_odd_query(chance: Random) -> bytes:
    """Parameters that were not meant."""
    values = (chance.choice(HEADER_VALUES), chance.randbytes(chance.randrange(8)), b"%d" % chance.randrange(10**13))
    return compose(b"%b%b" % (chance.choice(QUERIES).encode(), quote_from_bytes(chance.choice(values)).encode()))


def with_odd_header(chance: Random) -> bytes:
    """A header whose value, name or form is not what it should be."""
    parts = {b"name": chance.choice(HEADERS).encode(), b"value": chance.choice(HEADER_VALUES)}
    return compose(chance.choice(PLAIN), chance.choice(FORMS) % parts)


def with_odd_line(chance: Random) -> bytes:
    """Another method or version."""
    if chance.random() < 0.5:
        return compose(chance.choice(PLAIN), method=chance.choice(METHODS))
    return compose(chance.choice(PLAIN), version=chance.choice(VERSIONS))


def with_odd_target(chance: Random) -> bytes:
    """A target that is no path of ours."""
    return compose(chance.choice(TARGETS), method=chance.choice((b"GET", b"OPTIONS", b"CONNECT")))


def with_body(chance: Random) -> bytes:
    """A body where none is expected, or one that contradicts its headers."""
    line, body = chance.choice(BODIES)
    return compose(chance.choice(PLAIN), line, body=body, method=chance.choice((b"GET", b"POST")))


def known(chance: Random) -> bytes:
    """What has been thought of one by one."""
    return chance.choice(RAW)


def stream(chance: Random) -> bytes:
    """A stream that is left again."""
    return compose(b"/events", b"Last-Event-ID: %d" % chance.randrange(2 * 10**9))


WILD: tuple[Callable[[Random], bytes], ...] = (
    mutated, mutated, mutated, garbage, long, with_odd_query, with_odd_query, with_odd_header, with_odd_header,
    with_odd_line, with_odd_target, with_body, with_body, known, stream,
)  # fmt: skip
"""Each as often as it stands here."""
