"""The hostile side: `python -m tests.bench.attack HOST PORT` holds 300 connections open until it is killed.

Each costs the attacker next to nothing: it says nothing, or too little, or asks for much and reads none of it. One that
the server ends is opened again at the next look. With `--malformed N` it sends so many requests that are none instead.
"""

import argparse
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle, islice

SOCKETS = 300
LOOK_S = 1.0
TIMEOUT_S = 5.0
RECEIVE_BYTES = 2048
"""So little fits into the buffer of one that does not read."""

ESTABLISHED = 1
"""A state of tcp_info (linux/tcp.h)."""

LARGE = "/api/history?from={start}&to={end}&points=5000&series=modes,cores,load,pressure"
DAY_S = 86_400

KINDS = ("silent", "a head without an end", "a byte a second", "a large answer, not read", "a stream, not read", "idle")

LINES, MORE_LINES = 8, 120
"""Lines of a head without an end: at once, which the service's own limits allow, and with one more at each look."""

LINE = b"X-%d: " + b"a" * 4000 + b"\r\n"

MALFORMED = (
    b"GET\r\n\r\n",
    b"\x00" * 64,
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[2J\x00\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
)
"""What no parser takes for a request."""


@dataclass(slots=True)
class Hostile:
    """One connection, and what it is up to."""

    kind: str
    number: int
    address: tuple[str, int]
    connection: socket.socket | None = field(init=False, default=None)
    lines: int = field(init=False, default=0)

    def act(self) -> None:
        """Open it if it is not open; say what it still has to say."""
        with suppress(OSError):
            if self.connection is None or not self._is_open(self.connection):
                self._open()
            elif self.kind == "a byte a second":
                self.connection.send(b"x")
            elif self.kind == "a head without an end" and self.lines < MORE_LINES:
                self.connection.send(LINE % self.lines)
                self.lines += 1

    def _open(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = socket.socket()
        self.connection.settimeout(TIMEOUT_S)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        self.connection.connect(self.address)
        self.lines = LINES
        self.connection.sendall(self._beginning())

    def _beginning(self) -> bytes:
        """What is sent first."""
        end = 1_700_000_000 + 7 * self.number
        return {
            "silent": b"",
            "a head without an end": request("/", self.address[0])[:-2] + b"".join(LINE % one for one in range(LINES)),
            "a byte a second": request("/", self.address[0])[:-2] + b"X: ",
            "a large answer, not read": request(LARGE.format(start=end - 365 * DAY_S, end=end), self.address[0]),
            "a stream, not read": request("/events", self.address[0]),
            "idle": request("/healthz", self.address[0]),
        }[self.kind]

    @staticmethod
    def _is_open(connection: socket.socket) -> bool:
        (state,) = struct.unpack("B", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1))
        return bool(state == ESTABLISHED)


def request(target: str, host: str) -> bytes:
    """A whole one."""
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def hold(address: tuple[str, int], sockets: int) -> None:
    """Keep so many open for ever; tell once all were."""
    every = [Hostile(kind, number, address) for number, kind in enumerate(islice(cycle(KINDS), sockets))]
    is_told = False
    while True:
        began = time.monotonic()
        for one in every:
            one.act()
        if not is_told:
            print("open", flush=True)
            is_told = True
        time.sleep(max(0.0, began + LOOK_S - time.monotonic()))


def send_malformed(address: tuple[str, int], count: int) -> int:
    """Send so many, each on a connection of its own; how many were answered."""
    answered = 0
    for request in islice(cycle(MALFORMED), count):
        with suppress(OSError), socket.create_connection(address, TIMEOUT_S) as connection:
            connection.sendall(request)
            answered += bool(connection.recv(4096))
    return answered


def main() -> int:
    """Attack until killed, or until all malformed requests are sent."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.attack", description=__doc__.split("\n")[0])
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--sockets", type=int, default=SOCKETS)
    parser.add_argument("--malformed", type=int, default=0)
    told = parser.parse_args()
    address = (told.host, told.port)
    if told.malformed:
        print(send_malformed(address, told.malformed))
    else:
        hold(address, told.sockets)
    return 0


if __name__ == "__main__":
    sys.exit(main())
