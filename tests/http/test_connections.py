"""What connections can cost: real sockets that ask for nothing, or slowly, or too often."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.http.connections import Connections, Timeouts, affordable, client_of
from tests.running import Running
from tests.service import TIMEOUT_S

GREETING = b"!"
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@asynccontextmanager
async def connected(running: Running, send: bytes = b"") -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(send)
    try:
        yield reader
    finally:
        writer.close()


async def is_ended(reader: asyncio.StreamReader) -> bool:
    """Whether the service has closed it, read to its end."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while await reader.read(1000):
                pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


@pytest.fixture
async def hasty(running: Running) -> Running:
    """The service with timeouts that a test can wait for."""
    running.timeouts = Timeouts(head_s=0.2, idle_s=0.3, sweep_s=0.05)
    await running.restart()
    return running


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", REQUEST, REQUEST + b"GET"]
)
async def test_one_that_does_not_get_a_request_through_is_ended(hasty: Running, sent: bytes) -> None:
    async with connected(hasty, sent) as reader:
        assert await is_ended(reader)


async def test_a_head_that_drips_in_is_ended_all_the_same(hasty: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", hasty.port)
    dripping = asyncio.create_task(drip(writer))

    assert await is_ended(reader)
    dripping.cancel()
    writer.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"X")
        await asyncio.sleep(0.02)


async def test_a_stream_is_not_ended(hasty: Running) -> None:
    async with hasty.events() as stream:
        await stream.next()
        async with connected(hasty, REQUEST) as opened_later:
            assert await is_ended(opened_later)
        await hasty.clock.advance(5)

        assert (await stream.next()).name == "sample"


async def test_at_the_limit_the_oldest_that_asks_for_nothing_gives_way(running: Running) -> None:
    await running.restart("--max-connections", "16")
    async with running.events() as stream:
        await stream.next()
        silent = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(15)]
        async with connected(running, REQUEST) as reader:
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"

        assert await is_ended(silent[0][0])
        await running.clock.advance(5)
        assert (await stream.next()).name == "sample"
        for _, writer in silent:
            writer.close()


async def test_one_too_many_is_told_to_come_back(running: Running) -> None:
    await running.restart("--max-connections", "16", "--max-streams", "50")
    streams = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(16)]
    for reader, writer in streams:
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"

    async with connected(running, REQUEST) as reader:
        answer = await reader.read()

    assert answer.startswith(b"HTTP/1.1 503 ")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    for _, writer in streams:
        writer.close()


class Greeting(asyncio.Protocol):
    """Tells whoever was let in."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(GREETING)


async def test_one_address_has_so_many_and_takes_none_from_another() -> None:
    connections = Connections(limit=10, per_address=2, is_exempt=lambda peer: peer == "127.0.0.9")
    listening = await asyncio.get_running_loop().create_server(lambda: connections.follow(Greeting()), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]

    async def open_from(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        assert await reader.readexactly(1) == GREETING
        return reader, writer

    many = [await open_from("127.0.0.2") for _ in range(4)]
    others = [await open_from(address) for address in ["127.0.0.3"] + ["127.0.0.9"] * 5]

    assert [await is_ended(reader) for reader, _ in many[:2]] == [True, True]
    assert not any(reader.at_eof() for reader, _ in [*many[2:], *others])
    for _, writer in [*many, *others]:
        writer.close()
    listening.close()


def test_no_more_connections_than_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        assert affordable(100) == 100
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 100
        assert affordable(10**9) < resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::1"),
        ("", ""),
        ("unknown", ""),
    ],
)
def test_one_client_is_an_address_or_the_network_of_a_customer(address: str, client: str) -> None:
    assert client_of(address) == client


@given(st.text(max_size=50))
def test_whatever_is_said_to_be_an_address_is_no_error(text: str) -> None:
    client_of(text)
