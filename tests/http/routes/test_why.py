"""GET /why."""

import pytest

from tests.blames import SECOND, blame, process, unit
from tests.fakes import START
from tests.running import Running

ZONE_S = 7200
"""Riga in winter."""


async def record(running: Running) -> None:
    """Ten idle minutes, two busy ones, and who that was."""
    await running.clock.advance(600)
    running.kernel.use(0.9)
    await running.clock.advance(120)
    running.kernel.use(0.25)
    await running.clock.advance(300)
    shares = unit("a.service", 8 * SECOND), process("ffmpeg", 7 * SECOND)
    blames = [blame(START + 5 * slot, *shares, busy_us=9 * SECOND) for slot in range(121, 145)]
    await running.history.blames.add(blames)


async def why(running: Running, query: str = "", **headers: str) -> str:
    async with await running.get(f"why{query}", **headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/plain"
        return await response.text()


async def test_it_is_told_what_happened_when_and_who_it_was(running: Running) -> None:
    await record(running)

    text = await why(running, f"?from={START}&to={START + 1000}")

    assert text == (
        "box, 2025-11-24 00:20 – 00:36 EET\n"
        "CPU 33 % on average, at most 90 % (00:30:05).\n"
        "Most of the busy time: ffmpeg (a.service) 29 %.\n"
        "\n"
        "00:30–00:32 CPU 90 %: ffmpeg (a.service) 80 %\n"
    )


async def test_it_is_told_in_russian_to_who_reads_russian(running: Running) -> None:
    await record(running)

    asked = await why(running, "?range=1h&lang=ru")
    accepted = await why(running, "?range=1h", Accept_Language="ru-RU, en;q=0.5")

    assert asked == accepted
    assert "00:30–00:32 ЦП 90 %: ffmpeg (a.service) 80 %\n" in asked


@pytest.mark.parametrize("at", [str(START + 660), "2025-11-23T22:31:00Z", "2025-11-23T22:31", "00:31"])
async def test_a_moment_is_explained_by_what_it_lies_in(running: Running, at: str) -> None:
    await record(running)

    assert (await why(running, f"?at={at}")).endswith("\n\n00:30–00:32 CPU 90 %: ffmpeg (a.service) 80 %\n")


async def test_of_a_calm_moment_its_figures_are_told(running: Running) -> None:
    await record(running)

    assert (await why(running, f"?at={START + 300}")).endswith("\n\n00:22–00:27 CPU 25 %\n")


async def test_what_was_not_recorded_is_told_with_its_cause(running: Running) -> None:
    await running.clock.advance(60)
    await running.stop()
    await running.clock.advance(600)
    await running.start()
    await running.clock.advance(60)

    text = await why(running, "?range=15m")

    assert "00:21–00:31 not recorded: cpusensor was stopped.\n" in text
    assert "Recorded: 1" in text


async def test_who_may_not_see_names_gets_the_rest(running: Running) -> None:
    await record(running)

    text = await why(running, "?range=1h", X_Forwarded_For="192.0.2.1")

    assert "ffmpeg" not in text
    assert "a.service" not in text
    assert "Names of programs are not told" in text
    assert "00:30–00:32 CPU 90 %\n" in text


@pytest.mark.parametrize("query", ["at=soon", "at=25:00", "at=9999999999", "at=1&range=1h", "range=2h", "step=5"])
async def test_what_is_not_understood_is_refused(running: Running, query: str) -> None:
    assert await running.status(f"why?{query}") == 400
