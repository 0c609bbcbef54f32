"""Who used the CPU, for a database that `recorded` has filled: in the busy hour of its last day, and a year before."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cpusensor.model.blame import Blame, Share, ranked
from cpusensor.store.opening import open_history
from tests.blames import SECOND, process, unit
from tests.browser.recorded import STEP, WEEK

SHOUT = "<img src=x onerror=alert(1)>"
"""What a process may be called."""

CONTAINER = "docker-4f1c… (postgres)"

BUSY_US = 9 * SECOND
"""Of a minute; of one CPU, as recorded: 1000 ticks."""


def record_names(path: Path, end: int) -> None:
    """Readings once a minute, until `end`, which is the end of `recorded.record`."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(_record(path, end - end % STEP))).result()


async def _record(path: Path, end: int) -> None:
    async with open_history(path, end) as store:
        await store.blames.add([*_year_ago(end - 52 * WEEK), *_busy_hour(end - 720 * STEP)])


def _year_ago(begin: int) -> Iterator[Blame]:
    for minute in range(1, 60):
        yield _reading(begin + minute * STEP, unit("backup.service", SECOND // 2), busy_us=SECOND)


def _busy_hour(begin: int) -> Iterator[Blame]:
    """A container that works all the time, and a service that comes and goes; between them nine that do little."""
    for minute in range(1, 61):
        time = begin + minute * STEP
        hog = [process("postgres", 4 * SECOND, unit=CONTAINER, pid=4121, started=begin - 3600)]
        burst = (
            [process(SHOUT, 3 * SECOND, unit="nightly.service", pid=4200, started=begin)] if 20 < minute <= 30 else []
        )
        little = [unit(f"helper-{number}.service", SECOND // 10) for number in range(9)]
        units = [unit(CONTAINER, 4 * SECOND), *([unit("nightly.service", 3 * SECOND)] if burst else [])]
        yield _reading(time, *units, *little, *hog, *burst, busy_us=BUSY_US, exited_us=SECOND)


def _reading(time: int, *shares: Share, busy_us: int, exited_us: int = 0) -> Blame:
    return Blame(
        time=time,
        since=time - STEP,
        busy_us=busy_us,
        all_us=10 * SECOND,
        units=ranked(one for one in shares if one.pid is None),
        processes=ranked(one for one in shares if one.pid is not None),
        exited_us=exited_us,
    )
