"""The sockets, TLS and the protocol, on real sockets; the whole process is in test_server.py."""

import asyncio
import json
from pathlib import Path

import pytest

from cpusensor.config.settings import load_settings
from cpusensor.http.app import create_app
from cpusensor.http.connections import Timeouts
from cpusensor.http.listening import ListenError, listen
from cpusensor.http.serving import start_serving
from tests.conftest import Certificate
from tests.fakes import FakeClock, FakeKernel
from tests.running import Running
from tests.service import TIMEOUT_S


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


REQUEST = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        "Cookie: " + "a=b; " * 1600 + "\r\n",
        "A: a\r\n" * 98,
        ("A: " + "a" * 8000 + "\r\n") * 4 + "A: " + "a" * 600 + "\r\n",
        "".join(f"Cookie: service-{one}={'x' * 300}\r\n" for one in range(90)),
    ],
    ids=["a field", "fields", "in all", "cookies of others"],
)
async def test_what_other_services_of_the_host_make_a_browser_send_is_read(running: Running, fields: str) -> None:
    assert (await running.raw(f"{REQUEST}{fields}\r\n")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("head", "status", "limit"),
    [
        ("GET /" + "a" * 2100 + " HTTP/1.1\r\nHost: localhost\r\n", 414, "2 KiB"),
        (f"{REQUEST}A: {'a' * 8200}\r\n", 431, "8 KiB"),
        (f"{REQUEST}{'a' * 8200}: a\r\n", 431, "8 KiB"),
        (REQUEST + "A: a\r\n" * 100, 431, "100"),
        (REQUEST + ("A: " + "a" * 8000 + "\r\n") * 4 + "A: " + "a" * 800 + "\r\n", 431, "32 KiB"),
        (REQUEST + ("A: " + "a" * 400 + "\r\n") * 95, 431, "32 KiB"),
    ],
    ids=["target", "field", "name of a field", "fields", "large ones in all", "small ones in all"],
)
@pytest.mark.parametrize("end", ["\r\n", ""], ids=["whole", "without its end"])
async def test_a_head_past_a_limit_is_refused_by_the_name_of_the_limit(
    running: Running, head: str, status: int, limit: str, end: str
) -> None:
    answer = await running.raw(head + end)

    first, _, rest = answer.decode().partition("\r\n")
    assert first.split(" ")[1] == str(status)
    assert limit in json.loads(rest.partition("\r\n\r\n")[2])["error"]
    assert answer.endswith(b"\n")


async def test_a_head_that_is_too_large_after_a_whole_one_takes_nothing_from_it(running: Running) -> None:
    head = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"

    answer = await running.raw(f"{head}\r\n{head}" + "A: aaaa\r\n" * 5000)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nrecording\n")


async def test_many_requests_at_once_are_no_large_one(running: Running) -> None:
    one = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: " + "a" * 2000 + "\r\n"

    answer = await running.raw(f"{one}\r\n" * 40 + f"{one}Connection: close\r\n\r\n")

    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 41


async def test_a_large_body_is_refused_as_one(running: Running) -> None:
    for method, status in (("POST", b"405"), ("GET", b"413")):
        head = f"{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(head.encode() + b"x" * 200_000)
        async with asyncio.timeout(TIMEOUT_S):
            assert (await reader.readline()).split(b" ")[1] == status
        writer.close()


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
