"""Many readers of one event stream, in one thread: who got which event, and when.

Most readers receive the very same bytes, so what a piece of bytes means is worked out once and remembered; a delivery
costs a system call and a look into a dictionary, and thousands of readers fit on one core beside the server's.
"""

import json
import select
import socket
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import urlsplit

AT_ONCE = 100
"""Connections that wait for an answer at a time."""

RETRY_S = 0.5
SETTLE_S = 2.0
"""How long the last event may take to reach everyone."""

STALLED_RECEIVE_BYTES = 2048
READ_BYTES = 1 << 18
REMEMBERED = 1000

_ENDED = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


@dataclass(slots=True, eq=False)
class Event:
    """One event with an id, as it came to whoever got it first."""

    number: int
    """In the order in which they were first seen."""
    id: str
    due: float | None
    """The second at which it had to be sent, from its own data; in Unix time as all that follows."""
    first_at: float
    arrivals: "array[float]" = field(default_factory=lambda: array("d"))


@dataclass(slots=True, eq=False)
class Reader:
    """One stream."""

    is_stalled: bool = False
    """It asks, and then never reads."""
    connection: socket.socket = field(init=False)
    is_asking: bool = False
    is_answered: bool = False
    is_chunked: bool = False
    opened_at: float = 0.0
    rest: bytes = b""
    """Received, but no whole event yet."""
    last_id: str | None = None
    got: "array[int]" = field(default_factory=lambda: array("l"))
    """The numbers of its events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How late deliveries were, in milliseconds; nearest rank."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the readers saw of a window."""

    deliveries: int
    since_due: Delays | None
    """From the second at which an event had to be sent to each reader that got it."""
    since_first: Delays | None
    """From the first reader that got an event to each of them."""
    lost: int
    """Events that one reader did not get between two that it got."""
    repeated: int
    """Events that came to a reader twice, or out of order."""
    behind: int
    """Readers that did not have the last event soon after the window."""


