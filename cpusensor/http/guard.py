"""The guard: lets a request in by the name it asks for, by what a browser says of it, and by its token.

The rules are those of a service without a write action that shows when somebody is at home: a page in the owner's own
browser must not read it (DNS rebinding), nor use up its streams.
"""

import hashlib
import hmac
import socket
from collections import deque
from functools import lru_cache
from ipaddress import ip_address, ip_network

from aiohttp import BasicAuth, HttpVersion11, hdrs, web

from cpusensor.config.settings import Settings
from cpusensor.http.connections import client_of
from cpusensor.kernel.clock import Clock
from cpusensor.outlets import wire

COOKIE = "cpusensor"
COOKIE_MAX_AGE_S = 31_536_000

FAILURES, FAILURES_S = 5, 60.0
"""How many wrong tokens a client may show, and in how many seconds."""

MAX_ADDRESSES = 1000
"""How many addresses' failures are remembered."""

MAX_SHOWN = 100
"""Characters of a refused name that the answer repeats."""

OPEN = frozenset({"/healthz"})
"""Paths that need no token: probes of a container or a proxy ask for them, and hear only that the service lives."""

LOOPBACK = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", hdrs.VIA)
"""Headers of proxies, whose readers may be anywhere."""


class Guard:
    """Lets a request in, or says why not."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._token = settings.token
        self._secret = hashlib.sha256((settings.token or "").encode()).hexdigest()
        """What the cookie holds in place of the token, which the files of a browser shall not give away."""
        self._proxies = [ip_network(one) for one in settings.trust_proxy]
        machine = socket.gethostname()
        named = {settings.host, settings.name, machine, f"{machine}.local", *settings.allow_host}
        self._names = LOOPBACK | {name.lower() for name in named}
        self._failures: dict[str, deque[float]] = {}
        self._is_own_name = lru_cache(maxsize=256)(self._is_own_name_of)

    @property
    def is_open(self) -> bool:
        """Whether everybody who reaches it may look."""
        return self._token is None

    def is_proxy(self, address: str) -> bool:
        """Whether forwarded headers of this peer are believed."""
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self._proxies)

    def is_near(self, address: str) -> bool:
        """Whether an address has no limit of its own: a proxy stands for many clients, this machine for its owner."""
        return not address or ip_address(address.partition("%")[0]).is_loopback or self.is_proxy(address)

    def may_see_names(self, request: web.Request) -> bool:
        """Whether a request that was let in may be told the names of units and processes, the one rule for all of them.

        Those who showed the token may, and without one those on this machine, whose users can list its processes
        anyway. A proxy on this machine, which speaks for others, is known by its headers, by the name that was asked
        for, or by HTTP/1.0, which nginx speaks unless told otherwise.
        """
        if self._token is not None:
            return request.path not in OPEN
        peer = request.remote or ""
        is_proxied = self.is_proxy(peer) or any(header in request.headers for header in FORWARDED)
        if is_proxied or request.version < HttpVersion11:
            return False
        # Behind a Unix socket stands a proxy, or somebody who can use the address as well.
        return _is_loopback(peer) and all(_is_loopback(_name_in(host)) for host in self._asked_hosts(request))

    def refuse(self, request: web.Request) -> web.Response | None:
        """The answer to a request that may not come in; None for one that may."""
        for host in self._asked_hosts(request):
            if not self._is_own_name(host):
                return _unknown_host(host)
        if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            return _say(405, "only GET and HEAD are answered", Allow="GET, HEAD")
        if request.body_exists:
            return _say(413, "no request here has a body", Connection="close")
        # Browsers say so themselves (Fetch Metadata); what it cannot read another site could still hold open.
        if request.path == "/events" and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return _say(403, "a page of another site may not open the stream")
        return None if self._token is None or request.path in OPEN else self._demand_token(request, self._token)

    def _demand_token(self, request: web.Request, token: str) -> web.Response | None:
        """None for a request that shows the token; else its refusal, or a cookie for a token in the address."""
        shown = _shown_tokens(request)
        if _is_same(request.cookies.get(COOKIE, ""), self._secret):
            return None
        # Nothing shown is no guess: a browser asks so before it knows that a token is needed.
        if not shown:
            return _unauthorized("a token is needed")
        client, now = self._client_of(request), self._clock.now().monotonic
        failures = self._failures.setdefault(client, deque(maxlen=FAILURES))
        # Even the right token is refused then, or guesses could go on and the right one would show.
        if len(failures) == FAILURES and now - failures[0] < FAILURES_S:
            return _say(429, "too many wrong tokens; wait a minute", Retry_After=f"{FAILURES_S:.0f}")
        if any(_is_same(one, token) for one in shown):
            del self._failures[client]
            return self._exchange(request) if "token" in request.query else None
        failures.append(now)
        # The oldest go first, so that addresses which somebody makes up fill no memory.
        while len(self._failures) > MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        return _unauthorized("this token is wrong")

    def _exchange(self, request: web.Request) -> web.Response:
        """Take the token out of the address, where history and logs would keep it, and leave a cookie instead."""
        # Relative, because a proxy may serve the page under a path that is not known here.
        others = request.rel_url.without_query_params("token").query_string
        response = web.Response(status=303, headers={hdrs.LOCATION: f"./?{others}" if others else "./"})
        is_secure = self._scheme(request) == "https"
        response.set_cookie(
            COOKIE, self._secret, max_age=COOKIE_MAX_AGE_S, path="", httponly=True, samesite="Strict", secure=is_secure
        )
        return response

    def _client_of(self, request: web.Request) -> str:
        """The client that sent it, as far as proxies can be believed."""
        peer = request.remote or ""
        if self.is_proxy(peer):
            hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
            # From the right: each proxy adds the peer that it saw, and anybody may have written what stands before.
            peer = next((hop for hop in reversed(hops) if hop and not self.is_proxy(hop)), peer)
        return client_of(peer)

    def _asked_hosts(self, request: web.Request) -> set[str]:
        """The names by which the reader asked, in the header and in an absolute target; HTTP/1.0 needs none."""
        if "X-Forwarded-Host" in request.headers and self.is_proxy(request.remote or ""):
            return {request.headers["X-Forwarded-Host"]}
        host = request.headers.get(hdrs.HOST)
        return set() if host is None else {host, request.host}

    def _scheme(self, request: web.Request) -> str:
        if self.is_proxy(request.remote or ""):
            return request.headers.get("X-Forwarded-Proto", request.scheme)
        return request.scheme

    def _is_own_name_of(self, host: str) -> bool:
        """Whether a Host header names this service: an attacker's name for it cannot be an IP address."""
        name = _name_in(host)
        return name.removesuffix(".") in self._names or _is_address(name)


