"""The loops, seen from outside: what is recorded under a clock and a kernel that a test moves."""

import sqlite3
from contextlib import closing

import pytest

from cpusensor.check.command import main as check
from tests.fakes import START, FakeClock, FakeKernel
from tests.running import Running


async def recorded(running: Running) -> dict[int, float]:
    """CPU % by seconds since the start, where something was recorded."""
    history = await running.json(f"api/history?from={START - 60}&to={int(running.clock.now().wall)}&step=5")
    times = range(history["start"], history["to"] + 1, history["step"])
    return {time - START: value for time, value in zip(times, history["cpu"], strict=True) if value is not None}


async def gaps(running: Running) -> list[tuple[int, int, str, float | None]]:
    now = int(running.clock.now().wall)
    history = await running.json(f"api/history?from={START - 60}&to={now + 1}")
    return [(gap["from"] - START, gap["to"] - START, gap["cause"], gap["cpu"]) for gap in history["gaps"]]


async def test_samples_fall_on_the_wall_clock_grid(running: Running) -> None:
    await running.clock.advance(21)

    assert list(await recorded(running)) == [5, 10, 15, 20]


async def test_a_sample_is_the_mean_of_its_interval(running: Running) -> None:
    await running.clock.advance(7)
    running.kernel.use(0.75)
    await running.clock.advance(8)

    assert await recorded(running) == {5: 25.0, 10: 55.0, 15: 75.0}


@pytest.mark.parametrize(("began", "first"), [(0.0, 5), (2.5, 5), (2.6, 10), (4.9, 10)])
async def test_a_slot_that_was_measured_by_less_than_half_stays_empty(
    running: Running, began: float, first: int
) -> None:
    await running.stop()
    running.clock.step(began)
    await running.start()
    await running.clock.advance(12)

    assert min(await recorded(running)) == first


async def test_a_tick_late_by_whole_steps_records_one_sample_over_all_the_time(running: Running) -> None:
    await running.clock.advance(5)
    running.kernel.use(0.5)
    await running.clock.stall(62)
    await running.clock.advance(4)

    assert await recorded(running) == {5: 25.0, 65: 50.0, 70: 50.0}
    assert await gaps(running) == [(5, 60, "stalled", 50.0)]
    assert (await running.json("api/now"))["elapsed"] == 3.0


async def test_the_grid_does_not_drift_after_a_late_tick(running: Running) -> None:
    await running.clock.stall(7.3)
    await running.clock.advance(20)

    assert list(await recorded(running)) == [5, 10, 15, 20, 25]


async def test_a_suspended_machine_leaves_a_gap_for_which_nothing_is_known(running: Running) -> None:
    await running.clock.advance(5)
    running.clock.suspend(600)
    await running.clock.advance(20)

    assert list(await recorded(running)) == [5, 615, 620, 625]
    assert await gaps(running) == [(5, 610, "suspended", None)]


