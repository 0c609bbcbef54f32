"""Samples that are pushed: each arrives, with its value, and gaps stay gaps, whatever the receiver does."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from cpusensor.config.settings import load_settings
from cpusensor.http.app import create_app
from cpusensor.outlets.remote_write import MissingError
from tests.fakes import START, FakeClock
from tests.receiver import FakeReceiver
from tests.running import Running


@pytest.fixture
async def receiver() -> AsyncIterator[FakeReceiver]:
    one = FakeReceiver()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def pushing(tmp_path: Path, clock: FakeClock, receiver: FakeReceiver) -> AsyncIterator[Running]:
    """A service that pushes to the receiver."""
    service = Running(tmp_path / "cpusensor.db", clock)
    await service.start(*receiver.config(tmp_path / "push.toml"))
    yield service
    await service.stop()


def flags(tmp_path: Path) -> tuple[str, str]:
    return "--config", str(tmp_path / "push.toml")


def recorded(database: Path) -> dict[int, float]:
    """The CPU use of each sample in the database, to six decimals, by its time in ms."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute('SELECT time, user + system + irq, "all" FROM sample').fetchall()
    return {1000 * time: round(busy / whole, 6) for time, busy, whole in rows}


def _has_come(receiver: FakeReceiver, count: int) -> bool:
    return len(receiver.requests) >= count


def values(receiver: FakeReceiver, labels: dict[str, str]) -> dict[int, float]:
    series = receiver.points[tuple(sorted(labels.items()))]
    return {time: value for time, value in series.items() if value is not None}


async def test_every_series_of_a_sample_arrives_under_the_name_of_the_machine(
    pushing: Running, receiver: FakeReceiver, tmp_path: Path
) -> None:
    await pushing.stop()
    await pushing.start(*receiver.config(tmp_path / "push.toml", 'labels = {site = "lab"}'), "--label", "rack=7")
    await pushing.clock.advance(10)
    await receiver.has(START + 10)

    told = {tuple(value for name, value in labels if name in {"__name__", "cpu", "mode"}) for labels in receiver.points}
    modes = {("cpusensor_mode_ratio", mode) for mode in ("user", "system", "irq", "iowait", "steal")}
    cores = {("cpusensor_core_ratio", cpu) for cpu in ("0", "1")}
    single = {("cpusensor_cpu_ratio",), ("cpusensor_load1",), ("cpusensor_pressure_ratio",)}
    assert told == single | modes | cores
    assert all({("host", "box"), ("rack", "7"), ("site", "lab")} <= set(labels) for labels in receiver.points)
    assert receiver.requests[0].headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"


async def test_after_an_outage_of_the_receiver_every_sample_follows_with_the_value_of_the_database(
    pushing: Running, receiver: FakeReceiver
) -> None:
    receiver.answers = [web.Response(status=503, headers={"Retry-After": "0"}), web.Response(status=429)]
    await pushing.clock.advance(600)
    await receiver.has(START + 600)

    assert values(receiver, {"__name__": "cpusensor_cpu_ratio", "host": "box"}) == recorded(pushing.database)
    assert receiver.times() == [START + 5 * slot for slot in range(1, 121)]


async def test_a_restart_goes_on_where_it_was_and_the_gap_stays_one(
    pushing: Running, receiver: FakeReceiver, tmp_path: Path
) -> None:
    await pushing.clock.advance(60)
    await receiver.has(START + 60)
    await pushing.stop()
    ended = receiver.times()
    pushing.clock.step(300)
    await pushing.start(*flags(tmp_path))
    await pushing.clock.advance(10)
    await receiver.has(START + 370)

    # A clean stop ends the series at once, so that no engine goes on with its last value.
    assert ended[-2:] == [START + 60, -1]
    assert receiver.times()[-4:] == [START + 60, -1, START + 365, START + 370]


