"""GET /api/now."""

from tests.fakes import START
from tests.running import Running


async def test_now_is_the_newest_sample_as_the_stream_sent_it(running: Running) -> None:
    async with await running.get("api/now") as response:
        assert response.status == 404
        assert "error" in await response.json()

    await running.clock.advance(5)
    async with running.events() as stream:
        _, sample = await stream.take(2)

    now = await running.json("api/now")
    assert now.pop("self")
    assert (now.pop("age"), now.pop("state"), now.pop("scope")) == (0, "recording", "machine")
    assert now.pop("who")["top"] == "off"
    assert now == sample.data


async def test_a_sample_that_no_newer_one_followed_says_how_old_it_is(running: Running) -> None:
    await running.clock.advance(5)
    await running.stop()
    running.clock.step(86_400)
    await running.start()

    now = await running.json("api/now")

    assert (now["time"], now["age"], now["state"]) == (START + 5, 86_400, "recording")


async def test_what_recording_costs_is_told_beside_the_sample_and_on_the_page(running: Running) -> None:
    await running.clock.advance(50)
    early = (await running.json("api/now"))["self"]
    await running.clock.advance(1750)
    running.kernel.spent = {"cpu_s": 0.4, "memory": 40 << 20, "written": 3 << 20}

    cost = (await running.json("api/now"))["self"]
    async with await running.get("") as response:
        html = await response.text()

    assert (early["cpu_seconds_per_hour"], early["written_mib_per_hour"]) == (None, None)
    assert cost == {"cpu_seconds_per_hour": 0.8, "memory_mib": 40.0, "written_mib_per_hour": 6.0}
    assert "takes 0.8 s of CPU an hour and 40.0 MiB of memory. It writes 6.0 MiB an hour to disk." in html


async def test_until_ten_minutes_were_measured_the_page_tells_what_was_spent_so_far(running: Running) -> None:
    await running.clock.advance(240)
    running.kernel.spent = {"cpu_s": 0.4, "memory": 40 << 20, "written": 3 << 20}
    async with await running.get("") as response:
        html = await response.text()

    assert "So far, in 4 min, cpusensor itself took 0.4 s of CPU; it holds 40.0 MiB of memory." in html
    assert "It wrote 3.0 MiB to disk." in html


async def test_a_sample_names_everything_that_was_measured(running: Running) -> None:
    await running.clock.advance(5)

    assert (await running.json("api/now")).items() >= {
        "time": START + 5, "elapsed": 5.0, "weight": 1000, "cpu": 25.0, "user": 25.0, "system": 0.0, "irq": 0.0,
        "iowait": 0.0, "steal": 0.0, "cores": [25.0, 25.0], "load": 0.42, "pressure": 0.0,
    }.items()  # fmt: skip
