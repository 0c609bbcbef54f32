"""GET /machine and /api/machine: one machine of an engine, which may be anything."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.engines import PROMETHEUS, VICTORIA, Engine, Kind
from tests.fake_engine import FakeEngine
from tests.fakes import START, FakeClock
from tests.http.routes.test_description import SCHEMAS, validate
from tests.running import Running
from tests.waiting import wait_until

ODD = '<b>&"}) or vector(1) #\\'


async def test_a_machine_has_the_history_of_a_machine_s_own_page(showing: Running, engine: FakeEngine) -> None:
    answer = await showing.json("api/machine?label=host%3Dbox&range=24h&series=modes")

    validate(answer, SCHEMAS["MachineHistory"])
    assert (answer["host"], answer["step"], answer["to"]) == ("box", 60, START - 30)
    assert (answer["cpu"][-1], answer["min"][-1], answer["max"][-1]) == (50.0, 50.0, 50.0)
    assert answer["cpu"][0] is None
    assert 'avg_over_time(cpusensor_mode_ratio{host="box"}[59999ms])' in engine.asked


async def test_an_odd_name_breaks_no_query(showing: Running, engine: FakeEngine) -> None:
    engine.hosts[ODD] = 0.75

    answer = await showing.json(f"api/machine?label={quote('host=' + ODD)}&range=1h&step=60")

    assert answer["host"] == ODD
    assert answer["cpu"][-1] == 75.0
    assert all(r'{host="<b>&\"}) or vector(1) #\\"}' in query for query in engine.asked)


@pytest.mark.parametrize(
    ("query", "status"), [("", 400), ("?label=a b", 400), ("?label=host=box&step=7", 400), ("?label=host=box&x=1", 400)]
)
async def test_a_question_that_is_none_is_refused_in_one_line(showing: Running, query: str, status: int) -> None:
    async with await showing.get(f"api/machine{query}") as response:
        assert (response.status, "\n" in (await response.json())["error"]) == (status, False)


@pytest.mark.parametrize(
    "answer", [{"status": 500, "text": "oops"}, {"text": '{"status":"success","data":{"result":[{"metric":7}]}}'}]
)
async def test_an_engine_that_fails_is_a_502_with_what_it_says(
    showing: Running, engine: FakeEngine, answer: dict[str, Any]
) -> None:
    engine.answer = answer
    async with await showing.get("api/machine?label=host%3Dbox") as response:
        assert response.status == 502
        assert engine.url in (await response.json())["error"]


async def test_a_name_with_half_a_pair_of_surrogates_is_shown_as_text(showing: Running, engine: FakeEngine) -> None:
    engine.hosts["half \ud800"] = 0.3

    fleet = await showing.json("api/fleet?search=half")

    assert [one["host"] for one in fleet["machines"]] == ["half ?"]


async def test_a_question_that_failed_is_forgotten_when_others_are_answered(
    showing: Running, engine: FakeEngine
) -> None:
    engine.answer = {"status": 500, "text": "oops"}
    async with await showing.get("api/machine?label=host%3Dbox"):
        pass
    engine.answer = None
    showing.clock.pass_unnoticed(31)

    assert (await showing.json("api/fleet"))["engine"] == "ok"


async def test_the_page_holds_nothing_of_its_address(showing: Running) -> None:
    async with await showing.get(f"machine?label={quote('host=' + ODD)}&lang=ru") as response:
        page = await response.text()

    assert response.status == 200
    assert 'lang="ru"' in page
    assert "<b>" not in page
    assert isinstance(response.cookies["lang"].value, str)


async def test_without_an_engine_it_is_said_how_to_set_one(running: Running) -> None:
    for path in ("machine", "api/machine"):
        async with await running.get(path) as response:
            assert response.status == 404
            assert "--engine" in (await response.json())["error"]


def _has_all(engine: Engine, until: int) -> bool:
    """Whether the share and each kind of work have come up to that time."""
    found = engine.points('{__name__=~"cpusensor_(cpu|mode)_ratio"}', START, until)
    return len(found) == 6 and all(1000 * until in points for points in found.values())


@pytest.mark.parametrize("kind", [VICTORIA, PROMETHEUS], ids=lambda kind: kind.name)
async def test_a_real_engine_tells_the_history_that_the_machine_s_own_database_does(
    kind: Kind, tmp_path: Path, clock: FakeClock
) -> None:
    if kind.missing:
        # Neither comes from a package of Python's.
        pytest.skip(kind.missing)
    with Engine(kind, tmp_path) as engine:
        config = tmp_path / "push.toml"
        config.write_text(f'[[remote_write]]\nurl = "{engine.write_url}"\ninterval = 1\n')
        flags = "--config", str(config), "--engine", engine.url, "--name", ODD
        service = Running(tmp_path / "cpusensor.db", clock)
        await service.start(*flags)
        await clock.advance(300)
        await service.stop()
        clock.step(100)
        await service.start(*flags)
        service.kernel.use(0.75)
        await clock.advance(300)
        end = START + 600
        await asyncio.to_thread(wait_until, partial(_has_all, engine, end), "not all samples come")
        asked = [f"from={START}&to={end}&step={step}" for step in ("60&series=modes", "5")]
        own = [await service.json(f"api/history?{one}") for one in asked]
        told = [await service.json(f"api/machine?label={quote('host=' + ODD)}&{one}") for one in asked]
        fleet = await service.json("api/fleet?range=15m")
        await service.stop()

    for here, there in zip(own, told, strict=True):
        columns = [*(here.get(name) for name in ("cpu", "min", "max", "count")), *here.get("modes", {}).values()]
        theirs = [*(there.get(name) for name in ("cpu", "min", "max", "count")), *there.get("modes", {}).values()]
        assert [one and pytest.approx(one, abs=0.06) for one in columns] == theirs
    assert told[1]["gaps"]
    assert [(gap["from"], gap["to"]) for gap in told[1]["gaps"]] == [(gap["from"], gap["to"]) for gap in own[1]["gaps"]]
    assert [(one["host"], one["now"]) for one in fleet["machines"]] == [(ODD, pytest.approx(75, abs=1))]
