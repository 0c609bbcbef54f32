"""GET /api/top."""

from dataclasses import replace

import pytest

from cpusensor.model.blame import Throttle
from tests.blames import SECOND, blame, process, unit
from tests.fakes import START
from tests.running import Running
from tests.samples import NOON

SPAN = f"from={START}&to={START + 60}"


async def record(running: Running) -> None:
    """A minute in which two CPUs were busy a quarter of the time, 30 s in all."""
    await running.clock.advance(60)
    blames = [
        blame(
            START + 5 * slot,
            unit("a.service", SECOND),
            unit("b.service", SECOND // 2),
            process("a", SECOND, pid=7),
            exited_us=SECOND // 4,
            busy_us=5 * SECOND // 2,
        )
        for slot in range(1, 13)
    ]
    await running.history.blames.add(blames)


async def test_units_are_told_most_first(running: Running) -> None:
    await record(running)

    assert await running.json(f"api/top?{SPAN}&limit=1") == {
        "from": START,
        "to": START + 60,
        "by": "unit",
        "busy_s": 30.0,
        "top": [
            {
                "name": "a.service",
                "unit": "a.service",
                "cpu_s": 12.0,
                "of_busy": 40.0,
                "of_machine": 10.0,
                "first": START,
                "last": START + 60,
            }
        ],
        "other_s": 6.0,
        "exited_s": 0.0,
        "unattributed_s": 12.0,
        "excess_s": 0.0,
        "throttled": [],
    }


async def test_a_unit_that_its_limit_held_back_is_told_with_what_it_waited(running: Running) -> None:
    await running.clock.advance(60)
    held = Throttle(unit="a.service", periods=50, throttled=20, throttled_us=2 * SECOND)
    idle = Throttle(unit="b.service", periods=50, throttled=0, throttled_us=0)
    parts = [blame(START + 5, unit("a.service")), blame(START + 10, unit("a.service"), unit("b.service"))]
    await running.history.blames.add([replace(one, throttles=(held, idle)) for one in parts])

    top = await running.json(f"api/top?{SPAN}")

    assert top["throttled"] == [{"unit": "a.service", "periods": 100, "of_periods": 40.0, "waited_s": 4.0}]
    assert [one.get("throttled") for one in top["top"]] == [40.0, None]


async def test_processes_are_told_with_their_pid_and_those_that_ended(running: Running) -> None:
    await record(running)

    top = await running.json(f"api/top?{SPAN}&by=process")

    (one,) = top["top"]
    assert (one["name"], one["unit"], one["pid"], one["cpu_s"]) == ("a", "a.service", 7, 12.0)
    assert one["started"] == NOON
    assert (top["other_s"], top["exited_s"], top["unattributed_s"]) == (0.0, 3.0, 15.0)


async def test_what_the_accounts_hold_above_the_busy_time_is_excess(running: Running) -> None:
    await running.clock.advance(5)
    await running.history.blames.add([blame(START + 5, unit("a.service", 4 * SECOND))])

    top = await running.json("api/top?range=15m")

    assert (top["busy_s"], top["unattributed_s"], top["excess_s"]) == (2.5, 0.0, 1.5)
    assert top["top"][0]["of_busy"] == 160.0


async def test_a_span_in_which_nothing_was_read_has_no_names(running: Running) -> None:
    await running.clock.advance(60)

    top = await running.json("api/top?range=1h")

    assert (top["top"], top["busy_s"], top["unattributed_s"]) == ([], 30.0, 30.0)


async def test_what_was_read_a_moment_ago_is_told_at_once_and_kept(running: Running) -> None:
    await running.restart("--top", "all")
    async with running.events() as stream:
        for slot in range(1, 4):
            running.accounts.use("nginx.service", "nginx", 7, SECOND)
            await running.clock.advance(5)
            if slot > 1:
                await stream.until("top")

    before = await running.json(f"api/top?{SPAN}")
    await running.restart()
    after = await running.json(f"api/top?{SPAN}")

    assert [one["name"] for one in before["top"]] == ["nginx.service"]
    assert after["top"] == before["top"]


@pytest.mark.parametrize("query", ["by=user", "limit=0", "limit=101", "range=2h", "above=3"])
async def test_what_is_not_understood_is_refused(running: Running, query: str) -> None:
    assert await running.status(f"api/top?{query}") == 400


async def test_who_may_not_see_names_is_told_who_may(running: Running) -> None:
    async with await running.get("api/top", X_Forwarded_For="192.0.2.1") as response:
        assert response.status == 403
        assert "token" in (await response.json())["error"]