async def test_a_clock_set_forward_leaves_a_gap_named_after_it(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    await running.clock.advance(5)
    running.clock.step(3600)
    await running.clock.advance(10)

    assert list(await recorded(running)) == [5, 3615]
    assert await gaps(running) == [(5, 3610, "clock", None)]
    assert "the clock was set by +3600.0 s" in caplog.text
    history = await running.json("api/history")
    assert history["clock_steps"] == [{"time": START + 3610, "seconds": 3600.0}]


async def test_what_is_measured_while_the_clock_was_never_set_waits_until_it_is(running: Running) -> None:
    await running.clock.advance(12)
    await running.stop()
    running.kernel = FakeKernel(running.clock, boot_id="boot-2")
    running.clock.step(-START)
    await running.start()
    await running.clock.advance(30)
    health = await (await running.get("healthz")).text()
    running.clock.step(START + 60)
    await running.clock.advance(15)

    assert health == "degraded: the clock stands before the year 2000; nothing is recorded until it is set\n"
    assert (await (await running.get("healthz")).text()) == "recording\n"
    assert [gap[:3] for gap in await gaps(running)] == [(10, 70, "rebooted"), (100, 105, "clock")]
    assert list(await recorded(running)) == [5, 10, 75, 80, 85, 90, 95, 100, 110, 115]


async def test_after_a_clock_set_back_newer_samples_replace_older_ones(running: Running) -> None:
    await running.clock.advance(60)
    running.clock.step(-40)
    running.kernel.use(0.9)
    await running.clock.advance(15)

    assert await recorded(running) == {
        5: 25.0, 10: 25.0, 15: 25.0, 20: 25.0, 25: 25.0, 30: 90.0, 35: 90.0,
    }  # fmt: skip
    assert (await running.json("api/history"))["last_id"] == START + 35


async def test_a_minute_that_a_clock_set_back_left_open_is_closed(running: Running) -> None:
    await running.clock.advance(20)
    running.clock.step(3600)
    await running.clock.advance(20)
    running.clock.step(-3600)
    await running.clock.advance(60)
    await running.stop()

    assert check([str(running.database)]) == 0


async def test_counters_that_cannot_be_read_leave_a_gap_with_the_mean_they_prove(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    await running.clock.advance(5)
    running.kernel.failure = "EMFILE"
    await running.clock.advance(15)
    health = await (await running.get("healthz")).text()
    running.kernel.failure = None
    await running.clock.advance(10)

    assert await recorded(running) == {5: 25.0, 25: 25.0, 30: 25.0}
    assert await gaps(running) == [(5, 20, "unreadable", 25.0)]
    assert health == "degraded: the CPU counters cannot be read: EMFILE\n"
    assert [record.message for record in caplog.records if "counters" in record.message] == [
        "the CPU counters cannot be read (EMFILE); trying again every 5 s",
        "the CPU counters can be read again",
    ]


async def test_counters_that_do_not_move_give_neither_0_nor_100(running: Running) -> None:
    await running.clock.advance(5)
    running.kernel.counted = 0.0
    await running.clock.advance(15)
    running.kernel.counted = 1.0
    await running.clock.advance(10)

    assert list(await recorded(running)) == [5, 25, 30]
    assert [gap[:3] for gap in await gaps(running)] == [(5, 20, "unreadable")]


async def test_a_minute_in_which_the_kernel_lost_count_is_called_unreliable(running: Running) -> None:
    running.kernel.counted = 0.6
    await running.clock.advance(60)
    running.kernel.counted = 1.0
    await running.clock.advance(60)

    minutes = await running.json(f"api/history?from={START}&to={START + 120}&step=60")
    assert minutes["unreliable"] == [START + 60]


async def test_a_cpu_whose_counters_leapt_says_nothing_about_its_interval_and_the_others_do(running: Running) -> None:
    await running.clock.advance(7)
    running.kernel.leap(0, 10**10)
    await running.clock.advance(13)
    history = await running.json(f"api/history?from={START}&to={START + 20}&step=5&series=cores")

    assert await recorded(running) == {5: 25.0, 10: 25.0, 15: 25.0, 20: 25.0}
    assert history["cores"] == [[25.0, None, 25.0, 25.0], [25.0] * 4]


async def test_where_all_counters_leapt_the_slot_stays_empty(running: Running) -> None:
    await running.clock.advance(7)
    running.kernel.leap(0, 10**10)
    running.kernel.leap(1, 10**10)
    await running.clock.advance(13)

    assert await recorded(running) == {5: 25.0, 15: 25.0, 20: 25.0}
    assert await gaps(running) == [(5, 10, "unreadable", None)]


async def test_a_cpu_that_was_reset_makes_no_spike(running: Running) -> None:
    await running.clock.advance(7)
    running.kernel.reset(1)
    await running.clock.advance(13)

    assert await recorded(running) == {5: 25.0, 15: 25.0, 20: 25.0}
    assert await gaps(running) == [(5, 10, "unreadable", None)]


async def test_a_clean_stop_leaves_a_gap_with_the_mean_that_the_counters_prove(running: Running) -> None:
    await running.clock.advance(12)
    await running.stop()
    running.kernel.use(0.8)
    await running.clock.advance(47)
    await running.start()
    running.kernel.use(0.1)
    await running.clock.advance(10)

    (gap,) = await gaps(running)
    assert gap[:3] == (10, 60, "stopped")
    assert gap[3] == pytest.approx(100 * (2 * 0.25 + 47 * 0.8 + 1 * 0.1) / 50, abs=0.5)


async def test_a_crash_is_told_apart_from_a_stop(running: Running) -> None:
    await running.clock.advance(12)
    await running.crash()
    await running.clock.advance(48)
    await running.start()
    await running.clock.advance(10)

    assert [gap[:3] for gap in await gaps(running)] == [(10, 60, "crashed")]


async def test_a_restart_after_a_reboot_proves_nothing(running: Running) -> None:
    await running.clock.advance(12)
    await running.stop()
    await running.clock.advance(48)
    running.kernel = FakeKernel(running.clock, boot_id="boot-2")
    await running.start()
    await running.clock.advance(10)

    assert await gaps(running) == [(10, 60, "rebooted", None)]


async def test_a_restart_that_leaves_no_slot_empty_leaves_no_gap(running: Running) -> None:
    await running.clock.advance(11)
    await running.restart()
    await running.clock.advance(9)

    assert list(await recorded(running)) == [5, 10, 15, 20]
    assert await gaps(running) == []


async def test_a_minute_goes_on_across_a_restart(running: Running) -> None:
    await running.clock.advance(31)
    await running.restart()
    await running.clock.advance(29)

    minutes = await running.json(f"api/history?from={START}&to={START + 60}&step=60")
    assert minutes["count"] == [12]


async def test_a_loop_that_fails_ends_the_service(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    running.kernel.bug = ZeroDivisionError("nobody foresaw it")
    with pytest.raises(TimeoutError):
        await running.clock.advance(5)

    await running.ended()
    assert "sampling failed, so the service stops" in caplog.text


async def test_the_service_says_that_it_is_not_alive_when_no_tick_came(clock: FakeClock, running: Running) -> None:
    await clock.advance(5)
    clock.pass_unnoticed(16)

    async with await running.get("healthz") as response:
        assert response.status == 503
        assert await response.text() == "no tick for 16 s\n"


def committed(running: Running) -> list[int]:
    """The samples that a kill or a look from outside would find, by seconds since the start."""
    with closing(sqlite3.connect(running.database)) as connection:
        return [time - START for (time,) in connection.execute("SELECT time FROM sample ORDER BY time")]


async def test_with_a_commit_interval_samples_wait_for_the_end_of_it_and_streams_do_not(running: Running) -> None:
    await running.restart("--commit-interval", "30")
    async with running.events() as stream:
        await stream.next()
        await running.clock.advance(27)
        told = [event.id for event in await stream.take(5)]

    assert told == [START + slot for slot in (5, 10, 15, 20, 25)]
    assert committed(running) == [5]
    await running.clock.advance(3)
    assert committed(running) == [5, 10, 15, 20, 25, 30]


async def test_what_waits_for_its_commit_is_shown_to_whoever_asks_without_being_written(running: Running) -> None:
    await running.restart("--commit-interval", "60")
    await running.clock.advance(22)
    history = await running.json(f"api/history?from={START}&to={START + 20}&step=10&series=cores")
    minutes = await running.json(f"api/history?from={START}&to={START + 60}&points=1&series=cores")

    assert list(await recorded(running)) == [5, 10, 15, 20]
    assert history["last_id"] == (await running.json("api/now"))["time"] == START + 20
    assert (history["count"], history["cores"]) == ([2, 2], [[25.0, 25.0]] * 2)
    assert minutes["to"] == START + 20
    assert committed(running) == [5]


async def test_what_waits_for_its_commit_is_written_at_the_end(running: Running) -> None:
    await running.restart("--commit-interval", "60")
    await running.clock.advance(37)
    await running.stop()

    assert committed(running) == [5, 10, 15, 20, 25, 30, 35]
    assert check([str(running.database)]) == 0


async def test_a_commit_interval_holds_back_neither_a_gap_nor_a_minute(running: Running) -> None:
    await running.restart("--commit-interval", "60")
    await running.clock.advance(22)
    await running.clock.stall(13)
    assert committed(running)[-1] == 35

    await running.clock.advance(25)

    history = await running.json(f"api/history?from={START}&to={START + 60}&step=60")
    assert committed(running)[-1] == 60
    assert (history["count"], history["gaps"][0]["cause"]) == ([10], "stalled")


async def test_three_ticks_without_a_sample_are_told_whatever_the_reason(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    await running.clock.advance(5)
    running.kernel.counted = 0.0
    async with running.events() as stream:
        await stream.take(2)
        await running.clock.advance(10)
        before = await (await running.get("healthz")).text()
        await running.clock.advance(5)
        told = await stream.until("state")
        health = await (await running.get("healthz")).text()
        now = await running.json("api/now")
        (gap,) = (await running.json("api/history"))["gaps"]
        running.kernel.counted = 1.0
        await running.clock.advance(10)

    assert before == "recording\n"
    assert health == "degraded: nothing is recorded: the CPU counters stand still\n"
    assert (told.name, told.data) == ("state", {"state": health.strip()})
    assert (now["time"], now["age"], now["state"]) == (START + 5, 15, health.strip())
    assert gap == {"from": START + 5, "to": None, "cause": "unreadable", "cpu": None}
    assert await (await running.get("healthz")).text() == "recording\n"
    assert [gap[:3] for gap in await gaps(running)] == [(5, 20, "unreadable")]
    assert [record.message for record in caplog.records if "recorded" in record.message] == [
        "nothing is recorded: the CPU counters stand still",
        "samples are recorded again",
    ]


async def test_where_nothing_was_ever_recorded_the_gap_begins_with_the_recording(running: Running) -> None:
    running.kernel.counted = 0.0
    await running.clock.advance(15)

    (gap,) = (await running.json("api/history"))["gaps"]
    async with await running.get("api/now") as response:
        refusal = await response.json()

    assert gap == {"from": START, "to": None, "cause": "unreadable", "cpu": None}
    assert response.status == 404
    assert refusal["error"] == "nothing is recorded yet; degraded: nothing is recorded: the CPU counters stand still"


async def test_figures_that_the_kernel_accounts_too_little_for_are_marked(running: Running) -> None:
    running.kernel.counted = 0.6
    await running.clock.advance(15)

    history = await running.json(f"api/history?from={START}&to={START + 15}&step=5")
    assert history["unreliable"] == [START + 5, START + 10, START + 15]
    assert (await running.json("api/now"))["accounted"] == 0.6
    assert (await (await running.get("healthz")).text()).startswith("degraded: the figures are unreliable")


async def test_a_clock_behind_the_history_overwrites_nothing_and_what_waits_is_placed(running: Running) -> None:
    await running.clock.advance(1200)
    await running.crash()
    running.kernel = FakeKernel(running.clock, boot_id="boot-2")
    running.kernel.use(0.75)
    running.clock.step(-900)
    await running.start()
    async with running.events() as stream:
        await stream.take(2)
        await running.clock.advance(45)
        waiting = await (await running.get("healthz")).text()
        running.clock.step(960)
        await running.clock.advance(15)
        told = await stream.until("gap")
    await running.stop()
    await running.start()

    assert waiting.startswith("degraded: the clock stands behind what was recorded before")
    assert (told.data["from"], told.data["cause"]) == (START + 1200, "rebooted")
    figures = await recorded(running)
    assert [figures[time] for time in range(5, 1201, 5)] == [25.0] * 240
    assert [figures[time] for time in range(1265, 1306, 5)] == [75.0] * 9
    assert [gap[:3] for gap in await gaps(running)] == [(1200, 1260, "rebooted"), (1305, 1310, "clock")]
    assert check([str(running.database)]) == 0


async def test_a_clock_that_catches_up_with_the_history_overwrites_nothing(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    await running.clock.advance(1200)
    await running.crash()
    running.kernel = FakeKernel(running.clock, boot_id="boot-2")
    running.kernel.use(0.75)
    running.clock.step(-30)
    await running.start()
    await running.clock.advance(60)

    figures = await recorded(running)
    assert [figures[time] for time in range(5, 1201, 5)] == [25.0] * 240
    assert [figures[time] for time in range(1205, 1231, 5)] == [75.0] * 6
    assert await (await running.get("healthz")).text() == "recording\n"
    assert "6 samples are lost: they fall where an earlier boot recorded" in caplog.text
    assert check([str(running.database)]) == 0


async def test_a_clock_that_was_once_in_2099_silences_the_years_after_for_an_hour_at_most(running: Running) -> None:
    running.clock.step(2_300_000_000)
    await running.clock.advance(30)
    await running.stop()
    running.kernel = FakeKernel(running.clock, boot_id="boot-2")
    running.clock.step(-2_300_000_000)
    await running.start()
    await running.clock.advance(3610)
    first = await running.json("api/now")
    await running.stop()
    running.kernel = FakeKernel(running.clock, boot_id="boot-3")
    await running.start()
    await running.clock.advance(10)

    assert (first["age"], first["state"]) == (0, "recording")
    assert await (await running.get("healthz")).text() == "recording\n"
    since = f"api/history?from={START}&to={START + 3620}&step=5"
    assert sum(value is not None for value in (await running.json(since))["cpu"]) == 718


async def test_what_is_measured_by_a_clock_that_nobody_sets_is_believed_after_an_hour(running: Running) -> None:
    await running.clock.advance(7200)
    await running.stop()
    running.kernel = FakeKernel(running.clock, boot_id="boot-2")
    running.clock.step(-7200)
    await running.start()
    await running.clock.advance(3595)
    waiting = await running.status("api/now")
    await running.clock.advance(10)

    assert waiting == 404
    assert (await running.json("api/now"))["age"] == 0
    assert await (await running.get("healthz")).text() == "recording\n"
