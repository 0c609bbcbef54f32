"""The sockets that are listened on, and how they are told: real ones."""

import errno
import socket
from contextlib import closing
from pathlib import Path

import pytest

from cpusensor.config.settings import load_settings
from cpusensor.http.listening import Listener, ListenError, listen

INTERFACES = Path("/proc/net/if_inet6")
HAS_IPV6 = INTERFACES.exists() and " lo\n" in INTERFACES.read_text()

# Containers often have no IPv6, and then nothing can listen on its loopback.
needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")


def listening(host: str, port: int = 0) -> Listener:
    return listen(load_settings(["--host", host, "--port", str(port)], {}))


@pytest.mark.parametrize(
    ("host", "url", "is_only_local"),
    [
        ("127.0.0.1", "http://127.0.0.1:{}/", True),
        pytest.param("::1", "http://[::1]:{}/", True, marks=needs_ipv6),
        pytest.param("[::1]", "http://[::1]:{}/", True, marks=needs_ipv6),
        ("0.0.0.0", "http://127.0.0.1:{}/", False),  # noqa: S104 - for the moment of the test
        pytest.param("::", "http://127.0.0.1:{}/", False, marks=needs_ipv6),
    ],
)
def test_an_address_is_told_as_it_is_opened(host: str, url: str, *, is_only_local: bool) -> None:
    with listening(host) as listener:
        assert (listener.url(), listener.is_local) == (url.format(listener.port), is_only_local)
        others = listener.url_for_others("https")
        assert (others is None) is is_only_local or others is None
        assert others is None or "0.0.0.0" not in others  # noqa: S104 - what nobody can open


@needs_ipv6
@pytest.mark.parametrize("host", ["::", "[::]", "0:0:0:0:0:0:0:0"])
def test_every_network_means_both_families(host: str) -> None:
    with listening(host) as listener:
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with closing(socket.socket(family)) as connection:
                connection.connect((address, listener.port))

        assert [one.family for one in listener.sockets] == [socket.AF_INET6, socket.AF_INET]


@needs_ipv6
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_that_is_taken_in_one_family_is_taken(family: socket.AddressFamily, address: str) -> None:
    with socket.create_server((address, 0), family=family) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ListenError, match=rf"^\[::\]:{port}: cannot listen there \(Address already in use\)"):
            listening("::", port)
    with listening("::", port):
        pass


def test_where_a_family_is_missing_the_other_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    create = socket.create_server

    def without_ipv6(*arguments: object, family: int, **named: object) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return create(*arguments, family=family, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    with listening("::") as listener:
        assert [one.family for one in listener.sockets] == [socket.AF_INET]
    with pytest.raises(ListenError, match=r"^\[::1\]:0: cannot listen there \(Address family not supported"):
        listening("::1")


def test_a_name_with_several_addresses_is_served_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.2", "127.0.0.3")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found + found[:1])

    with listening("box") as listener:
        for address in ("127.0.0.2", "127.0.0.3"):
            with closing(socket.socket()) as connection:
                connection.connect((address, listener.port))
        assert len(listener.sockets) == 2


def test_a_socket_that_is_listened_on_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "cpu.sock"
    settings = load_settings(["--socket", str(path)], {})
    with listen(settings) as listener:
        with pytest.raises(ListenError, match=f"^{path}: cannot listen there"):
            listen(settings)

        assert (listener.url(), listener.is_local, listener.url_for_others()) == (f"unix:{path}", True, None)
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.connect(str(path))