class Load:
    """The readers and the loop that serves them."""

    def __init__(self, url: str, readers: int, *, comes_back: bool = False) -> None:
        """If `comes_back`, a reader whose stream ends asks again from where it was."""
        address = urlsplit(url)
        self._address = (address.hostname or "", address.port or 80)
        self._request = f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nAccept: text/event-stream\r\n"
        self._comes_back = comes_back
        self._readers = [Reader() for _ in range(readers)]
        self._by_descriptor: dict[int, Reader] = {}
        self._waiting: deque[tuple[float, Reader]] = deque()
        self._epoll = select.epoll()
        self._events: dict[str, Event] = {}
        self._known: dict[tuple[bool, bytes], list[Event]] = {}
        self.open = 0
        self.unanswered = 0
        self.deliveries = 0
        self.ended = 0
        """Streams that the server ended, those of stalled readers among them."""
        self.stalled_ended = 0
        self.refused: Counter[str] = Counter()

    @property
    def ids(self) -> list[str]:
        """Every id that came, in the order in which they were first seen."""
        return list(self._events)

    def connect(self, limit_s: float = 60.0) -> float:
        """Open all streams, some at a time; the seconds until the last was answered, or the limit."""
        began = time.monotonic()
        to_open = deque(self._readers)
        while (to_open or self.unanswered) and time.monotonic() - began < limit_s:
            while to_open and self.unanswered < AT_ONCE:
                self._open(to_open.popleft())
            self._turn(0.05)
        return time.monotonic() - began

    def stall(self, readers: int) -> None:
        """Add so many that never read and can hardly receive."""
        for _ in range(readers):
            self._readers.append(Reader(is_stalled=True))
            self._open(self._readers[-1])

    def run(self, seconds: float) -> None:
        """Receive for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._turn(min(left, 0.1))

    def wait_until(self, is_so: Callable[[], bool], limit_s: float) -> bool:
        """Receive until something is so; whether it became so in time."""
        end = time.monotonic() + limit_s
        while not is_so() and time.monotonic() < end:
            self._turn(0.02)
        return is_so()

    def outcome(self, since: float, until: float, deliveries: int) -> Outcome:
        """What came of the events first seen between the two times, once the last of them has had its time."""
        window = [event for event in self._events.values() if since <= event.first_at < until]
        last = window[-1].number if window else -1
        self.wait_until(lambda: not self._behind(last), SETTLE_S)
        return Outcome(
            deliveries=deliveries,
            since_due=delays(at - event.due for event in window if event.due is not None for at in event.arrivals),
            since_first=delays(at - event.first_at for event in window for at in event.arrivals),
            lost=sum(missing(reader.got) for reader in self._readers),
            repeated=sum(b <= a for reader in self._readers for a, b in pairwise(reader.got)),
            behind=self._behind(last),
        )

    def close(self) -> None:
        """Close every stream."""
        for reader in self._by_descriptor.values():
            reader.connection.close()
        self._by_descriptor.clear()
        self._epoll.close()

    def _behind(self, last: int) -> int:
        return sum(not reader.got or reader.got[-1] < last for reader in self._readers if not reader.is_stalled)

    def _turn(self, patience_s: float) -> None:
        for descriptor, _ in self._epoll.poll(patience_s, len(self._by_descriptor) or 1):
            reader = self._by_descriptor[descriptor]
            if reader.is_answered and not reader.is_stalled:
                self._receive(reader)
            else:
                self._proceed(reader)
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            self._open(self._waiting.popleft()[1])

    def _open(self, reader: Reader) -> None:
        reader.connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if reader.is_stalled:
            reader.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_RECEIVE_BYTES)
        reader.is_asking = reader.is_answered = False
        reader.rest = b""
        reader.connection.connect_ex(self._address)
        self._by_descriptor[reader.connection.fileno()] = reader
        self._epoll.register(reader.connection.fileno(), select.EPOLLOUT)
        self.unanswered += 1

    def _proceed(self, reader: Reader) -> None:
        """From connected to asked, from asked to answered; all that comes to a stalled reader afterwards is the end."""
        try:
            if not reader.is_asking:
                self._ask(reader)
            elif reader.is_stalled:
                self._end(reader, "ended")
            else:
                self._hear(reader)
        except OSError as error:
            self._end(reader, type(error).__name__)

    def _ask(self, reader: Reader) -> None:
        position = "" if reader.last_id is None else f"Last-Event-ID: {reader.last_id}\r\n"
        reader.connection.send(f"{self._request}{position}\r\n".encode())
        reader.is_asking = True
        reader.opened_at = time.time()
        self._epoll.modify(reader.connection.fileno(), _ENDED if reader.is_stalled else select.EPOLLIN)
        if reader.is_stalled:
            self._answered(reader)

    def _hear(self, reader: Reader) -> None:
        received = reader.connection.recv(READ_BYTES)
        head, end, body = (reader.rest + received).partition(b"\r\n\r\n")
        if not received:
            self._end(reader, "ended without an answer")
        elif not end:
            reader.rest = head
        elif not head.startswith(b"HTTP/1.1 200 ") or b"text/event-stream" not in head.lower():
            self._end(reader, head[9:12].decode())
        else:
            self._answered(reader)
            reader.is_chunked = b"transfer-encoding: chunked" in head.lower()
            reader.rest = b""
            if body:
                self._take(reader, body)

    def _answered(self, reader: Reader) -> None:
        reader.is_answered = True
        self.unanswered -= 1
        self.open += 1

    def _receive(self, reader: Reader) -> None:
        try:
            received = reader.connection.recv(READ_BYTES)
        except OSError:
            received = b""
        if received:
            self._take(reader, received)
        else:
            self._end(reader, "ended")

    def _take(self, reader: Reader, received: bytes) -> None:
        whole = reader.rest + received if reader.rest else received
        now = time.time()
        events = self._known.get((reader.is_chunked, whole))
        if events is None:
            events = self._understand(whole, now, is_chunked=reader.is_chunked)
            if events is None:
                reader.rest = whole
                return
        if reader.rest:
            reader.rest = b""
        for event in events:
            reader.got.append(event.number)
            if event.first_at >= reader.opened_at:
                event.arrivals.append(now)
            reader.last_id = event.id
        self.deliveries += len(events)

    def _understand(self, whole: bytes, now: float, *, is_chunked: bool) -> list[Event] | None:
        """The events in what was received; None while it does not end where one ends."""
        text = dechunk(whole) if is_chunked else whole
        lines = (text or b"").decode().replace("\r\n", "\n")
        if not lines.endswith("\n\n"):
            return None
        events = []
        for block in lines.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "id" in fields:
                new = Event(len(self._events), fields["id"], due_in(fields.get("data", "")), now)
                events.append(self._events.setdefault(new.id, new))
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[is_chunked, whole] = events
        return events

    def _end(self, reader: Reader, reason: str) -> None:
        """The stream is over, or was never answered."""
        descriptor = reader.connection.fileno()
        del self._by_descriptor[descriptor]
        self._epoll.unregister(descriptor)
        reader.connection.close()
        if reader.is_answered:
            self.open -= 1
            self.ended += 1
            self.stalled_ended += reader.is_stalled
        else:
            self.unanswered -= 1
            self.refused[reason] += 1
        if self._comes_back:
            self._waiting.append((time.monotonic() + RETRY_S, reader))


def dechunk(raw: bytes) -> bytes | None:
    """The content of an HTTP/1.1 chunked body; None while its last chunk is not whole. What ends a body is no chunk."""
    content, at = [], 0
    while at < len(raw):
        line_end = raw.find(b"\r\n", at)
        if line_end < 0:
            return None
        size = int(raw[at:line_end].partition(b";")[0], 16)
        at = line_end + 2 + size + 2
        if at > len(raw):
            return None
        content.append(raw[line_end + 2 : line_end + 2 + size])
    return b"".join(content)


def due_in(text: str) -> float | None:
    """The member `time` of an event's data, where it has one."""
    try:
        return float(json.loads(text)["time"])
    except (ValueError, TypeError, KeyError):
        return None


def missing(got: Sequence[int]) -> int:
    """How many numbers are left out between the least and the greatest."""
    return max(got) - min(got) + 1 - len(set(got)) if got else 0


def delays(seconds: Iterable[float]) -> Delays | None:
    """Of so many seconds; None of none."""
    ordered = sorted(seconds)
    if not ordered:
        return None
    p50, p99, most = (1000 * ordered[round(share * (len(ordered) - 1))] for share in (0.5, 0.99, 1))
    return Delays(p50=p50, p99=p99, max=most)
