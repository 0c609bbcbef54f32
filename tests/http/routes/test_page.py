"""GET /: the document itself; what its scripts do is in tests/browser."""

import json

import pytest

from cpusensor.kernel.mounts import Scope
from tests.running import Running


async def test_the_page_holds_the_first_hour(running: Running) -> None:
    await running.clock.advance(5)
    async with await running.get("") as response:
        html = await response.text()
    block = html.partition('<script type="application/json" id="boot">')[2].partition("</script>")[0]
    boot = json.loads(block)

    assert boot["samples"] == await running.json("api/history?range=1h&points=3600")
    assert boot["minutes"] == await running.json("api/history?range=1h&step=60&series=modes")
    assert boot["newest"].items() < (await running.json("api/now")).items()
    assert boot["interval"] == 5
    machine = await running.json("api/host")
    assert {key: boot[key] for key in ("cpus", "zone", "boot_time")}.items() <= machine.items()


async def test_a_host_name_cannot_break_out_of_the_page(running: Running) -> None:
    await running.restart("--name", "</script><b>&amp;'\"")
    async with await running.get("") as response:
        html = await response.text()

    assert "<b>" not in html
    assert html.count("</script>") == html.count("<script")


@pytest.mark.parametrize(
    ("path", "headers", "lang"),
    [
        ("", {}, "en"),
        ("", {"Accept_Language": "ru-RU,ru;q=0.9,en;q=0.8"}, "ru"),
        ("", {"Accept_Language": "de, ru;q=0"}, "en"),
        ("?lang=ru", {"Accept_Language": "en"}, "ru"),
        ("?lang=xx", {}, "en"),
        ("", {"Cookie": "lang=ru"}, "ru"),
    ],
)
async def test_the_page_speaks_the_reader_s_language(
    running: Running, path: str, headers: dict[str, str], lang: str
) -> None:
    async with await running.get(path, **headers) as response:
        assert f'<html lang="{lang}"' in await response.text()


async def test_a_chosen_language_is_remembered(running: Running) -> None:
    async with await running.get("?lang=ru") as response:
        assert response.cookies["lang"].value == "ru"
    async with await running.get("?lang=%0d%0aSet-Cookie:x") as response:
        assert not response.cookies


async def test_the_page_says_where_the_figures_come_from_in_a_container_alone(running: Running) -> None:
    async with await running.get("") as response:
        on_the_machine = await response.text()
    running.kernel.whose = Scope.HOST
    await running.clock.advance(1)
    async with await running.get("") as response:
        in_a_container = await response.text()

    line = "In a container: these are the figures of the whole host."
    assert (line in on_the_machine, line in in_a_container) == (False, True)


async def test_of_many_interruptions_the_document_lists_the_newest(running: Running) -> None:
    for _ in range(15):
        await running.clock.advance(5)
        running.kernel.failure = "no counters"
        await running.clock.advance(5)
        running.kernel.failure = None
        await running.clock.advance(10)
    async with await running.get("") as response:
        html = await response.text()

    gaps = (await running.json("api/history?range=1h&points=3600"))["gaps"]
    assert len(gaps) == 15
    assert html.count("<li data-cause=") == 12
    assert f'data-from="{gaps[-1]["from"]}"' in html


async def test_the_page_has_room_for_each_core_before_the_first_sample(running: Running) -> None:
    async with await running.get("") as response:
        html = await response.text()

    assert html.partition('id="cores-plot"')[2].partition("</ol>")[0].count("<li>") == 2
