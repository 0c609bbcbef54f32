"""GET /api/history?format=csv."""

import asyncio
import csv
import http.client
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.http.routes.table import file_name
from cpusensor.model.query import Grid
from cpusensor.store.database import MAX_READING
from cpusensor.store.opening import open_history
from tests.fakes import START
from tests.running import Running
from tests.samples import measured, sample
from tests.service import TIMEOUT_S, Service

YEAR_S = 31_536_000


async def record(path: Path, *times: int) -> None:
    """Samples of an earlier run."""
    async with open_history(path, times[0]) as history:
        await history.runs.start("boot-0", times[0] - 5, 5, "1.0.0")
        await history.writer.add(measured(*map(sample, times)))


async def begin_long(running: Running) -> None:
    """Have a sample of a year ago, and then a gap of 6.3 million elements."""
    await running.stop()
    await record(running.database, START - YEAR_S)
    await running.start()
    await running.clock.advance(5)


async def text(running: Running, query: str) -> str:
    async with await running.get(f"api/history?format=csv&{query}") as response:
        assert response.status == 200, await response.text()
        return await response.text()


async def test_a_table_is_what_was_recorded_and_why_nothing_was(running: Running) -> None:
    await running.clock.advance(10)
    await running.crash()
    await running.clock.advance(20)
    await running.start()
    await running.clock.advance(5)

    assert await text(running, "range=all") == (
        "time,cpu,gap\n"
        "2025-11-23T22:20:05Z,25.0,\n"
        "2025-11-23T22:20:10Z,25.0,\n"
        "2025-11-23T22:20:15Z,,crashed\n"
        "2025-11-23T22:20:20Z,,crashed\n"
        "2025-11-23T22:20:25Z,,crashed\n"
        "2025-11-23T22:20:30Z,,crashed\n"
        "2025-11-23T22:20:35Z,25.0,\n"
    )


async def test_its_numbers_are_those_of_the_json(running: Running) -> None:
    for slot in range(40):
        running.kernel.use(slot / 41)
        await running.clock.advance(5)
    query = f"from={START}&to={START + 180}&step=60&series=modes,cores,load,pressure"

    rows = list(csv.DictReader((await text(running, query)).splitlines()))
    history = await running.json(f"api/history?{query}")

    assert [[row["min"], row["cpu"], row["max"], row["count"]] for row in rows] == [
        [str(value) for value in values]
        for values in zip(*(history[name] for name in ("min", "cpu", "max", "count")), strict=True)
    ]
    assert [row["cpu1"] for row in rows] == [str(value) for value in history["cores"][1]]
    assert [row["user"] for row in rows] == [str(value) for value in history["modes"]["user"]]


async def test_what_is_published_and_not_committed_is_in_it(running: Running) -> None:
    await running.restart("--commit-interval", "60")
    await running.clock.advance(20)

    assert (await text(running, "range=all")).count("25.0") == 4


async def test_it_is_a_file_with_a_name_and_is_not_kept(running: Running) -> None:
    await running.clock.advance(10)
    async with await running.get("api/history?format=csv&range=all") as response:
        headers = response.headers

    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"] == ('attachment; filename="box-20251123T222000Z-20251123T222010Z.csv"')
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_head_alone_is_answered_to_who_asks_for_it_alone(running: Running) -> None:
    await running.clock.advance(10)
    async with running.session.head("api/history?format=csv&range=all") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "Content-Disposition" in response.headers
        assert await response.read() == b""


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("format=xml", "format: 'xml' is not allowed; it must be json or csv"),
        ("format=csv&step=7", "step: 7 is not offered; allowed are 5, 10,"),
        ("format=csv&points=0", "points: '0' is not allowed; it must be a whole number from 1 to 253402300799"),
        ("format=json&points=5001", "points: '5001' is not allowed; it must be a whole number from 1 to 5000"),
    ],
)
async def test_what_cannot_be_answered_is_said_in_one_line(running: Running, query: str, error: str) -> None:
    async with await running.get(f"api/history?{query}") as response:
        assert response.status == 400
        assert (await response.json())["error"].startswith(error)


