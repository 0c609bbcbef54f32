"""The fan-out, on real sockets where the kernel's buffers matter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.grid import REPLAY_S
from cpusensor.model.records import Cause, Gap, Tick
from cpusensor.outlets import wire
from cpusensor.outlets.broadcast import MAX_UNSENT_BYTES, Broadcast, FullError, Stream, as_chunk
from tests.fakes import FakeClock
from tests.samples import sample
from tests.service import TIMEOUT_S

GAP = Gap(from_time=0, to_time=4, cause=Cause.STALLED, busy=1, all=4)


def frame(event_id: int) -> bytes:
    return wire.sampled(sample(event_id))


def tick(event_id: int, *closed: Gap) -> Tick:
    return Tick(sample=sample(event_id), closed=closed)


def broadcast_of(*ids: int, limit: int = 10) -> Broadcast:
    broadcast = Broadcast(clock=FakeClock(), limit=limit)
    broadcast.load(map(tick, ids))
    return broadcast


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.WriteTransport]]:
    """A reader and the transport whose writes it gets."""
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: accepted.set_result(writer), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    theirs = await accepted
    try:
        yield reader, theirs.transport
    finally:
        theirs.transport.abort()
        writer.transport.abort()
        server.close()
        await asyncio.sleep(0)


def test_without_a_position_the_newest_tick_is_shown() -> None:
    assert broadcast_of(5, 10).catch_up(None) == frame(10)
    assert broadcast_of().catch_up(None) == b""


def test_what_a_tick_closed_is_replayed_to_those_who_know_the_sample_before_it() -> None:
    broadcast = broadcast_of(5)
    broadcast.publish(tick(10, GAP))

    assert broadcast.catch_up(None) == frame(10)
    assert broadcast.catch_up(5) == wire.closed([GAP]) + frame(10)


@given(ids=st.sets(st.integers(0, REPLAY_S), min_size=1), position=st.integers(0, REPLAY_S))
def test_whoever_comes_back_within_the_hour_gets_each_missed_tick_once(ids: set[int], position: int) -> None:
    broadcast = broadcast_of(*sorted(ids))
    newest = max(ids)

    missed = broadcast.catch_up(position)

    if position <= newest:
        assert missed == b"".join(frame(one) for one in sorted(ids) if one > position)
    else:
        assert missed == wire.resync(newest, "the position is ahead of the newest sample") + frame(newest)


def test_only_the_newest_hour_is_remembered() -> None:
    broadcast = broadcast_of(0, 5, 10)

    broadcast.publish(tick(REPLAY_S + 5))

    assert broadcast.catch_up(5) == frame(10) + frame(REPLAY_S + 5)
    assert broadcast.catch_up(4).startswith(b'event: resync\ndata: {"last_id":3605,')


def test_any_position_in_an_empty_history_means_fetch_again() -> None:
    assert broadcast_of().catch_up(7) == wire.resync(None, "nothing is recorded yet")


async def test_a_stream_gets_what_is_published_while_it_follows() -> None:
    broadcast = broadcast_of()
    async with connection() as (reader, transport):
        following = asyncio.create_task(broadcast.follow(Stream(transport, chunked=False)))
        await asyncio.sleep(0)
        broadcast.publish(tick(5))
        broadcast.send(b"<beat>")

        assert await reader.readexactly(len(frame(5)) + 6) == frame(5) + b"<beat>"
        broadcast.close()
        await following


async def test_a_chunked_stream_gets_the_same_bytes_as_chunks() -> None:
    broadcast = broadcast_of()
    async with connection() as (reader, transport):
        following = asyncio.create_task(broadcast.follow(Stream(transport, chunked=True)))
        await asyncio.sleep(0)
        broadcast.publish(tick(5))

        size = b"%x\r\n" % len(frame(5))
        assert await reader.readexactly(len(as_chunk(frame(5)))) == size + frame(5) + b"\r\n"
        broadcast.close()
        await following


async def test_a_reader_that_does_not_read_is_cut_and_the_others_get_everything() -> None:
    broadcast = broadcast_of()
    closed = [GAP] * 200
    sent = len(wire.closed(closed)) + len(frame(10_000))
    async with connection() as (reader, transport), connection() as (lazy, lazy_transport):
        lazy_transport.get_extra_info("socket")
        following = [
            asyncio.create_task(broadcast.follow(Stream(one, chunked=False))) for one in (transport, lazy_transport)
        ]
        await asyncio.sleep(0)
        lazy._transport.pause_reading()  # type: ignore[attr-defined] # noqa: SLF001 - a reader that is stuck
        count = 10_000
        async with asyncio.timeout(TIMEOUT_S):
            while not following[1].done():
                count += 1
                broadcast.publish(tick(count, *closed))
                await reader.readexactly(sent)

        assert transport.get_write_buffer_size() == 0
        assert not following[0].done()
        assert lazy_transport.get_write_buffer_size() <= MAX_UNSENT_BYTES + sent
        broadcast.close()
        await asyncio.gather(*following)


async def test_a_reader_that_left_is_noticed_at_the_next_tick() -> None:
    broadcast = broadcast_of()
    async with connection() as (_, transport):
        following = asyncio.create_task(broadcast.follow(Stream(transport, chunked=False)))
        await asyncio.sleep(0)
        transport.close()
        broadcast.publish(tick(5))

        await asyncio.wait_for(following, TIMEOUT_S)


async def test_no_more_streams_than_the_limit() -> None:
    broadcast = broadcast_of(limit=1)
    with broadcast.slot(), pytest.raises(FullError), broadcast.slot():
        pass
    with broadcast.slot():
        pass


async def test_once_closed_no_stream_is_opened_or_followed() -> None:
    broadcast = broadcast_of()
    broadcast.close()

    with pytest.raises(FullError), broadcast.slot():
        pass
    async with connection() as (_, transport):
        await asyncio.wait_for(broadcast.follow(Stream(transport, chunked=False)), TIMEOUT_S)
