"""GET /events: the stream, read as a browser or curl reads it."""

import asyncio

import pytest

from tests.fakes import START
from tests.running import Event, Reader, Running
from tests.service import TIMEOUT_S

CPU = 25.0


async def test_the_stream_greets_then_shows_the_newest_sample_then_what_comes(running: Running) -> None:
    await running.clock.advance(12)
    async with running.events() as stream:
        hello, newest = await stream.take(2)
        await running.clock.advance(5)
        live = await stream.next()

    assert hello.name == "hello"
    assert hello.data == {
        "host": "box", "version": hello.data["version"], "boot": "boot-1", "interval": 5, "now": START + 12,
        "last_id": START + 10, "state": "recording", "scope": "machine",
    }  # fmt: skip
    assert (newest.name, newest.id) == ("sample", START + 10)
    assert (live.name, live.id) == ("sample", START + 15)


async def test_the_stream_of_an_empty_database_begins_with_the_first_sample(running: Running) -> None:
    async with running.events() as stream:
        hello = await stream.next()
        await running.clock.advance(5)
        sample = await stream.next()

    assert hello.data["last_id"] is None
    assert sample.id == START + 5


async def without_beat(stream: Reader, count: int) -> list[Event]:
    """So many events, and the one beat that a stall of more than 10 s sends among them."""
    return [event for event in await stream.take(count + 1) if event.name != "beat"]


async def test_a_tick_sends_the_gap_and_the_minute_it_closes_before_its_sample(running: Running) -> None:
    await running.clock.advance(35)
    async with running.events(f"?after={START + 35}") as stream:
        await stream.next()
        await running.clock.stall(26)
        events = await without_beat(stream, 3)

    assert [(event.name, event.id) for event in events] == [("gap", None), ("minute", None), ("sample", START + 60)]
    assert events[0].data == {"from": START + 35, "to": START + 55, "cause": "stalled", "cpu": CPU}
    assert events[1].data == {"time": START + 60, "cpu": CPU, "min": CPU, "max": CPU, "count": 8, "accounted": 1.0}


async def test_a_minute_whose_last_slot_was_missed_goes_out_with_the_next_tick(running: Running) -> None:
    await running.clock.advance(55)
    async with running.events(f"?after={START + 55}") as stream:
        await stream.next()
        await running.clock.stall(11)
        events = await without_beat(stream, 3)

    assert [(event.name, event.id) for event in events] == [("gap", None), ("minute", None), ("sample", START + 65)]
    assert (events[1].data["time"], events[1].data["count"]) == (START + 60, 11)


@pytest.mark.parametrize("restarted", [False, True])
async def test_every_tick_after_a_position_is_replayed_once_and_in_order(running: Running, *, restarted: bool) -> None:
    await running.clock.advance(125)
    if restarted:
        await running.restart()
    async with running.events(Last_Event_ID=str(START + 30)) as stream:
        replay = await stream.take(1 + 19 + 2)
        await running.clock.advance(5)
        live = await stream.next()

    assert [event.id for event in replay if event.name == "sample"] == list(range(START + 35, START + 126, 5))
    assert [event.data["time"] for event in replay if event.name == "minute"] == [START + 60, START + 120]
    assert replay[-1].id == START + 125
    assert live.id == START + 130


async def test_a_replay_after_a_crash_tells_of_the_gap_and_of_the_minute(running: Running) -> None:
    await running.clock.advance(32)
    await running.crash()
    await running.clock.advance(60)
    await running.start()
    await running.clock.advance(9)
    async with running.events(Last_Event_ID=str(START + 30)) as stream:
        events = (await stream.take(4))[1:]

    assert [(event.name, event.id) for event in events] == [("gap", None), ("minute", None), ("sample", START + 95)]
    assert (events[0].data["from"], events[0].data["to"]) == (START + 30, START + 90)
    assert events[0].data["cause"] == "crashed"
    assert (events[1].data["time"], events[1].data["count"]) == (START + 60, 6)


async def test_at_the_newest_position_nothing_is_replayed(running: Running) -> None:
    await running.clock.advance(10)
    async with running.events(f"?after={START + 10}") as stream:
        await stream.next()
        await running.clock.advance(5)

        assert (await stream.next()).id == START + 15


async def test_the_header_wins_over_the_address(running: Running) -> None:
    await running.clock.advance(20)
    async with running.events(f"?after={START + 5}", Last_Event_ID=str(START + 15)) as stream:
        assert [event.id for event in (await stream.take(2))[1:]] == [START + 20]


