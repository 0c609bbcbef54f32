"""The guard: lets a request in by the name it asks for, by what a browser says of it, and by its token.

The rules are those of a service without a write action that shows when somebody is at home: a page in the owner's own
browser must not read it (DNS rebinding), nor use up its streams.
"""

import hashlib
import hmac
import logging
import socket
from collections import deque
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import BasicAuth, HttpVersion11, hdrs, web

from cpusensor.config.settings import Settings
from cpusensor.config.values import UNIX, address_of, host_name
from cpusensor.http.connections import client_of
from cpusensor.http.forwarded import MARKS, Proxies, Route
from cpusensor.http.refusals import refusal, shown
from cpusensor.kernel.clock import Clock

log = logging.getLogger(__name__)

COOKIE = "cpusensor-"
"""What the cookie's name begins with. Cookies take no notice of ports, so the rest differs with the token: two services
on one machine would sign each other out."""

COOKIE_MAX_AGE_S = 31_536_000

FAILURES, FAILURES_S = 5, 60.0
"""How many wrong tokens a client may show, and in how many seconds."""

MAX_ADDRESSES = 1000
"""How many addresses' failures are remembered."""

OPEN = frozenset({"/healthz"})
"""Paths that need no token: probes of a container or a proxy ask for them, and hear only that the service lives."""

LOOPBACK = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


class Guard:
    """Lets a request in, or says why not."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._token = settings.token
        self._cookie = COOKIE + _digest(settings.token, "name")[:16]
        self._secret = _digest(settings.token, "value")
        """What the cookie holds in place of the token, which the files of a browser shall not give away."""
        self._proxies = Proxies(settings.trust_proxy)
        self._names = LOOPBACK | _usable({settings.host, settings.name, *settings.allow_host})
        self._failures: dict[str, deque[float]] = {}

    @property
    def is_open(self) -> bool:
        """Whether everybody who reaches it may look."""
        return self._token is None

    def is_near(self, address: str) -> bool:
        """Whether an address has no limit of its own: a proxy stands for many clients, this machine for its owner."""
        found = address_of(address)
        return found is None or found.is_loopback or self._proxies.trusts(address)

    def may_see_names(self, request: web.Request) -> bool:
        """Whether a request that was let in may be told the names of units and processes, the one rule for all of them.

        Those who showed the token may, and without one those on this machine, whose users can list its processes
        anyway. A proxy on this machine, which speaks for others, is known by its headers, by the name that was asked
        for, or by HTTP/1.0, which nginx speaks unless told otherwise.
        """
        if self._token is not None:
            return request.path not in OPEN
        peer = request.remote or ""
        is_proxied = self._proxies.trusts(peer) or any(mark in request.headers for mark in MARKS)
        if is_proxied or request.version < HttpVersion11:
            return False
        # Behind a Unix socket stands a proxy, or somebody who can use the address as well.
        return _is_loopback(peer) and all(_is_loopback(host) for host in self._proxies.hosts_of(request))

    def refuse(self, request: web.Request) -> web.Response | None:
        """The answer to a request that may not come in; None for one that may."""
        for host in self._proxies.hosts_of(request):
            if not self._is_own_name(host):
                return refusal(421, _how_to_allow(host), request)
        if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            return refusal(405, "only GET and HEAD are answered", request, {hdrs.ALLOW: "GET, HEAD"})
        if request.body_exists:
            return refusal(413, "no request here has a body", request, {hdrs.CONNECTION: "close"})
        # Browsers say so themselves (Fetch Metadata); what it cannot read another site could still hold open.
        if request.path == "/events" and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return refusal(403, "a page of another site may not open the stream", request)
        return None if self._token is None or request.path in OPEN else self._demand_token(request, self._token)

    def _demand_token(self, request: web.Request, token: str) -> web.Response | None:
        """None for a request that shows the token; else its refusal, or a cookie for a token in the address."""
        if _is_same(_cookies(request).get(self._cookie, ""), self._secret):
            return None
        tokens = _shown_tokens(request)
        # Nothing shown is no guess: a browser asks so before it knows that a token is needed.
        if not tokens:
            return _unauthorized(request, "a token is needed")
        route = self._proxies.route_of(request)
        client = client_of(route.client)
        # Even the right token is refused then, or guesses could go on and the right one would show.
        if self._is_locked_out(client):
            text = f"too many wrong tokens; wait a minute{_how_to_tell_apart(route)}"
            return refusal(429, text, request, {hdrs.RETRY_AFTER: f"{FAILURES_S:.0f}"})
        if any(_is_same(one, token) for one in tokens):
            self._failures.pop(client, None)
            return self._exchange(request) if "token" in request.query else None
        self._note_failure(client)
        if route.is_forwarded and self._is_locked_out(client):
            log.warning("%d wrong tokens lock out %s for a minute%s", FAILURES, client, _how_to_tell_apart(route))
        return _unauthorized(request, "this token is wrong")

    def _is_locked_out(self, client: str) -> bool:
        failures: Sequence[float] = self._failures.get(client, ())
        return len(failures) == FAILURES and self._clock.now().monotonic - failures[0] < FAILURES_S

    def _note_failure(self, client: str) -> None:
        self._failures.setdefault(client, deque(maxlen=FAILURES)).append(self._clock.now().monotonic)
        # The oldest go first, so that addresses which somebody makes up fill no memory.
        while len(self._failures) > MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]

    def _exchange(self, request: web.Request) -> web.Response:
        """Take the token out of the address, where history and logs would keep it, and leave a cookie instead."""
        # Relative, because a proxy may serve the page under a path that is not known here.
        others = request.rel_url.without_query_params("token").query_string
        response = web.Response(status=303, headers={hdrs.LOCATION: f"./?{others}" if others else "./"})
        response.set_cookie(
            self._cookie,
            self._secret,
            max_age=COOKIE_MAX_AGE_S,
            path="",
            httponly=True,
            # Not Strict, by which whoever follows a link would come without it. No GET changes anything.
            samesite="Lax",
            secure=self._proxies.is_encrypted(request),
        )
        return response

    def _is_own_name(self, host: str) -> bool:
        """Whether a Host header names this service: an attacker's name for it cannot be an IP address."""
        name = _name_in(host)
        return name is not None and (name in self._names or address_of(name) is not None or name in _machine_names())


