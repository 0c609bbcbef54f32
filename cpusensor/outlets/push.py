"""Sends every sample to the receivers of remote write, from the database, in which each has a position of its own.

A receiver that fails delays nobody but itself: its samples wait where they are recorded anyway. It is asked again, ever
more seldom; what it refuses for good is passed over and counted.
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from hashlib import blake2s
from random import uniform

from aiohttp import (
    BasicAuth,
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    TraceConfig,
    hdrs,
)

from cpusensor import __version__
from cpusensor.config.receivers import Endpoint, Receiver
from cpusensor.model.records import Standing, Tick
from cpusensor.outlets.outbox import Outbox
from cpusensor.outlets.remote_write import HEADERS, Encoder, points_of
from cpusensor.store.database import ReadError
from cpusensor.store.opening import History

log = logging.getLogger(__name__)

TIMEOUT = ClientTimeout(total=30, sock_connect=10)
END_TIMEOUT_S = 0.3
"""For the last batch when the service ends: a service manager kills what takes long."""

LONGEST_WAIT_S, LONGEST_RETRY_AFTER_S = 60.0, 600.0
MAX_REASON = 200
"""Bytes of an answer that are read, and told, for what it says of a refusal."""

KEPT_OPEN = 2
"""Requests over a connection that was open already, after which it is known to be kept so."""

UNTRIED = frozenset({401, 403, 404, 408, 429})
"""Statuses below 500 that say nothing of the samples, but of rights, of the address or of the moment."""

TOO_OLD = ("out of order", "out of bounds", "too old", "too far")
"""What Prometheus says of samples that are older than it takes."""


class Outcome(Enum):
    """What became of a batch."""

    TAKEN = auto()
    REFUSED = auto()
    """For good."""
    FAILED = auto()
    """It may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A receiver's answer."""

    outcome: Outcome
    reason: str = ""
    is_old: bool = False
    """Whether it refuses the samples because it has newer ones."""
    retry_after_s: float | None = None


class Breaks:
    """Notices where a connection that had been kept open was replaced, though no request failed.

    A receiver that was killed between two batches, and is back, is seen by nothing else.
    """

    def __init__(self) -> None:
        self.trace = TraceConfig()
        """What a session is given."""
        self.trace.on_connection_create_end.append(self._on_new)
        self.trace.on_connection_reuseconn.append(self._on_reused)
        self._reused = 0
        self._found = False

    def take(self) -> bool:
        """Whether there was one since this was last asked."""
        found, self._found = self._found, False
        return found

    async def _on_new(self, *_: object) -> None:
        # One that closes after each answer keeps none open.
        self._found = self._found or self._reused >= KEPT_OPEN
        self._reused = 0

    async def _on_reused(self, *_: object) -> None:
        self._reused += 1


