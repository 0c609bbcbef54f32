"""What leaves the service over HTTP."""

import asyncio
import json
import re
from contextlib import ExitStack

import pytest

from cpusensor.store.database import MAX_READING
from tests.fakes import START
from tests.running import Event, Reader, Running
from tests.service import TIMEOUT_S

CPU = 25.0


async def test_history_is_a_dense_grid_with_null_where_nothing_was_recorded(running: Running) -> None:
    await running.clock.advance(12)

    history = await running.json("api/history?range=1h")

    assert history.keys() == {"host", "now", "from", "to", "step", "start", "last_id", "cpu", "gaps", "clock_steps"}
    assert history["host"] == "box"
    assert (history["now"], history["from"], history["to"]) == (START + 12, START - 3590, START + 10)
    assert (history["start"], history["step"], history["last_id"]) == (START - 3585, 5, START + 10)
    assert history["cpu"] == [None] * 718 + [CPU, CPU]


async def test_above_the_interval_each_element_has_extremes_and_count(running: Running) -> None:
    await running.clock.advance(20)
    running.kernel.use(0.75)
    await running.clock.advance(100)

    history = await running.json(f"api/history?from={START - 60}&to={START + 120}&step=60")

    assert history["start"] == START
    assert history["cpu"] == [None, pytest.approx((20 * 25 + 40 * 75) / 60, abs=0.01), 75.0]
    assert history["min"] == [None, 25.0, 75.0]
    assert history["max"] == [None, 75.0, 75.0]
    assert history["count"] == [0, 12, 12]


async def test_further_series_are_added_when_asked_for(running: Running) -> None:
    await running.clock.advance(5)

    history = await running.json(f"api/history?from={START}&to={START + 5}&series=modes,cores,load,pressure")

    assert history["modes"] == {"user": [25.0], "system": [0.0], "irq": [0.0], "iowait": [0.0], "steal": [0.0]}
    assert history["cores"] == [[25.0], [25.0]]
    assert (history["load"], history["pressure"]) == ([0.42], [0.0])


async def test_the_minute_is_the_weighted_mean_of_its_twelve_samples(running: Running) -> None:
    for slot in range(12):
        running.kernel.use(slot / 12)
        await running.clock.advance(5)
    samples = await running.json(f"api/history?from={START}&to={START + 60}&step=5")
    minutes = await running.json(f"api/history?from={START}&to={START + 60}&step=60")

    assert minutes["cpu"][0] == pytest.approx(sum(samples["cpu"]) / 12, abs=0.01)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("range=2h", "range"),
        ("step=7", "step"),
        ("from=a&to=b", "from"),
        ("step=5&step=10", "'step'"),
        ("x%0a=1", r"'x\n'"),
    ],
)
async def test_a_bad_request_is_answered_with_the_parameter_that_was_wrong(
    running: Running, query: str, parameter: str
) -> None:
    async with await running.get(f"api/history?{query}") as response:
        assert response.status == 400
        assert response.content_type == "application/json"
        assert (await response.json())["error"].startswith(f"{parameter}: ")


async def test_runs_with_different_intervals_meet_on_a_grid_that_fits_both(running: Running) -> None:
    await running.restart("--interval", "4")
    await running.clock.advance(61)
    await running.restart("--interval", "10")
    await running.clock.advance(60)

    history = await running.json("api/history?range=1h")

    assert history["step"] == 20
    assert [count for count in history["count"] if count] == [5, 5, 5, 2, 2, 2]


async def test_now_is_the_newest_sample_as_the_stream_sent_it(running: Running) -> None:
    async with await running.get("api/now") as response:
        assert response.status == 404
        assert "error" in await response.json()

    await running.clock.advance(5)
    async with running.events() as stream:
        _, sample = await stream.take(2)

    now = await running.json("api/now")
    del now["self"]
    assert now == sample.data


