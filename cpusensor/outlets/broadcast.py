"""The open streams and the newest hour of what they were sent. Bounded, and never waits for a reader.

A frame is encoded once and every stream gets the same bytes, written straight to its transport. A reader that does not
keep up is disconnected, never skipped: it comes back with its position and misses nothing.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property

from cpusensor.kernel.clock import Clock
from cpusensor.model.grid import REPLAY_S
from cpusensor.model.records import Entry
from cpusensor.outlets import wire

MAX_UNSENT_BYTES = 32_768
"""A stream with more than this unsent is cut; the kernel's own buffer holds about as much again."""

ACKNOWLEDGE_MS = 20_000
"""A peer that acknowledges nothing for this long is gone (TCP_USER_TIMEOUT, tcp(7)); by itself that takes 15 min."""


class FullError(Exception):
    """No further stream may be opened."""


class Frame:
    """One entry as it is sent, encoded once, and only when somebody is to be sent it."""

    def __init__(self, entry: Entry) -> None:
        self.id = entry.sample.time
        self._entry = entry

    @cached_property
    def sample(self) -> bytes:
        """The sample alone."""
        return wire.sampled(self._entry.sample)

    @cached_property
    def whole(self) -> bytes:
        """What the entry closed, then its sample."""
        return wire.closed(self._entry.closed) + self.sample


class Stream:
    """One open response, to whose transport frames are written."""

    def __init__(self, transport: asyncio.WriteTransport, *, chunked: bool) -> None:
        self._transport = transport
        self._chunked = chunked
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._limit_kernel_buffers()

    def send(self, frame: bytes, chunk: bytes) -> None:
        """Write the frame, or the same as an HTTP/1.1 chunk; ends the stream if its reader is gone or behind."""
        if self._transport.is_closing():
            self.end()
        elif self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.cut()
        else:
            self._transport.write(chunk if self._chunked else frame)

    def end(self) -> None:
        """Let the response finish in good order, unless its reader is behind."""
        if self._transport.get_write_buffer_size():
            self.cut()
        elif not self.ended.done():
            self.ended.set_result(None)

    def cut(self) -> None:
        """Reset the connection; plain closing would leave the kernel holding what the reader does not take."""
        connection = self._transport.get_extra_info("socket")
        if connection is not None and not self._transport.is_closing():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
        if not self.ended.done():
            self.ended.set_result(None)

    def _limit_kernel_buffers(self) -> None:
        connection = self._transport.get_extra_info("socket")
        if connection is None or connection.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_UNSENT_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, ACKNOWLEDGE_MS)


class Broadcast:
    """What every stream is sent. The event loop's alone."""

    def __init__(self, *, clock: Clock, limit: int) -> None:
        """At most `limit` streams."""
        self._clock = clock
        self._limit = limit
        self._frames: deque[Frame] = deque()
        self._streams: set[Stream] = set()
        self._of_readers: dict[str, Stream] = {}
        self._taken = 0
        self.is_followed = asyncio.Event()
        """Whether there is a stream."""
        self._closed = False
        self.last_sent = clock.now().monotonic
        """When something was sent last, on the monotonic clock."""

    @property
    def newest_id(self) -> int | None:
        """The id of the newest entry; None before the first ever."""
        return self._frames[-1].id if self._frames else None

    def load(self, entries: Iterable[Entry]) -> None:
        """Remember entries that were published before, oldest first."""
        for entry in entries:
            self._remember(Frame(entry))

    def publish(self, entry: Entry) -> None:
        """Send an entry and remember it. One that is not newer than the last shows that the clock was set back."""
        frame, newest = Frame(entry), self.newest_id
        if newest is not None and frame.id <= newest:
            self._frames.clear()
            self.send(wire.resync(frame.id, "the clock was set back"))
        self._remember(frame)
        if self._streams:
            self.send(frame.whole)

    def tell(self, degraded: str | None) -> None:
        """Send what is wrong with the recording now, None if nothing is."""
        self.send(wire.state(degraded))

    def send(self, frame: bytes) -> None:
        """Send a frame that is no one's position."""
        self.last_sent = self._clock.now().monotonic
        chunk = as_chunk(frame)
        for stream in tuple(self._streams):
            stream.send(frame, chunk)

    def catch_up(self, position: int | None) -> bytes:
        """What a reader at `position` has missed: every entry after it, or a resync and the newest sample alone."""
        newest = self.newest_id
        if position is None:
            return self._frames[-1].sample if self._frames else b""
        if newest is None:
            return self.restart("nothing is recorded yet")
        if position > newest:
            return self.restart("the position is ahead of the newest sample")
        if position < newest - REPLAY_S:
            return self.restart(f"the position is more than {REPLAY_S} s old")
        return b"".join(frame.whole for frame in self._frames if frame.id > position)

    def restart(self, reason: str) -> bytes:
        """What a reader without a usable position gets: a resync, and the newest sample alone."""
        return wire.resync(self.newest_id, reason) + self.catch_up(None)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Count as one of the limited streams. Raises FullError, also once the streams were closed."""
        if self._closed or self._taken >= self._limit:
            raise FullError
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def end_stream_of(self, reader: str) -> None:
        """End the stream of a reader that opens another: a proxy in between may hold the old one open for ever."""
        if reader in self._of_readers:
            self._of_readers[reader].end()

    async def follow(self, stream: Stream, reader: str | None = None) -> None:
        """Send the stream, of a reader that may have a name, all that comes, until it ends."""
        if self._closed:
            return
        if reader is not None:
            self._of_readers[reader] = stream
        if not self._streams:
            self.last_sent = self._clock.now().monotonic
        self._streams.add(stream)
        self.is_followed.set()
        try:
            await stream.ended
        finally:
            self._streams.discard(stream)
            if reader is not None and self._of_readers.get(reader) is stream:
                del self._of_readers[reader]
            if not self._streams:
                self.is_followed.clear()

    def close(self) -> None:
        """End every stream, and admit no other."""
        self._closed = True
        for stream in tuple(self._streams):
            stream.end()

    def _remember(self, frame: Frame) -> None:
        self._frames.append(frame)
        while self._frames[0].id <= frame.id - REPLAY_S:
            self._frames.popleft()


def as_chunk(frame: bytes) -> bytes:
    """The frame in chunked transfer coding (RFC 9112 §7.1)."""
    return b"%x\r\n%b\r\n" % (len(frame), frame)
