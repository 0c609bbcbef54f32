"""Who used the CPU: from the sample to the event, in the whole service with accounts that a test writes."""

import logging
import shutil
import threading
from typing import Any

import pytest

from cpusensor.check.command import main as check
from cpusensor.model.accounts import Sight
from cpusensor.model.records import Span
from tests.fakes import START, FakeKernel
from tests.running import Running
from tests.store.opened import rows

MACHINE_US = 10_000_000
"""Two CPUs for five seconds."""


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "names"]


async def now(running: Running) -> Any:  # noqa: ANN401 - a test looks into it as it likes
    return (await running.json("api/now"))["who"]


async def tick(running: Running, cpu_us: int = 0, seconds: int = 5) -> None:
    """Let a tick pass in which a process uses so much."""
    running.accounts.use("nginx.service", "nginx", 7, cpu_us)
    await running.clock.advance(seconds)


async def test_after_its_sample_comes_who_used_the_cpu(running: Running) -> None:
    await running.restart("--top", "all")
    async with running.events() as stream:
        await stream.next()
        await tick(running)
        first = await stream.next()
        running.accounts.use("make.service", "cc1", 8, 500_000)
        running.accounts.exit(8)
        await tick(running, 1_000_000)
        second, top = await stream.take(2)

    assert (first.name, second.name, second.id) == ("sample", "sample", START + 10)
    assert (top.name, top.id) == ("top", None)
    assert top.data == {
        "time": START + 10, "since": START + 5, "units": [["nginx.service", 10.0], ["make.service", 5.0]],
        "processes": [["nginx", 10.0]], "exited": 5.0,
    }  # fmt: skip


async def test_a_stream_resumes_without_names_and_its_samples_have_the_same_ids(running: Running) -> None:
    await running.restart("--top", "all")
    async with running.events() as stream:
        await tick(running)
        await tick(running, 1_000_000)
        await stream.until("top")
    async with running.events(f"?after={START + 5}") as stream:
        events = [(event.name, event.id) for event in await stream.take(2)]

    assert events == [("hello", None), ("sample", START + 10)]


async def test_an_idle_machine_is_asked_once_a_minute_and_the_minute_is_explained(running: Running) -> None:
    await running.restart("--top", "all")
    running.kernel.use(0.001)
    async with running.events() as stream:
        await tick(running)
        for _ in range(12):
            await tick(running, 500)
        top = await stream.until("top")

    assert (top.data["since"], top.data["time"]) == (START + 5, START + 65)
    assert top.data["processes"] == [["nginx", round(100 * 6000 / (12 * MACHINE_US), 2)]]


async def test_over_a_suspension_nobody_is_blamed(running: Running) -> None:
    await running.restart("--top", "all")
    async with running.events() as stream:
        await tick(running)
        running.clock.suspend(3600)
        await tick(running, 4_000_000)
        await tick(running, 4_000_000)
        await tick(running, 4_000_000)
        await tick(running, 1_000_000)
        top = await stream.until("top")

    assert top.data["since"] > START + 3600
    assert top.data["processes"][0][1] <= 40.0


async def test_a_late_tick_explains_all_the_time_since_the_one_before(running: Running) -> None:
    await running.restart("--top", "all")
    async with running.events() as stream:
        await tick(running)
        running.accounts.use("nginx.service", "nginx", 7, 3_000_000)
        await running.clock.stall(30)
        top = await stream.until("top")

    assert (top.data["since"], top.data["time"]) == (START + 5, START + 35)
    assert top.data["processes"] == [["nginx", 5.0]]


