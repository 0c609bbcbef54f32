"""GET /api/history."""

import asyncio
import sqlite3
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cpusensor.check.command import main as check
from cpusensor.store.database import MAX_READING
from tests.blames import SECOND, blame, process, unit
from tests.fakes import START
from tests.running import Running

CPU = 25.0


def rewrite(database: Path, sql: str) -> None:
    """Change the file behind the back of the service."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(sql)


async def test_history_is_a_dense_grid_with_null_where_nothing_was_recorded(running: Running) -> None:
    await running.clock.advance(12)

    history = await running.json("api/history?range=1h")

    assert history.keys() == {
        "host",
        "now",
        "from",
        "to",
        "step",
        "start",
        "last_id",
        "cpu",
        "kept_from",
        "kept",
        "unreliable",
        "gaps",
        "clock_steps",
    }
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


async def test_a_range_that_begins_among_samples_that_are_not_committed_yet_has_no_gap(running: Running) -> None:
    await running.restart("--commit-interval", "60")
    await running.clock.advance(50)

    history = await running.json(f"api/history?from={START + 30}&to={START + 50}")

    assert history["cpu"] == [CPU] * 4
    assert history["gaps"] == []


@pytest.mark.usefixtures("impatient")
async def test_too_many_ranges_at_a_time_are_refused_and_the_page_is_not(running: Running) -> None:
    async with AsyncExitStack() as others:
        for _ in range(MAX_READING):
            await others.enter_async_context(running.history.reader.slot(0, 3600))
        async with await running.get("api/history?range=1h") as refused:
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) > 0
            assert (await refused.json())["error"] == "too many ranges are being read; try again"
        assert [await running.status(path) for path in ("api/history?range=1y", "", "api/now")] == [200, 200, 404]

    assert await running.status("api/history?range=1h") == 200


async def test_one_range_too_many_waits_until_another_is_read(running: Running) -> None:
    async with AsyncExitStack() as others:
        for _ in range(MAX_READING):
            await others.enter_async_context(running.history.reader.slot(0, 3600))
        waiting = asyncio.create_task(running.status("api/history?range=1h"))
        # Another connection, for long ranges, is free: its answer comes although it was asked for later.
        assert await running.status("api/history?range=1y") == 200
        assert not waiting.done()

    assert await waiting == 200


async def test_an_answer_about_the_past_is_not_sent_again_until_it_changes(running: Running) -> None:
    await running.clock.advance(60)
    path = f"api/history?from={START}&to={START + 30}"
    first = await running.get(path)
    tag = first.headers["ETag"]
    await running.clock.advance(60)

    again = await running.get(path, If_None_Match=f'"other", {tag}')
    other = await running.get(path + "&points=3", If_None_Match=tag)

    assert tag.startswith('W/"')
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "private, no-cache"
    assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag)
    assert other.status == 200


async def test_an_answer_that_goes_on_is_another_one_with_each_sample(running: Running) -> None:
    await running.clock.advance(60)
    tag = (await running.get("api/history?range=1h")).headers["ETag"]

    assert (await running.get("api/history?range=1h", If_None_Match=tag)).status == 304
    await running.clock.advance(5)
    assert (await running.get("api/history?range=1h", If_None_Match=tag)).status == 200


async def test_what_a_clock_that_was_set_back_overwrites_is_another_answer(running: Running) -> None:
    await running.clock.advance(120)
    path = f"api/history?from={START}&to={START + 60}"
    tag = (await running.get(path)).headers["ETag"]
    running.clock.step(-110)
    await running.clock.advance(60)
    await running.clock.advance(60)

    assert (await running.get(path, If_None_Match=tag)).status == 200


async def test_the_range_of_all_begins_with_the_first_sample(running: Running) -> None:
    await running.clock.advance(1200)

    history = await running.json("api/history?range=all")

    assert (history["from"], history["to"], history["step"], history["kept_from"]) == (START, START + 1200, 5, None)
    assert history["cpu"] == [CPU] * 240


async def test_a_range_longer_than_any_history_is_answered(running: Running) -> None:
    await running.clock.advance(20)

    history = await running.json(f"api/history?from=0&to={START + 100_000}&points=300")

    assert history["step"] % 2_592_000 == 0
    assert len(history["cpu"]) <= 300


async def test_damaged_rollups_are_told_and_never_served(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    await running.clock.advance(1800)
    path = f"api/history?from={START}&to={START + 1800}&step=60"
    before = await running.json(path)
    quarters = await running.json(f"api/history?from={START}&to={START + 1800}&step=900")
    for table in ("minute", "quarter_hour"):
        rewrite(running.database, f"UPDATE {table} SET user = -5 WHERE time = (SELECT max(time) FROM {table})")  # noqa: S608 - tables of ours
    # What was answered within the same second is remembered.
    await running.clock.advance(1)

    assert (await running.json(path))["cpu"] == before["cpu"]
    assert (await running.json(f"api/history?from={START}&to={START + 1800}&step=900"))["cpu"] == quarters["cpu"]
    assert sum("is damaged" in line for line in caplog.messages) == 2
    await running.clock.advance(60)
    await running.stop()
    assert check([str(running.database)]) == 0


async def test_series_that_are_given_one_by_one_add_up(running: Running) -> None:
    await running.clock.advance(5)

    repeated = await running.json("api/history?series=modes&series=load,modes&series=pressure")
    at_once = await running.json("api/history?series=modes,load,pressure")

    assert repeated == at_once
    assert await running.status("api/history?series=modes&series=all") == 400


async def test_a_span_in_iso_8601_is_the_same_span(running: Running) -> None:
    await running.clock.advance(60)
    written = datetime.fromtimestamp(START, UTC).isoformat()

    history = await running.json(f"api/history?from={written}&to={START + 60}")
    summary = await running.json(f"api/summary?from={written}&to={START + 60}")

    assert history == await running.json(f"api/history?from={START}&to={START + 60}")
    assert (summary["from"], summary["mean"]) == (START, CPU)


async def test_the_leaders_of_each_element_are_told_by_their_place(running: Running) -> None:
    await running.clock.advance(20)
    nginx, cron = unit("nginx.service"), unit("cron.service", SECOND // 2)
    await running.history.blames.add(
        [blame(START + 5, nginx, process("nginx", pid=7)), blame(START + 10, cron, nginx), blame(START + 15)]
    )

    answer = await running.json(f"api/history?from={START}&to={START + 20}&series=top")

    assert answer["top"] == {
        "units": {
            "names": [
                {"name": "nginx.service", "unit": "nginx.service"},
                {"name": "cron.service", "unit": "cron.service"},
            ],
            "shares": [[[0, 10.0]], [[0, 10.0], [1, 5.0]], [], None],
        },
        "processes": {
            "names": [{"name": "nginx", "unit": "a.service", "pid": 7}],
            "shares": [[[0, 10.0]], [], [], None],
        },
    }


async def test_leaders_are_told_neither_to_strangers_nor_in_a_table(running: Running) -> None:
    assert await running.status("api/history?series=top&format=csv") == 400
    async with await running.get("api/history?series=modes,top", X_Forwarded_For="192.0.2.1") as response:
        assert response.status == 403


async def test_an_answer_with_leaders_changes_when_they_come(running: Running) -> None:
    await running.clock.advance(10)
    async with await running.get("api/history?range=15m&series=top") as response:
        before = response.headers["ETag"]
    await running.history.blames.add([blame(START + 10, unit("a"))])
    async with await running.get("api/history?range=15m&series=top", If_None_Match=before) as response:
        assert response.status == 200
