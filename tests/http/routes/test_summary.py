"""GET /api/summary."""

from contextlib import AsyncExitStack

import pytest

from cpusensor.model.times import WRITTEN
from cpusensor.store.database import MAX_READING
from tests.fakes import START
from tests.running import Running


async def test_a_span_is_summed_up(running: Running) -> None:
    await running.clock.advance(300)
    running.kernel.use(0.9)
    await running.clock.advance(120)
    running.kernel.use(0.25)
    await running.clock.advance(180)

    summary = await running.json(f"api/summary?from={START}&to={START + 600}")

    assert summary == {
        "from": START,
        "to": START + 600,
        "mean": 38.0,
        "min": 25.0,
        "max": 90.0,
        "max_time": START + 305,
        "p50": 25,
        "p95": 90,
        "p99": 90,
        "above_s": 120.0,
        "recorded": 1.0,
        "modes": {"user": 38.0, "system": 0.0, "irq": 0.0, "iowait": 0.0, "steal": 0.0},
        "gaps": {},
        "busy": [{"from": START + 300, "to": START + 420, "mean": 90.0, "max": 90.0, "mode": "user", "cores": "all"}],
    }


async def test_a_range_ends_at_the_newest_slot_and_its_gaps_are_clipped(running: Running) -> None:
    await running.clock.advance(60)
    await running.stop()
    await running.clock.advance(7200)
    await running.start()
    await running.clock.advance(63)

    summary = await running.json("api/summary?range=1h&above=20")

    end = START + 60 + 7200 + 60
    assert (summary["from"], summary["to"]) == (end - 3600, end)
    assert summary["gaps"] == {"stopped": 3540}
    assert summary["recorded"] == 0.0166
    assert summary["above_s"] == 60.0


async def test_samples_that_are_not_committed_yet_are_part_of_it(running: Running) -> None:
    await running.restart("--commit-interval", "60")
    await running.clock.advance(50)

    summary = await running.json(f"api/summary?from={START}&to={START + 50}")

    assert (summary["mean"], summary["recorded"], summary["above_s"]) == (25.0, 1.0, 0.0)


async def test_the_gap_that_goes_on_is_counted_until_now(running: Running) -> None:
    await running.clock.advance(60)
    running.kernel.failure = "unreadable"
    await running.clock.advance(100)

    summary = await running.json("api/summary")

    assert summary["gaps"] == {"unreadable": 100}


async def test_a_span_without_a_sample_has_no_figures(running: Running) -> None:
    await running.clock.advance(60)

    summary = await running.json("api/summary?from=0&to=1000")

    assert summary == {
        "from": 0,
        "to": 1000,
        **dict.fromkeys(("mean", "min", "max", "max_time", "p50", "p95", "p99", "above_s")),
        "recorded": 0.0,
        "modes": dict.fromkeys(("user", "system", "irq", "iowait", "steal")),
        "gaps": {},
        "busy": [],
    }


async def test_a_span_in_the_future_is_empty(running: Running) -> None:
    summary = await running.json(f"api/summary?from={START + 1000}&to={START + 2000}")

    assert (summary["from"], summary["to"]) == (START + 1000, START + 1000)
    assert (summary["mean"], summary["recorded"], summary["busy"]) == (None, 0.0, [])


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("above=101", "above: '101' is not allowed; it must be a whole number from 0 to 100"),
        ("above=12.5", "above: '12.5' is not allowed; it must be a whole number from 0 to 100"),
        ("above=", "above: '' is not allowed; it must be a whole number from 0 to 100"),
        ("step=60", "'step': unknown parameter; allowed are range, from, to, above"),
        ("from=1", f"to: missing; it must be {WRITTEN}"),
        ("above=1&above=2", "'above': given 2 times; give it once"),
    ],
)
async def test_a_bad_request_is_answered_with_what_is_allowed(running: Running, query: str, error: str) -> None:
    async with await running.get(f"api/summary?{query}") as response:
        assert response.status == 400
        assert await response.json() == {"error": error}


@pytest.mark.usefixtures("impatient")
async def test_too_many_spans_at_a_time_are_refused(running: Running) -> None:
    async with AsyncExitStack() as others:
        for _ in range(MAX_READING):
            await others.enter_async_context(running.history.reader.slot(0, 3600))

        assert await running.status("api/summary") == 503
    assert await running.status("api/summary") == 200
