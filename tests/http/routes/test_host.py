"""GET /api/host."""

from cpusensor import __version__
from tests.fakes import START
from tests.running import Running


async def test_it_says_which_machine_this_is(running: Running) -> None:
    await running.clock.advance(10)

    assert await running.json("api/host") == {
        "host": "box",
        "version": __version__,
        "interval": 5,
        "cpus": 2,
        "boot_time": START - 5000,
        "first": START,
        "zone": "Europe/Riga",
    }


async def test_before_anything_is_recorded_it_has_no_first(running: Running) -> None:
    assert (await running.json("api/host"))["first"] is None


async def test_it_is_never_kept(running: Running) -> None:
    async with await running.get("api/host") as response:
        assert response.headers["Cache-Control"] == "no-store"