@lru_cache(maxsize=256)
def _name_in(host: str) -> str | None:
    """The name in a Host header, None if it is none."""
    try:
        return host_name(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    """Whether it is this machine's name or address for itself, as a peer's address or in a Host header."""
    name = _name_in(host) or ""
    found = address_of(name)
    return name in LOOPBACK if found is None else found.is_loopback


def _usable(names: set[str]) -> set[str]:
    """Those that can stand in a Host header, as they stand there."""
    return {name for name in map(_name_in, names) if name is not None}


def _machine_names() -> set[str]:
    """What the machine is called now: it may have been renamed, and a name may come with its domain."""
    machine = socket.gethostname()
    short = machine.partition(".")[0]
    return _usable({machine, short, f"{short}.local", f"{machine}.local"})


def _digest(token: str | None, purpose: str) -> str:
    """A text that follows from the token, and by which nobody learns it or what it gives for another purpose."""
    return hmac.new((token or "").encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _is_same(given: str, expected: str) -> bool:
    """Whether they are equal; takes the same time however much of it is right, so that time tells nothing."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _cookies(request: web.Request) -> dict[str, str]:
    """Names and values, of every header that holds some: a proxy may hand each on by itself (RFC 9113 §8.2.3)."""
    headers = request.headers.getall(hdrs.COOKIE, ())
    pairs = (pair.partition("=") for header in headers for pair in header.split(";"))
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _shown_tokens(request: web.Request) -> list[str]:
    """The tokens that a request shows: as a bearer, as the password of any user, or on the page's address.

    A proxy that asks for a password of its own hands it on beside them.
    """
    tokens = request.query.getall("token", []) if request.path == "/" else []
    for kind, _, text in (one.partition(" ") for one in request.headers.getall(hdrs.AUTHORIZATION, ())):
        if kind.lower() == "bearer":
            tokens.append(text.strip())
        elif kind.lower() == "basic":
            try:
                tokens.append(BasicAuth.decode(f"Basic {text}").password)
            except ValueError:
                # What cannot be read is a wrong token, not none.
                tokens.append("")
    return tokens


def _how_to_allow(host: str) -> str:
    name = _name_in(host)
    how = "a name that it has goes into --allow-host" if name is None else f"start it with --allow-host {name}"
    return f"this service does not answer for {shown(host)}; if it should, {how}"


def _how_to_tell_apart(route: Route) -> str:
    """What makes of all who come through a proxy clients of their own; empty for a client that is none."""
    if not route.is_forwarded:
        return ""
    proxy = address_of(route.client) or UNIX
    who = "the Unix socket" if proxy == UNIX else f"a proxy at {proxy}"
    return (
        f"; it came through {who} that is not declared, so all behind it count as one: start with --trust-proxy {proxy}"
    )


def _unauthorized(request: web.Request, reason: str) -> web.Response:
    how = "send it as Authorization: Bearer, as the password of any user, or open the page once with ?token="
    return refusal(401, f"{reason}: {how}", request, {hdrs.WWW_AUTHENTICATE: 'Basic realm="cpusensor", Bearer'})
