"""A receiver of samples that misbehaves, on a bare socket, until it is told to be good; then it keeps what comes."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Self

import cramjam

from cpusensor.outlets.remote_write import request_class

GOOD = b"HTTP/1.1 204 No Content\r\n\r\n"
DRIP_S = 0.2


class BadReceiver(ThreadingTCPServer):
    """Listens on a free port of 127.0.0.1 while the block runs, and behaves like one of BEHAVIOURS."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, behave: "Behave | None") -> None:
        """None: it is good from the beginning."""
        super().__init__(("127.0.0.1", 0), Connection)
        self.behave = behave
        self.url = f"http://127.0.0.1:{self.server_address[1]}/write"
        self.is_good = threading.Event()
        self.attempts = 0
        """Connections while it was bad."""
        self.followed = 0
        """Requests to where it had redirected to."""
        self.values: dict[int, float] = {}
        """Of cpusensor_cpu_ratio, by time in seconds."""
        if behave is None:
            self.is_good.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_good.set()
        self.shutdown()
        self.server_close()

    def keep(self, body: bytes) -> None:
        """Take the samples of a request."""
        message = request_class().FromString(bytes(cramjam.snappy.decompress_raw(body)))
        for series in message.timeseries:
            if any(label.value == "cpusensor_cpu_ratio" for label in series.labels):
                values = {one.timestamp // 1000: one.value for one in series.samples if one.timestamp % 1000 == 0}
                self.values |= values


class Connection(StreamRequestHandler):
    """One that the service opened."""

    server: BadReceiver

    def handle(self) -> None:
        """Answer until it is closed, or misbehave once."""
        server = self.server
        with suppress(OSError):
            if server.behave is not None and not server.is_good.is_set():
                server.attempts += 1
                server.behave(self)
                return
            while body := self.read():
                server.keep(body)
                self.send(GOOD)

    def read(self) -> bytes:
        """The body of the next request; empty at the end."""
        head, length = self.rfile.readline(), 0
        self.server.followed += b"elsewhere" in head
        while line := self.rfile.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return self.rfile.read(length)

    def send(self, text: bytes) -> None:
        """Send it at once."""
        self.connection.sendall(text)

    def waits(self, seconds: float | None = None) -> bool:
        """Wait for so long at most; whether it is still bad."""
        return not self.server.is_good.wait(seconds)


Behave = Callable[[Connection], None]


def hangs(connection: Connection) -> None:
    """Takes the request and says nothing."""
    connection.read()
    connection.waits()


def is_deaf(connection: Connection) -> None:
    """Does not even read."""
    connection.waits()


def speaks_something_else(connection: Connection) -> None:
    """Answers what is no HTTP."""
    connection.read()
    connection.send(b"SSH-2.0-\x00\xff\r\n" * 1000)


def floods(connection: Connection) -> None:
    """Fails, and says so without an end."""
    connection.read()
    connection.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 99999999999\r\n\r\n")
    while connection.waits(0.001):
        connection.send(b"x" * 65536)


def has_endless_headers(connection: Connection) -> None:
    """Sends headers without an end."""
    connection.read()
    connection.send(b"HTTP/1.1 200 OK\r\n")
    while connection.waits(0.001):
        connection.send(b"X-Header: %b\r\n" % (b"x" * 4000))


def drips(connection: Connection) -> None:
    """Sends an answer that is not over in half an hour, byte by byte."""
    connection.read()
    for byte in b"HTTP/1.1 204 No Content\r\nX-Header: " + b"x" * 9000:
        if connection.waits(DRIP_S):
            connection.send(bytes([byte]))


def redirects(connection: Connection) -> None:
    """Sends the samples elsewhere."""
    connection.read()
    connection.send(b"HTTP/1.1 307 Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    connection.read()


def closes(connection: Connection) -> None:
    """Cuts the connection inside the body."""
    while connection.rfile.readline().strip():
        pass
    connection.rfile.read(10)
    connection.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def promises(connection: Connection) -> None:
    """Ends inside its answer."""
    connection.read()
    connection.send(b"HTTP/1.1 503 Later\r\nRetry-After: \xff\r\nContent-Length: 100\r\n\r\nnot")


BEHAVIOURS: tuple[Behave, ...] = (
    *(hangs, is_deaf, speaks_something_else, floods, has_endless_headers, drips, redirects, closes, promises),
)
