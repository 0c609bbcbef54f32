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
from cpusensor.model.blame import Blame
from cpusensor.model.grid import REPLAY_S
from cpusensor.model.records import Tick
from cpusensor.outlets import wire

MAX_UNSENT_BYTES = 32_768
"""A stream with more unsent bytes is reset. The kernel's own buffer holds about as much again."""

ACK_TIMEOUT_MS = 20_000
"""Milliseconds without an acknowledgement until a peer is gone (TCP_USER_TIMEOUT, tcp(7)); by default 15 minutes."""


class FullError(Exception):
    """No further stream may be opened."""


class Frame:
    """One tick as it is sent; encoded once, when it is first needed."""

    def __init__(self, tick: Tick) -> None:
        self.id = tick.sample.time
        self._tick = tick

    @cached_property
    def sample(self) -> bytes:
        """The sample alone."""
        return wire.sampled(self._tick.sample)

    @cached_property
    def whole(self) -> bytes:
        """What the tick closed, then its sample."""
        return wire.closed(self._tick.closed) + self.sample


class Stream:
    """One open response, to whose transport frames are written."""

    def __init__(self, transport: asyncio.WriteTransport, *, chunked: bool, sees_names: bool = False) -> None:
        self._transport = transport
        self._chunked = chunked
        self.sees_names = sees_names
        """Whether its reader may see names of units and processes."""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._limit_kernel_buffers()

    def send(self, frame: bytes, chunk: bytes) -> None:
        """Write `frame`, or `chunk`, the same in chunked coding. Ends the stream if its reader is gone or behind."""
        if self._transport.is_closing():
            self.end()
        elif self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.cut()
        else:
            self._transport.write(chunk if self._chunked else frame)

    def end(self) -> None:
        """Let the response end cleanly, unless its reader is behind."""
        # aiohttp would wait for the buffer to drain, and with it the end of the service.
        if self._transport.get_write_buffer_size():
            self.cut()
        elif not self.ended.done():
            self.ended.set_result(None)

    def cut(self) -> None:
        """Reset the connection: after a plain close the kernel would go on holding what the reader does not take."""
        connection = self._transport.get_extra_info("socket")
        if connection is not None and not self._transport.is_closing():
            # On with zero seconds: close() sends a RST and drops the buffer (socket(7)).
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
        if not self.ended.done():
            self.ended.set_result(None)

    def _limit_kernel_buffers(self) -> None:
        connection = self._transport.get_extra_info("socket")
        # A Unix socket has no such timeout, and its peer is a proxy on this machine.
        if connection is None or connection.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_UNSENT_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, ACK_TIMEOUT_MS)


class Broadcast:
    """Sends every tick to every stream. To be used in the event loop only."""

    def __init__(self, *, clock: Clock, limit: int) -> None:
        """At most `limit` streams."""
        self._clock = clock
        self._limit = limit
        self._frames: deque[Frame] = deque()
        self._streams: set[Stream] = set()
        self._stream_of_reader: dict[str, Stream] = {}
        self._unsent_names: Blame | None = None
        self._slots_taken = 0
        self.is_followed = asyncio.Event()
        """Set while there is a stream."""
        self._closed = False
        self.last_sent = clock.now().monotonic
        """When something was sent last, in seconds on the monotonic clock."""

    @property
    def newest_id(self) -> int | None:
        """The id of the newest tick; None before the first ever."""
        return self._frames[-1].id if self._frames else None

    def load(self, ticks: Iterable[Tick]) -> None:
        """Remember ticks that an earlier run published, oldest first."""
        for tick in ticks:
            self._remember(Frame(tick))

    def publish(self, tick: Tick) -> None:
        """Send a tick and remember it. One that is not newer than the last shows that the clock was set back."""
        frame, newest = Frame(tick), self.newest_id
        # Positions are times: no reader can resume from one that now lies in the future.
        if newest is not None and frame.id <= newest:
            self._frames.clear()
            self.send(wire.resync(frame.id, "the clock was set back"))
        self._remember(frame)
        # Nothing is encoded while nobody listens: most machines are watched for minutes a day.
        if self._streams:
            self.send(frame.whole)
        if self._unsent_names is not None:
            self.name(self._unsent_names)

    def name(self, blame: Blame) -> None:
        """Send who used the CPU to the streams that may see names, after the sample of the same time."""
        is_early = self.newest_id is None or self.newest_id < blame.time
        # Its sample waits for a commit; of two that wait the newer one is news.
        self._unsent_names = blame if is_early else None
        entitled = [stream for stream in self._streams if stream.sees_names]
        if is_early or not entitled:
            return
        frame = wire.top(blame)
        chunk = as_chunk(frame)
        for stream in entitled:
            stream.send(frame, chunk)

    def tell(self, degraded: str | None) -> None:
        """Send what is wrong with the recording now, None if nothing is."""
        self.send(wire.state(degraded))

    def send(self, frame: bytes) -> None:
        """Send a frame to every stream, without remembering it."""
        self.last_sent = self._clock.now().monotonic
        chunk = as_chunk(frame)
        for stream in tuple(self._streams):
            stream.send(frame, chunk)

    def catch_up(self, position: int | None) -> bytes:
        """What a reader at `position` missed: every tick after it, else a resync and the newest sample alone."""
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
        """A resync and the newest sample, for a reader without a usable position."""
        return wire.resync(self.newest_id, reason) + self.catch_up(None)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Take one of `limit` slots for a stream. Raises FullError if all are taken, and after `close`."""
        if self._closed or self._slots_taken >= self._limit:
            raise FullError
        self._slots_taken += 1
        try:
            yield
        finally:
            self._slots_taken -= 1

    def end_stream_of(self, reader: str) -> None:
        """End the stream of a reader that opens another: a proxy in between may hold the old one open for ever."""
        if reader in self._stream_of_reader:
            self._stream_of_reader[reader].end()

    async def follow(self, stream: Stream, reader: str | None = None) -> None:
        """Send the stream everything that is published until it ends; `reader` names its reader, if known."""
        if self._closed:
            return
        if reader is not None:
            self._stream_of_reader[reader] = stream
        # The first stream is not silent yet: without this it would get a beat at once.
        if not self._streams:
            self.last_sent = self._clock.now().monotonic
        self._streams.add(stream)
        self.is_followed.set()
        try:
            await stream.ended
        finally:
            self._streams.discard(stream)
            # The reader may have opened a newer stream, which this one must not unregister.
            if reader is not None and self._stream_of_reader.get(reader) is stream:
                del self._stream_of_reader[reader]
            if not self._streams:
                self.is_followed.clear()

    def close(self) -> None:
        """End every stream, and refuse further ones."""
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
