"""The open connections: how many there may be, from whom, and how long one may take to ask for something.

aiohttp gives a connection all the time in the world to finish the head of a request. Here each one is followed from
outside, by a protocol that passes everything on, so that nothing of aiohttp's own is touched.
"""

import asyncio
import resource
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import cast

from aiohttp import hdrs, web

from cpusensor.http.refusals import refuse_unread

MAX_TARGET_BYTES, MAX_FIELD_BYTES, MAX_FIELDS = 2048, 8192, 100
"""How much of one request is read: what a browser brings for all services of a host, whose cookies it cannot tell
apart."""

MAX_HEADERS_BYTES = 32_768
"""All fields together: so much is held of each request that does not come to its end."""

HEAD_END = b"\r\n\r\n"

RESERVE = 32
"""Descriptors that are not connections: of the database, the loop and libraries, and some to spare."""

RETRY_S = 5
"""When a reader that was turned away may try again."""

BUSY = refuse_unread(503, "too many connections are open; try again", {hdrs.RETRY_AFTER: str(RETRY_S)})
TOO_LARGE = refuse_unread(431, f"the headers take more than {MAX_HEADERS_BYTES >> 10} KiB in all, the limit")
"""Written out here: aiohttp answers requests, and none has been read."""

ADDRESS_BITS = 64
"""Of an IPv6 address those that a customer chooses freely; the rest names the customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a connection that asks for nothing is waited for, in seconds."""

    head_s: float = 10.0
    """For the TLS handshake of a new one, and then until the head of its first request is complete."""
    idle_s: float = 20.0
    """From the making of one answer until the head of the next request is complete."""
    sweep_s: float = 1.0
    """Between two looks at all of them: a connection is ended so much too late at most."""


TIMEOUTS = Timeouts()


class Connection(asyncio.Protocol):
    """One accepted connection; passes everything on to the protocol that serves it, unless it is turned away."""

    def __init__(self, served_by: asyncio.Protocol, connections: "Connections") -> None:
        self._served_by: asyncio.Protocol | None = served_by
        self._connections = connections
        self.peer = ""
        """Its address; empty on a Unix socket."""
        self.client = ""
        """What is counted as one client, by `client_of`."""
        self.sweeps_left: float | None = None
        """Sweeps until it is ended; None while it is being answered, however long that takes."""
        self._is_turned_away = False
        self._is_in_first_line = True
        self.head_bytes = 0
        """Of the fields of the head that is not complete yet."""
        self.is_asked = False
        """Whether a head was complete, and its answer is not."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or turn it away."""
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        # A Unix socket has no address but the path of its file.
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self.client = client_of(self.peer)
        if self._served_by is None or not self._connections.admit(self):
            self._served_by = None
            self.transport.write(BUSY)
            self.transport.close()
            return
        self._served_by.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the protocol too, unless it never heard of the connection."""
        self._connections.forget(self)
        if self._served_by is not None:
            self._served_by.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass it on, up to a head that is too large."""
        if self._served_by is None or self._is_turned_away:
            return
        passed = self._measure(data)
        if passed == len(data):
            self._served_by.data_received(data)
        elif self.is_asked:
            # Nothing that comes after what was asked is needed; what was asked is answered, and then it is closed.
            self._served_by.data_received(data[:passed])
            if isinstance(self._served_by, web.RequestHandler):
                self._served_by.close()
        else:
            self._turn_away()

    def _measure(self, data: bytes) -> int:
        """How many bytes of it may be passed on: all, or those before a head that is too large.

        aiohttp bounds a field and their number, of which the product is more than a connection shall cost.
        """
        begin = 0
        while (fields := self._begin_of_fields(data, begin)) is not None:
            # The end of the first line is the begin of an end without fields.
            end = data.find(HEAD_END, max(0, fields - 2))
            size = self.head_bytes + (len(data) if end < 0 else end + 2) - fields
            if size > MAX_HEADERS_BYTES:
                return begin
            if end < 0:
                self.head_bytes = size
                break
            self.is_asked, self._is_in_first_line, self.head_bytes, begin = True, True, 0, end + len(HEAD_END)
        return len(data)

    def _begin_of_fields(self, data: bytes, begin: int) -> int | None:
        """Where the fields of a head begin, or go on; None while its first line does, which aiohttp bounds."""
        if not self._is_in_first_line:
            return begin
        end = data.find(b"\n", begin)
        self._is_in_first_line = end < 0
        return None if end < 0 else end + 1

    def _turn_away(self) -> None:
        """Say what was too large, and pass nothing on any more."""
        self._is_turned_away = True
        self.transport.write(TOO_LARGE)
        # Closed at once, while more is on its way, the answer might not be read (RFC 9112 §9.6); the sweep ends it.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return None if self._served_by is None else self._served_by.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        if self._served_by is not None:
            self._served_by.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        if self._served_by is not None:
            self._served_by.resume_writing()