class Push:
    """Sends to one receiver. `run` never ends by itself; `close` ends it."""

    def __init__(self, receiver: Receiver, labels: Mapping[str, str], history: History, recent: Sequence[Tick]) -> None:
        """`labels` are those of all receivers; `recent` are the ticks published last. Raises MissingError."""
        self._sent = 0
        self._refused = 0
        self._problem: str | None = None
        self._refusal: str | None = None
        self._receiver = receiver
        self._encoder = Encoder({**labels, **receiver.labels})
        key = f"{receiver.name} {_digest(receiver)}"
        self._outbox = Outbox(key, history, recent, is_whole=receiver.history)
        self._failures = 0
        self._breaks = Breaks()
        self._running: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Of the receiver."""
        return self._receiver.name

    @property
    def standing(self) -> Standing:
        """How the receiver fares."""
        return Standing(
            name=self.name,
            sent=self._sent,
            refused=self._refused,
            refusal=self._refusal,
            until=self._outbox.position,
            behind_s=self._outbox.behind_s,
            problem=self._problem,
        )

    def start(self) -> None:
        """Begin to send, in a task."""
        self._running = asyncio.create_task(self._run(), name=f"push to {self.name}")

    async def close(self) -> None:
        """Send what is left, and that the series end here, if that can be done at once."""
        if self._running is None:
            return
        self._running.cancel()
        await asyncio.wait([self._running])
        # One that fails, or that lags, hears of the end with the first batch after the next start.
        if self._problem is None and not self._failures:
            try:
                async with asyncio.timeout(END_TIMEOUT_S), self._session() as session:
                    await self._send_next(session, is_end=True)
            except (ReadError, TimeoutError):
                log.info("%s: the end was not told in time; it will be after the next start", self.name)

    async def _run(self) -> None:
        while True:
            try:
                async with self._session() as session:
                    await self._send_forever(session)
            # Of any kind, for it can only be a fault of ours or of a file that a setting names: it must neither end the
            # recording nor go unheard, as the error of a task would, nor repeat itself without a pause.
            except Exception:
                self._failures += 1
                log.exception("%s: pushing failed; it begins again in %g s", self.name, LONGEST_WAIT_S)
            await asyncio.sleep(LONGEST_WAIT_S)

    async def _send_forever(self, session: ClientSession) -> None:
        while True:
            try:
                await self._outbox.begin()
                reply, count = await self._send_next(session)
            except ReadError as error:
                reply, count = Reply(outcome=Outcome.FAILED, reason=str(error)), 0
            await asyncio.sleep(self._wait_after(reply, count))

    def _wait_after(self, reply: Reply, count: int) -> float:
        """Seconds until the next batch; notes how the receiver fares."""
        if self._breaks.take():
            self._outbox.failed()
        if reply.outcome is Outcome.FAILED:
            self._outbox.failed()
            self._failures += 1
            self._note(f"takes no samples: {reply.reason}")
            longest = min(LONGEST_WAIT_S, 2.0 ** min(self._failures, 10))
            return max(uniform(longest / 2, longest), reply.retry_after_s or 0.0)  # noqa: S311 - spreads the load alone
        self._failures = 0
        if reply.outcome is Outcome.REFUSED:
            self._refusal = reply.reason
            self._note(f"refused samples: {reply.reason}")
        elif count:
            self._note(None)
        is_behind = self._outbox.behind_s > self._receiver.interval + self._outbox.interval
        is_next = count and (is_behind or self._outbox.is_searching)
        return count / self._receiver.catch_up if is_next else self._receiver.interval

    def _note(self, problem: str | None) -> None:
        """Note what is wrong; its beginning and its end are logged, once each."""
        if problem is not None and self._problem is None:
            log.warning("%s %s; what is recorded waits in the database", self.name, problem)
        elif problem is None and self._problem is not None:
            log.warning("%s takes samples again; it is %d s behind", self.name, self._outbox.behind_s)
        self._problem = problem

    async def _send_next(self, session: ClientSession, *, is_end: bool = False) -> tuple[Reply, int]:
        """Send what follows the position, and move it; the answer and how many samples were sent. Raises ReadError."""
        before, ticks = await self._outbox.next()
        if not ticks and not (is_end and before):
            return Reply(outcome=Outcome.TAKEN), 0
        # Series that end while older samples wait would begin again before.
        is_last = is_end and self._outbox.behind_s <= len(ticks) * self._outbox.interval
        body = self._encoder.encode(points_of(before, ticks, is_end=is_last))
        reply = await _post(session, self._receiver.url, body)
        if reply.outcome is Outcome.TAKEN and ticks:
            self._outbox.taken(ticks)
            self._sent += len(ticks)
        elif reply.outcome is Outcome.REFUSED and ticks:
            lost = self._outbox.refused(ticks, is_old=reply.is_old)
            self._refused += lost
            # What it has already is no loss, nor is what comes again one by one.
            return (reply if lost else Reply(outcome=Outcome.TAKEN)), len(ticks)
        return reply, len(ticks)

    def _session(self) -> ClientSession:
        return session_of(self._receiver, HEADERS, traces=[self._breaks.trace])


def session_of(
    endpoint: Endpoint, headers: Mapping[str, str], *, connections: int = 1, traces: Sequence[TraceConfig] = ()
) -> ClientSession:
    """Connections to an endpoint that are kept open: no cookies, no proxy of the environment."""
    context = ssl.create_default_context(cafile=endpoint.ca) if endpoint.ca else True
    credentials = BasicAuth(endpoint.username, endpoint.password or "") if endpoint.username else None
    bearer = {"Authorization": f"Bearer {endpoint.token}"} if endpoint.token else {}
    return ClientSession(
        connector=TCPConnector(limit=connections, ssl=context, keepalive_timeout=75),
        cookie_jar=DummyCookieJar(),
        auth=credentials,
        headers={"User-Agent": f"cpusensor/{__version__}", **headers, **bearer, **endpoint.headers},
        timeout=TIMEOUT,
        trace_configs=list(traces),
    )


async def _post(session: ClientSession, url: str, body: bytes) -> Reply:
    """Send a batch. Never raises for what a receiver does, nor reads more of its answer than a line."""
    try:
        async with session.post(url, data=body, allow_redirects=False) as response:
            # What else it says is not waited for: the connection is closed then.
            if response.status < 300:  # noqa: PLR2004 - success
                return Reply(outcome=Outcome.TAKEN)
            said = (await response.content.read(MAX_REASON)).decode(errors="replace").partition("\n")[0]
            shown = "".join(one if one.isprintable() else " " for one in said).strip()
            is_old = any(one in said for one in TOO_OLD)
            if is_old:
                shown = (
                    f"{shown}; Prometheus takes older samples with tsdb.out_of_order_time_window in its configuration"
                )
            is_final = 400 <= response.status < 500 and response.status not in UNTRIED  # noqa: PLR2004 - of the client
            return Reply(
                outcome=Outcome.REFUSED if is_final else Outcome.FAILED,
                reason=f"it answers {response.status} {shown}".strip(),
                is_old=is_old,
                retry_after_s=_seconds_of(response.headers.get(hdrs.RETRY_AFTER), response.headers.get(hdrs.DATE)),
            )
    except TimeoutError:
        return Reply(outcome=Outcome.FAILED, reason="it does not answer")
    except (ClientError, OSError, ValueError) as error:
        return Reply(outcome=Outcome.FAILED, reason=str(error) or type(error).__name__)


def _seconds_of(retry_after: str | None, date: str | None) -> float | None:
    """The seconds of a Retry-After (RFC 9110 §10.2.3), which may be a time; None for none, and what is none."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004 - a number that fits
        return min(float(text), LONGEST_RETRY_AFTER_S)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(date or "")
    except (TypeError, ValueError):
        return None
    return min(max(wait.total_seconds(), 0.0), LONGEST_RETRY_AFTER_S)


def _digest(receiver: Receiver) -> str:
    """Tells two receivers at one address apart, by the tenant."""
    told = receiver.url, sorted(receiver.headers.items())
    return blake2s(repr(told).encode(), digest_size=6).hexdigest()
