"""GET /machine and /api/machine: one machine of an engine, which may be anything."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.fake_engine import FakeEngine
from tests.fakes import START
from tests.http.routes.test_description import SCHEMAS, validate
from tests.running import Running

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