async def test_json_is_what_comes_without_a_format(running: Running) -> None:
    await running.clock.advance(5)

    named, plain = [await running.json(f"api/history?range=1h{more}") for more in ("&format=json", "")]

    assert named == plain


async def test_more_than_a_json_answer_may_have_comes_to_the_last_line(running: Running) -> None:
    await running.stop()
    await record(running.database, START - 29_995)
    await running.start()
    await running.clock.advance(5)

    lines = (await text(running, "range=all")).splitlines()

    assert len(lines) == 1 + 6001
    assert lines[-2:] == ["2025-11-23T22:20:00Z,,rebooted", "2025-11-23T22:20:05Z,25.0,"]
    assert len((await text(running, "range=all&points=6001")).splitlines()) == 1 + 6001
    assert len((await text(running, "range=all&points=6000")).splitlines()) == 1 + 3000


async def test_before_the_first_byte_a_failure_is_an_answer(running: Running) -> None:
    await running.clock.advance(10)
    damage(running.database, START + 5)

    async with await running.get("api/history?format=csv&range=all") as response:
        assert response.status == 503
        assert response.content_type == "application/json"


async def test_after_the_first_byte_a_failure_breaks_the_connection(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    await running.stop()
    await record(running.database, START - 30_000, START - 5)
    await running.start()
    damage(running.database, START - 5)

    async with await running.get("api/history?format=csv&range=all") as response:
        assert response.status == 200
        with pytest.raises(ClientPayloadError):
            await response.read()

    assert [line for line in caplog.messages if line.startswith("a table was cut short")] != []
    assert await running.status("healthz") == 200


async def test_a_reader_of_http_1_0_gets_it_without_chunks(running: Running) -> None:
    await running.clock.advance(5)

    answer = await running.raw("GET /api/history?format=csv&range=all HTTP/1.0\r\n\r\n")

    assert answer.partition(b"\r\n\r\n")[2] == b"time,cpu,gap\n2025-11-23T22:20:05Z,25.0,\n"


async def test_who_reads_slowly_takes_nobody_s_place(running: Running) -> None:
    await begin_long(running)
    slow = [await running.get("api/history?format=csv&range=all") for _ in range(MAX_READING + 2)]

    for response in slow:
        assert response.status == 200
    assert await running.status("api/history?range=1y") == 200
    await running.clock.advance(5)
    assert (await running.json("api/now"))["time"] == START + 10
    for response in slow:
        response.close()


async def test_who_leaves_ends_the_work(running: Running) -> None:
    await begin_long(running)
    before = asyncio.all_tasks()
    response = await running.get("api/history?format=csv&range=all")
    await response.content.readany()
    assert asyncio.all_tasks() - before

    response.close()

    async with asyncio.timeout(TIMEOUT_S):
        await asyncio.wait(asyncio.all_tasks() - before)


def test_the_service_ends_while_tables_are_sent(tmp_path: Path) -> None:
    """One that is read as fast as it comes, and one that nobody reads."""
    service = Service(tmp_path, interval_s=5)
    asyncio.run(record(service.database, 1_700_000_000))
    with service:
        request = b"GET /api/history?format=csv&range=all HTTP/1.1\r\nHost: localhost\r\n\r\n"
        silent = socket.create_connection(("127.0.0.1", service.port))
        silent.sendall(request)
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_S)
        connection.request("GET", "/api/history?format=csv&range=all")
        answer = connection.getresponse()
        answer.read(100_000)

        status = service.terminate()

        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()
        silent.close()
        connection.close()
    assert status == 0
    assert "Traceback" not in service.log.read_text()


@given(host=st.text(st.characters(codec="utf-8"), min_size=1, max_size=100))
def test_a_file_name_holds_nothing_but_plain_characters(host: str) -> None:
    name = file_name(host, Grid(from_time=START, to_time=START + 60, step=5))

    assert name.endswith("-20251123T222000Z-20251123T222100Z.csv")
    assert set(name) <= set("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-")
    assert not name.startswith(".")


def damage(database: Path, time: int) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE sample SET user = -5 WHERE time = ?", (time,))
