"""Where the service listens: the sockets of an address or a path, and how they are told to a person.

The only module that binds a socket.
"""

import errno
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cpusensor.config.settings import Settings
from cpusensor.config.values import address_of

BACKLOG = 1024
"""How many connections the kernel holds that are not accepted yet."""

TRIES = 10
"""How often a port is looked for that is free in both families."""

ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""What the system says of an address that it does not have, such as ::1 where IPv6 is off."""

ELSEWHERE = ("192.0.2.1", 9)
"""An address for documentation (RFC 5737); nothing is sent to it."""


class ListenError(Exception):
    """The address cannot be listened on; its text is one line that says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """The sockets that listen; a context that closes them."""

    sockets: tuple[socket.socket, ...]
    """One for each address, of which a name may have several; or that of the path."""

    @property
    def port(self) -> int:
        """The TCP port, the same for all of them."""
        return int(self.sockets[0].getsockname()[1])

    @property
    def is_local(self) -> bool:
        """Whether only users of this machine can reach it."""
        return all(self._is_unix(one) or _address(one).is_loopback for one in self.sockets)

    def url(self, scheme: str = "http") -> str:
        """The address at which this machine reaches it; every address of a machine has its own for that."""
        if self._is_unix(self.sockets[0]):
            return f"unix:{self.sockets[0].getsockname()}"
        first = _address(self.sockets[0])
        if not first.is_unspecified:
            # As it was bound, for a link-local address is none without its zone.
            return _url(scheme, self.sockets[0].getsockname()[0], self.port)
        return _url(scheme, "127.0.0.1" if self._has_ipv4() else "::1", self.port)

    def url_for_others(self, scheme: str = "http") -> str | None:
        """An address at which other machines may reach it, where it listens on every one; None else."""
        if self._is_unix(self.sockets[0]) or not _address(self.sockets[0]).is_unspecified or not self._has_ipv4():
            return None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            try:
                # For a datagram the kernel only chooses the address that it would send from (udp(7)).
                asking.connect(ELSEWHERE)
            except OSError:
                return None
            return _url(scheme, asking.getsockname()[0], self.port)

    def close(self) -> None:
        """Listen no more."""
        for one in self.sockets:
            one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _has_ipv4(self) -> bool:
        return any(one.family == socket.AF_INET for one in self.sockets)

    @staticmethod
    def _is_unix(one: socket.socket) -> bool:
        return one.family == socket.AF_UNIX


def listen(settings: Settings) -> Listener:
    """Listen where the settings say, before anything else is touched. Raises ListenError."""
    return _listen_unix(settings.socket) if settings.socket else _listen_tcp(settings.host, settings.port)


def _listen_tcp(host: str, port: int) -> Listener:
    try:
        addresses = _addresses(host, port)
        for _ in range(TRIES - 1 if port == 0 and len(addresses) > 1 else 0):
            # What is free in one family may be taken in the other.
            try:
                return _bind_all(addresses)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        return _bind_all(addresses)
    except (OSError, UnicodeError) as error:
        # `create_server` adds the address to the text of an error, in brackets; the message names it already.
        reason = str(getattr(error, "strerror", None) or error).partition(" (")[0]
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise ListenError(f"{where}: cannot listen there ({reason}); set --host or --port to another") from error


def _addresses(host: str, port: int) -> list[tuple[int, Any]]:
    """Family and address of each socket, without duplicates."""
    # Two sockets, for one for both families would show IPv4 in the clothes of IPv6, and where it may is a setting of
    # the system (ipv6(7)).
    hosts = ("::", "0.0.0.0") if str(address_of(host)) == "::" else (host,)  # noqa: S104 - what was asked for
    found = [
        (family, address)
        for one in hosts
        for family, _, _, _, address in socket.getaddrinfo(one, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    ]
    return list(dict.fromkeys(found))


def _bind_all(addresses: list[tuple[int, Any]]) -> Listener:
    """A socket for each address that the machine has, all on one port. Raises OSError, and leaves none open then."""
    absent: OSError | None = None
    with ExitStack() as stack:
        sockets: list[socket.socket] = []
        for family, (host, port, *rest) in addresses:
            chosen = port or (sockets[0].getsockname()[1] if sockets else 0)
            try:
                bound = socket.create_server((host, chosen, *rest), family=family, backlog=BACKLOG)
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
                absent = error
            else:
                sockets.append(stack.enter_context(bound))
        if absent is not None and not sockets:
            raise absent
        stack.pop_all()
    return Listener(sockets=tuple(sockets))


def _listen_unix(path: Path) -> Listener:
    """Replaces a socket that a killed process left behind, and nothing else."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Refused means that nobody listens on it any more; a file that is no socket is somebody's own.
        if path.is_socket() and listener.connect_ex(str(path)) == errno.ECONNREFUSED:
            path.unlink()
        # After a connect that failed the state of a socket is unspecified (connect(2)).
        listener.close()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        # A proxy in front of it is let in by its group.
        path.chmod(0o660)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(f"{path}: cannot listen there ({error.strerror}); set --socket to another") from error
    return Listener(sockets=(listener,))


def _address(listening: socket.socket) -> Any:  # noqa: ANN401 - IPv4Address or IPv6Address
    found = address_of(listening.getsockname()[0])
    if found is None:
        raise RuntimeError("a TCP socket has an address")
    return found


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