def _name_in(host: str) -> str:
    """The name or address in a Host header, in lower case; empty where a port is none."""
    name = host.lower()
    if name.startswith("["):
        name, closing, port = name[1:].partition("]")
        port = port.removeprefix(":") if closing else "?"
    else:
        name, _, port = name.partition(":")
    return name if not port or (port.isascii() and port.isdigit()) else ""


def _is_loopback(name: str) -> bool:
    """Whether it is this machine's name or address for itself."""
    try:
        return ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return name.removesuffix(".") in LOOPBACK


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_same(shown: str, expected: str) -> bool:
    """Whether they are equal; takes the same time however much of it is right, so that time tells nothing."""
    return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), expected.encode())


def _shown_tokens(request: web.Request) -> list[str]:
    """The tokens that a request shows: as a bearer, as the password of any user, or on the page's address."""
    kind, _, text = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    shown = [request.query["token"]] if request.path == "/" and "token" in request.query else []
    if kind.lower() == "bearer":
        shown.append(text.strip())
    elif kind.lower() == "basic":
        try:
            shown.append(BasicAuth.decode(f"Basic {text}").password)
        except ValueError:
            # What cannot be read is a wrong token, not none.
            shown.append("")
    return shown


def _unknown_host(host: str) -> web.Response:
    shown = host[:MAX_SHOWN]
    return _say(421, f"this service does not answer for {shown!r}; if it should, start it with --allow-host {shown}")


def _unauthorized(reason: str) -> web.Response:
    how = "send it as Authorization: Bearer, as the password of any user, or open the page once with ?token="
    return _say(401, f"{reason}: {how}", WWW_Authenticate='Basic realm="cpusensor", Bearer')


def _say(status: int, text: str, **headers: str) -> web.Response:
    """An error with headers, whose names are given with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response(wire.error(text), status=status, headers={hdrs.CACHE_CONTROL: "no-store", **named})
