"""GET /api/history."""

from contextlib import ExitStack

import pytest

from cpusensor.store.database import MAX_READING
from tests.fakes import START
from tests.running import Running

CPU = 25.0


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


async def test_too_many_ranges_at_a_time_are_refused_and_the_page_is_not(running: Running) -> None:
    with ExitStack() as others:
        for _ in range(MAX_READING):
            others.enter_context(running.history.reader.slot(0, 3600))
        async with await running.get("api/history?range=1h") as refused:
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) > 0
            assert (await refused.json())["error"] == "too many ranges are being read; try again"
        assert [await running.status(path) for path in ("api/history?range=1y", "", "api/now")] == [200, 200, 404]

    assert await running.status("api/history?range=1h") == 200