async def test_after_a_kill_what_was_sent_since_the_last_minute_comes_again_and_the_rest_follows(
    pushing: Running, receiver: FakeReceiver, tmp_path: Path
) -> None:
    await pushing.clock.advance(90)
    await receiver.has(START + 90)
    receiver.silent_s = 1.0
    await pushing.crash()
    with closing(sqlite3.connect(pushing.database)) as connection, connection:
        connection.execute("UPDATE cursor SET time = ?", (START + 60,))
    receiver.silent_s = 0.0
    pushing.clock.step(100)
    await pushing.start(*flags(tmp_path))
    await pushing.clock.advance(10)
    await receiver.has(START + 200)

    assert values(receiver, {"__name__": "cpusensor_cpu_ratio", "host": "box"}) == recorded(pushing.database)
    assert receiver.repeated
    assert receiver.times()[-4:] == [START + 90, -1, START + 195, START + 200]


async def test_what_is_refused_for_good_is_passed_over_counted_and_logged_once(
    pushing: Running, receiver: FakeReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [web.Response(status=400, text="out of order sample\nmore") for _ in range(3)]
    for _ in range(4):
        await pushing.clock.advance(5)
        wanted = len(receiver.requests) + 1
        await receiver.until(partial(_has_come, receiver, wanted))
    await receiver.has(START + 20)
    (push,) = (await pushing.json("api/now"))["push"]
    async with await pushing.get("metrics") as response:
        metrics = await response.text()

    assert (push["receiver"], push["sent"], push["refused"], push["behind"]) == (receiver.url, 1, 3, 0)
    assert (push["until"], push["problem"]) == (START + 20, None)
    assert push["refusal"].startswith("it answers 400 out of order sample; Prometheus takes older samples with")
    assert f'cpusensor_push_samples_total{{outcome="refused",receiver="{receiver.url}"}} 3.0' in metrics
    until = metrics.partition(f'cpusensor_push_until_timestamp_seconds{{receiver="{receiver.url}"}} ')[2]
    assert float(until.partition("\n")[0]) == START + 20
    assert f'cpusensor_push_failing{{receiver="{receiver.url}"}} 0.0' in metrics
    told = [record.message for record in caplog.records if receiver.url in record.message]
    assert len(told) == 2
    assert "refused samples: it answers 400 out of order sample; Prometheus takes older samples with tsdb" in told[0]
    assert "takes samples again" in told[1]


async def test_what_a_receiver_forgot_as_it_was_killed_comes_again_once_it_is_back(
    pushing: Running, receiver: FakeReceiver
) -> None:
    await pushing.clock.advance(60)
    await receiver.has(START + 60)
    # VictoriaMetrics answers seconds before what it took is on its disk.
    receiver.forget(START + 50)
    receiver.answers = [web.Response(status=503, headers={"Retry-After": "0"})]
    await pushing.clock.advance(10)
    await receiver.has(START + 70)

    assert receiver.times() == [START + 5 * slot for slot in range(1, 15)]


async def test_what_a_receiver_forgot_that_was_back_before_the_next_batch_comes_again(
    pushing: Running, receiver: FakeReceiver
) -> None:
    for slot in range(1, 7):
        await pushing.clock.advance(5)
        await receiver.has(START + 5 * slot)
    receiver.forget(START + 20)
    receiver.cut()
    await pushing.clock.advance(5)
    # No attempt failed: only the connection is another.
    await receiver.until(lambda: receiver.times() == [START + 5 * slot for slot in range(1, 8)])

    assert receiver.repeated


async def test_the_end_before_a_gap_that_a_receiver_forgot_comes_again(
    pushing: Running, receiver: FakeReceiver, tmp_path: Path
) -> None:
    await pushing.clock.advance(60)
    await receiver.has(START + 60)
    await pushing.stop()
    pushing.clock.step(300)
    await pushing.start(*flags(tmp_path))
    await pushing.clock.advance(10)
    await receiver.has(START + 370)
    # 30 s before that nothing was recorded.
    receiver.forget(START + 60)
    receiver.answers = [web.Response(status=503, headers={"Retry-After": "0"})]
    await pushing.clock.advance(10)
    await receiver.has(START + 380)

    assert receiver.times()[-6:] == [START + 60, -1, START + 365, START + 370, START + 375, START + 380]


async def test_a_receiver_that_closes_after_each_answer_gets_everything_once(
    pushing: Running, receiver: FakeReceiver
) -> None:
    for slot in range(1, 7):
        await pushing.clock.advance(5)
        await receiver.has(START + 5 * slot)
        receiver.cut()

    assert receiver.times() == [START + 5 * slot for slot in range(1, 7)]
    assert not receiver.repeated


async def test_after_a_kill_a_receiver_that_takes_nothing_twice_lacks_nothing(
    pushing: Running, receiver: FakeReceiver, tmp_path: Path
) -> None:
    await pushing.clock.advance(90)
    await receiver.has(START + 90)
    receiver.is_strict = True
    receiver.silent_s = 1.0
    await pushing.crash()
    with closing(sqlite3.connect(pushing.database)) as connection, connection:
        connection.execute("UPDATE cursor SET time = ?", (START + 60,))
    receiver.silent_s = 0.0
    pushing.clock.step(100)
    await pushing.start(*flags(tmp_path))
    await pushing.clock.advance(15)
    await receiver.has(START + 205)

    assert values(receiver, {"__name__": "cpusensor_cpu_ratio", "host": "box"}) == recorded(pushing.database)
    assert receiver.times()[-5:] == [START + 90, -1, START + 195, START + 200, START + 205]


async def test_a_receiver_that_takes_nothing_old_gets_what_is_new_after_few_attempts(
    running: Running, receiver: FakeReceiver, tmp_path: Path
) -> None:
    await running.clock.advance(3600)
    await running.stop()
    receiver.is_strict = True
    receiver.bound = 1000 * (START + 3600)
    await running.start(*receiver.config(tmp_path / "push.toml", "history = true", "catch_up = 10000"))
    # A batch, then samples one by one, then batches.
    await receiver.until(partial(_has_come, receiver, 1 + 64 + 2))
    await running.clock.advance(10)
    await receiver.has(START + 3610)

    assert receiver.times() == [START + 3605, START + 3610]
    assert len(receiver.requests) < 1 + 64 + 5


@pytest.mark.parametrize("status", [301, 403, 500])
async def test_what_says_nothing_of_the_samples_loses_none(
    pushing: Running, receiver: FakeReceiver, status: int
) -> None:
    receiver.answers = [web.Response(status=status, headers={"Location": "http://127.0.0.1:9/", "Retry-After": "0"})]
    await pushing.clock.advance(5)
    await receiver.until(lambda: not receiver.answers)
    await pushing.clock.advance(5)
    await receiver.has(START + 10)

    assert receiver.times() == [START + 5, START + 10]


async def test_a_receiver_that_never_answers_holds_up_neither_a_sample_nor_the_end(
    pushing: Running, receiver: FakeReceiver
) -> None:
    receiver.silent_s = 3600
    await pushing.clock.advance(60)
    await receiver.until(lambda: receiver.requests)
    now = await pushing.json("api/now")
    # Would wait for an hour, and then for the end of the test's patience.
    async with asyncio.timeout(30):
        await pushing.stop()
    receiver.silent_s = 0.0

    assert (now["time"], now["state"]) == (START + 60, "recording")
    assert now["push"][0]["sent"] == 0


async def test_a_new_receiver_gets_the_whole_history_if_it_is_to(
    running: Running, receiver: FakeReceiver, tmp_path: Path
) -> None:
    await running.clock.advance(60)
    await running.stop()
    running.clock.step(7200)
    await running.start(*receiver.config(tmp_path / "push.toml", "history = true", "catch_up = 10000"))
    await running.clock.advance(10)
    await receiver.has(START + 7270)

    assert receiver.times() == [*(START + 5 * slot for slot in range(1, 13)), -1, START + 7265, START + 7270]


@pytest.mark.parametrize("package", ["cramjam", "google.protobuf"])
def test_without_its_packages_one_line_says_how_to_install_them(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    settings = load_settings(["--remote-write", "http://127.0.0.1:9/"], {})

    with pytest.raises(MissingError, match=r"install them with: pip install -r requirements-push\.txt$"):
        create_app(settings)