async def test_accounts_that_cannot_be_read_cost_no_sample_and_are_told(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    await running.restart("--top", "all")
    async with running.events() as stream:
        await tick(running)
        running.accounts.failure = OSError(24, "Too many open files")
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                await tick(running, 1_000_000)
                await stream.until("sample")
            told = await now(running)
        running.accounts.failure = None
        await tick(running, 1_000_000)
        await tick(running, 2_000_000)
        top = await stream.until("top")

    assert "Too many open files" in told["error"]
    assert [record.message for record in caplog.records if "cannot be read" in record.message] == [
        "who uses the CPU cannot be read (OSError: [Errno 24] Too many open files); trying again"
    ]
    assert top.data["processes"] == [["nginx", 20.0]]
    assert (await now(running))["error"] is None


async def lived_through(running: Running, *flags: str) -> Any:  # noqa: ANN401 - a test looks into it as it likes
    """What is told of all that was recorded, after an hour in which no service ran and a process did something."""
    running.accounts.use("nginx.service", "nginx", 7, 4_000_000)
    running.clock.pass_unnoticed(3600)
    await running.start("--top", "all", *flags)
    async with running.events() as stream:
        await tick(running)
        top = await stream.until("top")
    assert top.data["time"] - top.data["since"] > 3600
    return await running.json("api/top?range=6h&by=process")


async def record_a_minute(running: Running) -> None:
    """Twelve ticks and some, in each of which nginx uses a second."""
    await running.restart("--top", "all")
    async with running.events() as stream:
        for _ in range(15):
            await tick(running, 1_000_000)
        for _ in range(14):
            await stream.until("top")


@pytest.mark.parametrize("is_killed", [False, True])
async def test_who_lives_through_an_outage_is_accounted_for_over_it(running: Running, *, is_killed: bool) -> None:
    await record_a_minute(running)
    if is_killed:
        # What is in the file at some moment is what a killed process leaves.
        copy = running.database.with_name("killed.db")
        for suffix in ("", "-wal"):
            shutil.copy(f"{running.database}{suffix}", f"{copy}{suffix}")
        await running.stop()
        for suffix in ("", "-wal"):
            running.database.with_name(f"{running.database.name}{suffix}").unlink(missing_ok=True)
            shutil.move(f"{copy}{suffix}", f"{running.database}{suffix}")
    await running.stop()

    told = await lived_through(running)

    # The first tick is what the others are counted from.
    assert {one["name"]: one["cpu_s"] for one in told["top"]} == {"nginx": 14.0 + 4.0}
    assert told["excess_s"] == 0.0
    assert told["busy_s"] > 1000
    assert check([str(running.database)]) == 0


async def test_over_a_boot_nobody_is_accounted_for(running: Running) -> None:
    await record_a_minute(running)
    await running.stop()
    running.kernel = FakeKernel(running.clock, boot_id="boot-2")
    await running.start("--top", "all")
    async with running.events() as stream:
        for _ in range(2):
            await tick(running, 1_000_000)
        top = await stream.until("top")

    assert top.data["time"] - top.data["since"] == 5


async def test_over_an_outage_without_names_nobody_is_accounted_for(running: Running) -> None:
    await record_a_minute(running)
    await running.restart("--top", "off")
    await running.stop()

    assert rows(running.database, "SELECT count(*) FROM baseline") == [(0,)]


async def test_units_alone_are_told_without_processes(running: Running) -> None:
    running.accounts.is_with_processes = False
    await running.restart("--top", "units")
    async with running.events() as stream:
        await tick(running)
        await tick(running, 1_000_000)
        top = await stream.until("top")

    assert (top.data["units"], top.data["processes"], top.data["exited"]) == ([["nginx.service", 10.0]], [], 0.0)


async def test_off_starts_no_thread_and_imports_nothing(running: Running) -> None:
    before = readers()
    await running.restart("--top", "off")
    await tick(running, 1_000_000)
    told = await now(running)

    assert readers() == before
    assert (told["top"], told["every"]) == ("off", None)


async def test_a_container_that_sees_nothing_says_with_which_flags_it_would(running: Running) -> None:
    running.accounts.sight = Sight.BLIND
    await running.restart("--top", "all")
    await tick(running)

    told = await now(running)

    assert (told["sight"], told["every"]) == ("blind", None)
    assert "--pid=host" in told["flags"]
    assert readers() == []


async def test_the_thread_ends_with_the_service(running: Running) -> None:
    await running.restart("--top", "all")
    assert readers() == ["names"]

    await running.stop()

    assert readers() == []


async def test_what_was_read_is_stored(running: Running) -> None:
    await running.restart("--top", "all")
    async with running.events() as stream:
        await tick(running)
        await tick(running, 1_000_000)
        await stream.until("top")
    await running.restart()

    found = await running.history.culprits.over(Span(from_time=START + 5, to_time=START + 10))

    assert found is not None
    assert [(one.name, one.unit, one.cpu_us) for one in found.blame.processes] == [
        ("nginx", "nginx.service", 1_000_000)
    ]
