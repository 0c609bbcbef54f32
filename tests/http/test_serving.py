"""The sockets, TLS and the protocol, on real sockets; the whole process is in test_server.py."""

import asyncio
import socket
from contextlib import closing
from pathlib import Path

import pytest

from cpusensor.config.settings import load_settings
from cpusensor.http.app import create_app
from cpusensor.http.connections import Timeouts
from cpusensor.http.serving import ListenError, is_local, listen, start_serving, url_of
from tests.conftest import Certificate
from tests.fakes import FakeClock, FakeKernel
from tests.running import Running
from tests.service import TIMEOUT_S

INTERFACES = Path("/proc/net/if_inet6")
HAS_IPV6 = INTERFACES.exists() and " lo\n" in INTERFACES.read_text()


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
async def test_a_handshake_that_does_not_come_is_waited_for_no_longer(
    running: Running, certificate: Certificate, sent: bytes
) -> None:
    running.timeouts = Timeouts(head_s=0.2)
    await running.restart("--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key))

    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(sent)

    async with asyncio.timeout(TIMEOUT_S):
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
    writer.close()


@pytest.mark.parametrize(
    "head",
    [
        "GET /" + "a" * 2100 + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nA: " + "a" * 4200 + "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n" + "A: a\r\n" * 41 + "\r\n",
    ],
    ids=["target", "header", "headers"],
)
async def test_a_head_larger_than_any_that_is_needed_is_refused(running: Running, head: str) -> None:
    assert (await running.raw(head)).startswith(b"HTTP/1.0 400 ")


async def test_a_certificate_that_cannot_be_used_leaves_nothing_behind(tmp_path: Path) -> None:
    certificate, key, database = (tmp_path / name for name in ("cert.pem", "key.pem", "cpusensor.db"))
    certificate.write_text("no certificate")
    key.write_text("no key")
    flags = ["--db", str(database), "--port", "0", "--tls-cert", str(certificate), "--tls-key", str(key)]
    settings = load_settings(flags, {})
    clock = FakeClock()
    app = create_app(settings, clock=clock, kernel=FakeKernel(clock))

    with listen(settings) as listener, pytest.raises(ListenError, match=f"^{certificate}: cannot be used with {key} "):
        await start_serving(app, listener)
    assert not database.exists()


@pytest.mark.parametrize(
    ("host", "url", "is_only_local"),
    [
        ("127.0.0.1", "http://127.0.0.1:{}/", True),
        # Containers often have no IPv6, and then nothing can listen on its loopback.
        pytest.param(
            "::1",
            "http://[::1]:{}/",
            True,
            marks=pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6"),
        ),
        ("0.0.0.0", "http://0.0.0.0:{}/", False),  # noqa: S104 - for the moment of the test
    ],
)
def test_an_address_is_told_as_it_is_reached(host: str, url: str, *, is_only_local: bool) -> None:
    with listen(load_settings(["--host", host, "--port", "0"], {})) as listener:
        port = listener.getsockname()[1]

        assert (url_of(listener), is_local(listener)) == (url.format(port), is_only_local)


def test_a_socket_that_is_listened_on_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "cpu.sock"
    settings = load_settings(["--socket", str(path)], {})
    with listen(settings) as listener:
        with pytest.raises(ListenError, match=f"^{path}: cannot listen there"):
            listen(settings)

        assert (url_of(listener), is_local(listener)) == (f"unix:{path}", True)
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.connect(str(path))