async def test_what_recording_costs_is_told_beside_the_sample_and_on_the_page(running: Running) -> None:
    await running.clock.advance(50)
    early = (await running.json("api/now"))["self"]
    await running.clock.advance(1750)
    running.kernel.spent = {"cpu_s": 0.4, "memory": 40 << 20, "written": 3 << 20}

    cost = (await running.json("api/now"))["self"]
    async with await running.get("") as response:
        html = await response.text()

    assert (early["cpu_seconds_per_hour"], early["written_mib_per_hour"]) == (None, None)
    assert cost == {"cpu_seconds_per_hour": 0.8, "memory_mib": 40.0, "written_mib_per_hour": 6.0}
    assert "takes 0.8 s of CPU an hour and 40.0 MiB of memory. It writes 6.0 MiB an hour to disk." in html


async def test_a_sample_names_everything_that_was_measured(running: Running) -> None:
    await running.clock.advance(5)

    assert (await running.json("api/now")).items() >= {
        "time": START + 5, "elapsed": 5.0, "weight": 1000, "cpu": 25.0, "user": 25.0, "system": 0.0, "irq": 0.0,
        "iowait": 0.0, "steal": 0.0, "cores": [25.0, 25.0], "load": 0.42, "pressure": 0.0,
    }.items()  # fmt: skip


async def test_health_is_a_word(running: Running) -> None:
    async with await running.get("healthz") as response:
        assert (response.status, await response.text()) == (200, "recording\n")


async def test_the_stream_greets_then_shows_the_newest_sample_then_what_comes(running: Running) -> None:
    await running.clock.advance(12)
    async with running.events() as stream:
        hello, newest = await stream.take(2)
        await running.clock.advance(5)
        live = await stream.next()

    assert hello.name == "hello"
    assert hello.data == {
        "host": "box", "version": hello.data["version"], "boot": "boot-1", "interval": 5, "now": START + 12,
        "last_id": START + 10, "state": "recording",
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


async def test_the_page_holds_the_first_hour(running: Running) -> None:
    await running.clock.advance(5)
    async with await running.get("") as response:
        html = await response.text()
    block = html.partition('<script type="application/json" id="boot">')[2].partition("</script>")[0]
    boot = json.loads(block)

    assert boot["samples"] == await running.json("api/history?range=1h&points=3600")
    assert boot["minutes"] == await running.json("api/history?range=1h&step=60")
    assert boot["newest"].items() < (await running.json("api/now")).items()
    assert boot["interval"] == 5


async def test_a_host_name_cannot_break_out_of_the_page(running: Running) -> None:
    await running.restart("--name", "</script><b>&amp;'\"")
    async with await running.get("") as response:
        html = await response.text()

    assert "<b>" not in html
    assert html.count("</script>") == html.count("<script")


@pytest.mark.parametrize(
    ("path", "headers", "lang"),
    [
        ("", {}, "en"),
        ("", {"Accept_Language": "ru-RU,ru;q=0.9,en;q=0.8"}, "ru"),
        ("", {"Accept_Language": "de, ru;q=0"}, "en"),
        ("?lang=ru", {"Accept_Language": "en"}, "ru"),
        ("?lang=xx", {}, "en"),
        ("", {"Cookie": "lang=ru"}, "ru"),
    ],
)
async def test_the_page_speaks_the_reader_s_language(
    running: Running, path: str, headers: dict[str, str], lang: str
) -> None:
    async with await running.get(path, **headers) as response:
        assert f'<html lang="{lang}"' in await response.text()


async def test_a_chosen_language_is_remembered(running: Running) -> None:
    async with await running.get("?lang=ru") as response:
        assert response.cookies["lang"].value == "ru"
    async with await running.get("?lang=%0d%0aSet-Cookie:x") as response:
        assert not response.cookies


async def test_every_file_of_the_page_is_served_for_ever_under_its_own_address(running: Running) -> None:
    async with await running.get("") as response:
        html = await response.text()
    links = {part.partition('"')[0] for part in html.split('="static/')[1:]}
    assert {link.partition("/")[2] for link in links} >= {"page.js", "page.css", "icon.svg"}
    for link in links:
        async with await running.get(f"static/{link}") as response:
            assert response.status == 200, link
            assert response.headers["Cache-Control"] == "max-age=31536000, immutable"
            assert response.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    "path", ["static/x/page.js", "static/../server.py", "static/%2e%2e/server.py", "static//etc/passwd", "nothing"]
)
async def test_what_is_not_a_file_of_the_page_is_not_found(running: Running, path: str) -> None:
    async with await running.get(path) as response:
        assert response.status == 404


POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
REQUEST = "{method} /{path} HTTP/1.1\r\nHost: localhost\r\n{header}Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("path", "method", "header", "status"),
    [
        ("", "GET", "", 200),
        ("api/history", "GET", "", 200),
        ("api/openapi.json", "GET", "", 200),
        ("healthz", "GET", "", 200),
        ("events", "HEAD", "", 200),
        ("api/history?range=2h", "GET", "", 400),
        ("", "GET", "Content-Length: x\r\n", 400),
        ("", "GET", "A: \x1b[2J\0\r\n", 400),
        ("", "GET", f"A: {'a' * 5000}\r\n", 400),
        ("api/now", "GET", "Authorization: Bearer wrong\r\n", 401),
        ("events", "GET", "Sec-Fetch-Site: cross-site\r\n", 403),
        ("api/now", "GET", "", 404),
        ("nothing", "GET", "", 404),
        ("api/now", "POST", "", 405),
        ("", "GET", "Content-Length: 1\r\n", 413),
        ("", "GET", "Expect: miracles\r\n", 417),
        ("", "GET", "X-Forwarded-Host: evil.example\r\n", 421),
        ("api/history?range=6h", "GET", "", 503),
    ],
)
async def test_every_answer_tells_the_browser_what_it_must_not_do(
    running: Running, path: str, method: str, header: str, status: int
) -> None:
    await running.restart("--trust-proxy", "127.0.0.1", *(["--token", "0123456789abcdef"] if status == 401 else []))
    with ExitStack() as others:
        for _ in range(MAX_READING if status == 503 else 0):
            others.enter_context(running.storage.place(0, 3600))
        answer = await running.raw(REQUEST.format(method=method, path=path, header=header) + "x" * (status == 413))

    head, _, body = answer.decode("latin-1").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert re.match(rf"HTTP/1\.[01] {status} ", first)
    assert headers.items() >= POLICY.items()
    assert headers["Cache-Control"]
    assert headers.get("Server", "cpusensor") == "cpusensor"
    assert headers.keys().isdisjoint({"Access-Control-Allow-Origin", "X-Powered-By"})
    assert status < 400 or status == 404 or "error" in json.loads(body)


async def test_an_error_of_our_own_tells_nothing_of_itself(running: Running) -> None:
    await running.clock.advance(5)
    running.kernel.spent = {"cpu_s": 0.0}
    for accepted in ("*/*", "text/html"):
        async with await running.get("api/now", Accept=accepted) as response:
            assert response.status == 500
            assert await response.json() == {"error": "Server got itself in trouble"}
            assert response.headers.items() >= POLICY.items()
            assert "Server" not in response.headers


async def test_too_many_ranges_at_a_time_are_refused_and_the_page_is_not(running: Running) -> None:
    with ExitStack() as others:
        for _ in range(MAX_READING):
            others.enter_context(running.storage.place(0, 3600))
        async with await running.get("api/history?range=1h") as refused:
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) > 0
            assert (await refused.json())["error"] == "too many ranges are being read; try again"
        assert [await running.status(path) for path in ("api/history?range=1y", "", "api/now")] == [200, 200, 404]

    assert await running.status("api/history?range=1h") == 200


async def test_the_page_says_where_the_figures_come_from_in_a_container_alone(running: Running) -> None:
    async with await running.get("") as response:
        on_the_machine = await response.text()
    running.kernel.contained = True
    await running.clock.advance(1)
    async with await running.get("") as response:
        in_a_container = await response.text()

    line = "In a container: these are the figures of the whole host."
    assert (line in on_the_machine, line in in_a_container) == (False, True)