class Connections:
    """All that are open: lets them in within limits, and ends those that ask for nothing. The event loop's alone."""

    def __init__(
        self, *, limit: int, per_address: int, is_exempt: Callable[[str], bool], timeouts: Timeouts = TIMEOUTS
    ) -> None:
        """At most `limit`, and at most `per_address` from an address unless it `is_exempt`."""
        self._limit = limit
        self._per_address = per_address
        self._is_exempt = is_exempt
        self.timeouts = timeouts
        self._open: dict[asyncio.BaseTransport, Connection] = {}
        self._counts: Counter[str] = Counter()
        self._sweep: asyncio.TimerHandle | None = None

    def follow(self, served_by: asyncio.Protocol) -> Connection:
        """The protocol for a new connection, around the one that serves it."""
        return Connection(served_by, self)

    def admit(self, connection: Connection) -> bool:
        """Whether a new connection may stay. At a limit the oldest that is not being answered is ended for it."""
        client = connection.client
        is_limited = not self._is_exempt(connection.peer)
        if is_limited and self._counts[client] >= self._per_address and not self._evict(client):
            return False
        if len(self._open) >= self._limit and not self._evict(None):
            return False
        self._open[connection.transport] = connection
        self._counts[client] += 1
        self._expect(connection, self.timeouts.head_s)
        return True

    def forget(self, connection: Connection) -> None:
        """Count a closed connection no more; a second call changes nothing."""
        if self._open.pop(connection.transport, None) is None:
            return
        self._counts[connection.client] -= 1
        if not self._counts[connection.client]:
            # An address that left shall not be remembered for ever.
            del self._counts[connection.client]

    def begin(self, transport: asyncio.BaseTransport | None) -> None:
        """Begin to answer a request: until `end` its connection has no timeout."""
        if transport in self._open:
            connection = self._open[transport]
            connection.sweeps_left, connection.is_asked, connection.head_bytes = None, True, 0

    def end(self, transport: asyncio.BaseTransport | None) -> None:
        """End answering: the client has so long to read the answer and to ask again."""
        if transport in self._open:
            self._open[transport].is_asked = False
            self._expect(self._open[transport], self.timeouts.idle_s)

    def _expect(self, connection: Connection, seconds: float) -> None:
        """Give a connection so long. It is counted in sweeps: no request costs a look at the clock or a timer."""
        connection.sweeps_left = seconds / self.timeouts.sweep_s
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self.timeouts.sweep_s, self._end_overdue)

    def _evict(self, client: str | None) -> bool:
        """End the oldest connection that is not being answered, of one client or of any; False if there is none."""
        # A dict keeps the order in which they were opened.
        for connection in self._open.values():
            if connection.sweeps_left is not None and client in {None, connection.client}:
                # The loop tells of the end only later, and the new one is counted now.
                self.forget(connection)
                # Closed in good order it would be waited for until it has read what it does not read.
                connection.transport.abort()
                return True
        return False

    def _end_overdue(self) -> None:
        """End those whose time is up, and look again after the next sweep unless none is waited for."""
        self._sweep, is_anyone_waited_for = None, False
        for connection in tuple(self._open.values()):
            if connection.sweeps_left is None:
                continue
            is_anyone_waited_for = True
            connection.sweeps_left -= 1
            if connection.sweeps_left < 0:
                connection.transport.abort()
        if is_anyone_waited_for:
            self._sweep = asyncio.get_running_loop().call_later(self.timeouts.sweep_s, self._end_overdue)


def affordable(wanted: int) -> int:
    """How many connections this process may have open, after asking the system for as many as are wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVE
    # The soft limit is often 1024, and every process may raise its own up to the hard one (getrlimit(2)).
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - RESERVE))


def client_of(text: str) -> str:
    """What is counted as one client: an IPv4 address, or the /64 of an IPv6 one; empty for what is no address."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    # A socket that listens on IPv6 shows an IPv4 address inside one of IPv6; those are not all one client.
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None and not found.is_loopback:
        return str(IPv6Address(int(found) >> ADDRESS_BITS << ADDRESS_BITS))
    return str(getattr(found, "ipv4_mapped", None) or found)