@pytest.mark.parametrize("position", [START - 3581, START + 25, "garbage", "-5", "1e3", ""])
async def test_an_unusable_position_is_told_to_fetch_the_history_again(running: Running, position: object) -> None:
    await running.clock.advance(22)
    async with running.events(Last_Event_ID=str(position)) as stream:
        _, resync, newest = await stream.take(3)

    assert resync.name == "resync"
    assert resync.id is None
    assert resync.data["last_id"] == START + 20
    assert resync.data["reason"]
    assert newest.id == START + 20


async def test_an_hour_back_is_still_a_position(running: Running) -> None:
    await running.clock.advance(3700)
    async with running.events(Last_Event_ID=str(START + 100)) as stream:
        _, first = await stream.take(2)

    assert first.id == START + 105


@pytest.mark.parametrize("headers", [{}, {"Last_Event_ID": str(START)}])
async def test_an_unreadable_after_is_a_bad_request(running: Running, headers: dict[str, str]) -> None:
    async with await running.get("events?after=soon", **headers) as response:
        assert response.status == 400
        assert (await response.json())["error"].startswith("after: 'soon' is not allowed")


async def test_a_clock_set_back_makes_open_streams_fetch_the_history_again(running: Running) -> None:
    await running.clock.advance(60)
    async with running.events(f"?after={START + 60}") as stream:
        await stream.next()
        running.clock.step(-40)
        await running.clock.advance(10)
        beat, resync, sample = await stream.take(3)

    assert beat.name == "beat"
    assert (resync.name, resync.data["last_id"]) == ("resync", START + 30)
    assert sample.id == START + 30


async def test_ten_silent_seconds_bring_a_beat(running: Running) -> None:
    await running.clock.advance(7)
    async with running.events(f"?after={START + 5}") as stream:
        await stream.next()
        running.kernel.failure = "unreadable"
        await running.clock.advance(5)
        state = await stream.next()
        await running.clock.advance(10)
        beat = await stream.next()

    assert (state.name, state.data) == ("state", {"state": "degraded: the CPU counters cannot be read: unreadable"})
    assert (beat.name, beat.data, beat.id) == ("beat", {"now": START + 20}, None)


async def test_head_answers_the_headers_alone(running: Running) -> None:
    async with running.session.head("events") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store, no-transform"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert await response.read() == b""


async def test_over_the_limit_a_stream_is_refused_until_another_ends(running: Running) -> None:
    await running.restart("--max-streams", "1")
    async with running.events() as stream:
        await stream.next()
        async with await running.get("events") as refused:
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) > 0
            assert "error" in await refused.json()
    async with asyncio.timeout(TIMEOUT_S):
        while await running.status("events") == 503:
            pass


async def test_the_stream_is_not_compressed_and_says_when_to_come_back(running: Running) -> None:
    async with await running.get("events", Accept_Encoding="gzip") as response:
        first = await response.content.readline()

    assert "Content-Encoding" not in response.headers
    assert 1000 <= int(first.removeprefix(b"retry: ")) <= 5000


async def test_an_http_1_0_reader_gets_plain_frames_until_the_connection_ends(running: Running) -> None:
    await running.clock.advance(5)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(b"GET /events HTTP/1.0\r\n\r\n")
    await reader.readuntil(f"id: {START + 5}\n".encode())
    await reader.readuntil(b"\n\n")
    await running.clock.advance(5)

    assert (await reader.readuntil(b"\n\n")).startswith(f"id: {START + 10}\nevent: sample\n".encode())
    writer.close()
    await writer.wait_closed()


async def test_a_new_stream_of_a_reader_ends_the_one_that_a_proxy_left_open(running: Running) -> None:
    async with running.events("?reader=abcdefgh") as old, running.events("?reader=ijklmnop") as other:
        await old.next()
        await other.next()
        async with running.events("?reader=abcdefgh") as new:
            await new.next()
            await running.clock.advance(5)

            assert (await new.next()).id == (await other.next()).id == START + 5
            with pytest.raises(EOFError):
                await old.next()


@pytest.mark.parametrize("name", ["", "short", "a" * 65, "a b c d e f"])
async def test_a_name_of_a_reader_that_is_none_is_refused(running: Running, name: str) -> None:
    async with await running.get(f"events?reader={name}") as response:
        assert response.status == 400
        assert (await response.json())["error"].startswith(f"reader: {name!r} is not allowed")
