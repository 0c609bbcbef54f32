"""A machine that records nothing: it shows the fleet alone, and opens no database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.running import Running

ENGINE = ("--engine", "http://127.0.0.1:9/prometheus")


@pytest.fixture
async def unrecorded(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Running]:
    service = Running(tmp_path / "cpusensor.db", clock)
    await service.start("--record", "off", *ENGINE)
    yield service
    await service.stop()


@pytest.mark.parametrize(("query", "target"), [("", "fleet"), ("?lang=ru", "fleet?lang=ru")])
async def test_the_page_leads_to_the_fleet_in_the_language_that_was_asked_for(
    unrecorded: Running, query: str, target: str
) -> None:
    async with unrecorded.session.get(query, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, target)
    async with unrecorded.session.get(query) as response:
        # What there is not is not offered either.
        assert (response.status, 'href="./"' in await response.text()) == (200, False)


@pytest.mark.parametrize(
    "path", ["events", "api/history", "api/history?format=csv", "api/summary", "api/top", "api/host", "api/now", "why"]
)
async def test_what_is_not_recorded_is_not_there_and_the_reason_is_said(unrecorded: Running, path: str) -> None:
    async with await unrecorded.get(path) as response:
        assert response.status == 404
        assert "--record off" in (await response.json())["error"]


async def test_neither_a_database_nor_a_lock_is_made_nor_one_that_is_there_touched(
    unrecorded: Running, tmp_path: Path
) -> None:
    made = list(tmp_path.iterdir())
    await unrecorded.stop()
    unrecorded.database.write_bytes(b"no database")
    await unrecorded.start("--record", "off", *ENGINE)
    await unrecorded.stop()

    assert made == []
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("cpusensor.db", b"no database")]


async def test_it_is_healthy_and_says_that_nothing_is_recorded(unrecorded: Running) -> None:
    async with await unrecorded.get("healthz") as response:
        assert (response.status, await response.text()) == (200, "off: nothing is recorded (--record off)\n")


async def test_a_scrape_has_the_counters_and_nothing_of_a_recording(unrecorded: Running) -> None:
    async with await unrecorded.get("metrics") as response:
        text = await response.text()

    assert 'cpusensor_cpu_seconds_total{cpu="0",mode="user"}' in text
    # A rule that watches over recorders must not be alarmed by one that is none.
    assert "cpusensor_recording" not in text
