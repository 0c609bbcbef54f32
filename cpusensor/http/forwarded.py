"""What proxies say of a request: from whom it comes, by which name and how it was asked for.

Only those that `--trust-proxy` names are believed. RFC 7239's `Forwarded` is not read: a proxy that does not write it
hands on what anybody wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from aiohttp import hdrs, web

from cpusensor.config.values import UNIX, address_of, without_port

FOR, HOST, PROTO = "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"
MARKS = (FOR, HOST, PROTO, "Forwarded", "Via", "X-Real-IP")
"""Headers by which a proxy shows that it is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The way of a request, as far as it can be believed."""

    client: str
    """The nearest address that is no trusted proxy's; if all are, the farthest. Empty over a Unix socket."""
    proxies: int
    """How many trusted proxies handed it on."""
    is_forwarded: bool
    """Whether the client says that it hands on another's request, as a proxy does that nobody declared."""


class Proxies:
    """The proxies that are believed."""

    def __init__(self, trusted: Sequence[str]) -> None:
        """Takes addresses and networks, and `unix` for whoever connects over the Unix socket."""
        self._has_unix = UNIX in trusted
        self._networks = [ip_network(one) for one in trusted if one != UNIX]

    def trusts(self, address: str) -> bool:
        """Whether the forwarded headers of this peer are believed; a peer over a Unix socket has an empty address."""
        found = address_of(address)
        if found is None:
            return self._has_unix and not address
        return any(found in network for network in self._networks)

    def route_of(self, request: web.BaseRequest) -> Route:
        """The way that a request took."""
        client, proxies = request.remote or "", 0
        hops = _listed(request, FOR)
        # From the right: each proxy adds the peer that it saw, and anybody may have written what stands before.
        while hops and self.trusts(client):
            proxies += 1
            hop = _address_in(hops[-1])
            # A proxy may hide whom it saw (`unknown`, `_abc`): then they all count as that proxy.
            if hop is None:
                return Route(client=client, proxies=proxies, is_forwarded=False)
            client = hop
            hops.pop()
        if self.trusts(client):
            return Route(client=client, proxies=proxies + (not hops), is_forwarded=False)
        is_forwarded = bool(hops) if proxies else any(mark in request.headers for mark in MARKS)
        return Route(client=client, proxies=proxies, is_forwarded=is_forwarded)

    def hosts_of(self, request: web.BaseRequest) -> list[str]:
        """The names by which the reader asked, in the header and in an absolute target; HTTP/1.0 needs none.

        Of a list each trusted proxy wrote the last name that is not written yet, and all but the first of them wrote
        what they are called among themselves.
        """
        forwarded = _listed(request, HOST) if self.trusts(request.remote or "") else []
        if forwarded:
            return forwarded[: max(1, len(forwarded) + 1 - max(1, self.route_of(request).proxies))]
        host = request.headers.get(hdrs.HOST)
        return [] if host is None else [host, request.host]

    def is_encrypted(self, request: web.BaseRequest) -> bool:
        """Whether the reader speaks HTTPS, with this service or with the outermost proxy."""
        said = _listed(request, PROTO) if self.trusts(request.remote or "") else []
        # The outermost stands first. Who forges it harms nobody else.
        return (said[0].lower() if said else request.scheme) in {"https", "wss"}


def _listed(request: web.BaseRequest, name: str) -> list[str]:
    """What a header lists, which may stand there more than once (RFC 9110 §5.3)."""
    parts = (part.strip().strip('"') for text in request.headers.getall(name, ()) for part in text.split(","))
    return [part for part in parts if part]


def _address_in(hop: str) -> str | None:
    """The address in `192.0.2.1:51234`, `[2001:db8::1]:443` or either without a port; None for what is none."""
    try:
        found = address_of(without_port(hop))
    except ValueError:
        return None
    return None if found is None else str(found)
