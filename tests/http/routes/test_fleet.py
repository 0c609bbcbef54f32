"""GET /fleet and /api/fleet: all machines of an engine, which may be anything."""

from typing import Any

import pytest

from cpusensor.http.assets import own_assets
from tests.fake_engine import FakeEngine
from tests.fakes import START
from tests.running import Running


async def test_without_an_engine_it_is_said_how_to_set_one(running: Running) -> None:
    for path in ("fleet", "api/fleet"):
        async with await running.get(path) as response:
            assert response.status == 404
            assert "--engine" in (await response.json())["error"]


async def test_each_machine_has_its_labels_its_figures_and_a_cell_for_each_minute(showing: Running) -> None:
    answer = await showing.json("api/fleet?sort=name")

    assert (answer["count"], answer["engine"], answer["step"], len(answer["total"])) == (2, "ok", 60, 60)
    odd, box = answer["machines"]
    assert (box["host"], box["now"], box["mean"], box["max"], box["last"]) == ("box", 50.0, 50.0, 50.0, START)
    assert (box["cells"][-1], box["cells"][0]) == (50.0, None)
    assert odd["host"] == "<b>&\"'"


async def test_the_engine_is_asked_once_for_all_who_look_within_five_seconds(
    showing: Running, engine: FakeEngine
) -> None:
    await showing.json("api/fleet")
    first = len(engine.asked)
    for _ in range(5):
        await showing.json("api/fleet")
    repeated = len(engine.asked) - first
    showing.clock.pass_unnoticed(6)
    await showing.json("api/fleet")

    assert (first, repeated) == (9, 0)
    # The newest shares and their times; means, peaks and cells are good for longer.
    assert len(engine.asked) == first + 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 500, "text": "oops"}, "it answers 500 and no JSON"),
        ({"text": '{"status":"error","error":"too <many>"}'}, "it says too <many>"),
        ({"text": '{"status":"success","data":{"result":[{"metric":{},"value":[1,"NaN"]}]}}'}, "none of PromQL's"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}}, "it answers 302 and no JSON"),
    ],
)
async def test_while_the_engine_fails_what_was_known_is_shown_and_why_it_is_old(
    showing: Running, engine: FakeEngine, caplog: pytest.LogCaptureFixture, answer: dict[str, Any], said: str
) -> None:
    good = old = await showing.json("api/fleet")
    engine.answer = answer
    for _ in range(3):
        showing.clock.pass_unnoticed(6)
        old = await showing.json("api/fleet")
    engine.answer = None
    showing.clock.pass_unnoticed(6)
    again = await showing.json("api/fleet")

    assert old["machines"] == good["machines"]
    assert said in old["engine"]
    assert again["engine"] == "ok"
    told = [record.message for record in caplog.records if "the engine" in record.message]
    assert (len(told), "answers again" in told[-1]) == (2, True)


async def test_an_engine_that_never_answered_is_a_502_and_the_machine_goes_on(
    showing: Running, engine: FakeEngine
) -> None:
    await engine.stop()
    await showing.clock.advance(5)
    async with await showing.get("api/fleet") as response:
        assert response.status == 502
        assert engine.url in (await response.json())["error"]

    assert (await showing.json("api/now"))["state"] == "recording"
    assert await showing.status("fleet") == 200


async def test_the_page_names_no_machine_so_that_none_can_break_it(showing: Running) -> None:
    async with await showing.get("fleet", Accept_Language="ru") as response:
        page = await response.text()

    assert own_assets().texts["ru"]["fleet"]["fleet_title"] in page
    assert "<b>" not in page
