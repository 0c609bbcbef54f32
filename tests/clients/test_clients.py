"""What others read the stream with gets every sample once, over the death of the service too.

Each `with_*` is a program of its own that follows /events with one public client, comes back as that client does, and
prints an event a line: name, id, data. All of them follow one service, which is killed and started again.
"""

import asyncio
import sqlite3
import sys
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import NamedTuple

import pytest

from tests.service import ROOT, Service

FOLDER = Path(__file__).parent
NODE = str(ROOT / ".venv/node/bin/node")
PROGRAMS = {
    "httpx-sse": (sys.executable, "with_httpx_sse.py"),
    "sseclient-py": (sys.executable, "with_sseclient_py.py"),
    "requests-sse": (sys.executable, "with_requests_sse.py"),
    "eventsource": (NODE, "with_eventsource.mjs"),
    "eventsource-client": (NODE, "with_eventsource_client.mjs"),
}
SAMPLES = 2
TIMEOUT_S = 100  # requests-sse waits twice as long after each attempt that fails

every_client = pytest.mark.parametrize("client", PROGRAMS)


class Event(NamedTuple):
    """One event as a client hands it out; where the stream gave it no id, some clients repeat the last one."""

    name: str
    id: str
    data: str


class Follower:
    """One client, and what it told so far."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.process = process
        self.events: list[Event] = []

    async def read(self, count: int, *, after: int = 0) -> None:
        """Read on until `count` samples later than `after` came."""
        assert self.process.stdout is not None
        while sum(time > after for time in samples(self.events)) < count:
            line = (await self.process.stdout.readline()).decode()
            assert line, f"{self.name} ended after {self.events[-3:]}"
            self.events.append(Event(*line.rstrip("\n").split("\t")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What each client told, and beside it what the database holds: the times of all samples, in order."""

    events: dict[str, list[Event]]
    recorded: list[int]
    before_kill: int
    """The last sample of the service that was killed."""
    missed: int
    """The last sample that surely was recorded before any client had come back."""


def samples(events: Sequence[Event]) -> list[int]:
    return [int(event.id) for event in events if event.name == "sample"]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    with Service(tmp_path_factory.mktemp("clients"), interval_s=1) as service:
        return asyncio.run(follow_over_a_kill(service))


async def follow_over_a_kill(service: Service) -> Told:
    """Let every client read live, come back to a service that recorded meanwhile, and read live again.

    Until then the clients are frozen, as in a closed notebook, so that none is back before it has missed something.
    """
    async with asyncio.timeout(TIMEOUT_S), following(service.url + "events") as followers:
        await read_all(followers, SAMPLES)
        service.kill()
        for one in followers:
            one.process.send_signal(SIGSTOP)
        before_kill = sample_times(service)[-1]
        await asyncio.to_thread(service.start)
        missed = await asyncio.to_thread(read_samples, service, SAMPLES, before_kill)
        for one in followers:
            one.process.send_signal(SIGCONT)
        await read_all(followers, SAMPLES, after=missed)
        return Told(
            events={one.name: one.events for one in followers},
            recorded=sample_times(service),
            before_kill=before_kill,
            missed=missed,
        )


@asynccontextmanager
async def following(url: str) -> AsyncIterator[list[Follower]]:
    """All clients on that stream, until the end of the block."""
    followers: list[Follower] = []
    try:
        for name, (interpreter, program) in PROGRAMS.items():
            process = await asyncio.create_subprocess_exec(interpreter, str(FOLDER / program), url, stdout=PIPE)
            followers.append(Follower(name, process))
        yield followers
    finally:
        for one in followers:
            if one.process.returncode is None:
                one.process.kill()
        for one in followers:
            await one.process.communicate()  # what is left in a full pipe would keep its end from being seen


async def read_all(followers: Sequence[Follower], count: int, *, after: int = 0) -> None:
    async with asyncio.TaskGroup() as tasks:
        for one in followers:
            tasks.create_task(one.read(count, after=after))


def read_samples(service: Service, count: int, after: int) -> int:
    """Wait for `count` samples later than `after`; the last of them."""
    with urllib.request.urlopen(service.url + f"events?after={after}", timeout=TIMEOUT_S) as stream:
        ids = (int(line.removeprefix(b"id: ")) for line in stream if line.startswith(b"id: "))
        return [next(ids) for _ in range(count)][-1]


def sample_times(service: Service) -> list[int]:
    """Those in the database, which is left for the service to recover."""
    with closing(sqlite3.connect(f"{service.database.as_uri()}?mode=ro", uri=True)) as connection:
        return [time for (time,) in connection.execute("SELECT time FROM sample ORDER BY time")]


@every_client
def test_every_sample_that_was_recorded_comes_once_and_in_order(told: Told, client: str) -> None:
    got = samples(told.events[client])

    assert got == [time for time in told.recorded if got[0] <= time <= got[-1]]


@every_client
def test_it_reads_before_the_kill_and_after_the_restart(told: Told, client: str) -> None:
    got = samples(told.events[client])

    assert sum(time <= told.before_kill for time in got) >= SAMPLES
    assert sum(time > told.missed for time in got) >= SAMPLES
    assert [event.name for event in told.events[client]].count("hello") >= 2


@every_client
def test_every_event_has_a_name_and_data(told: Told, client: str) -> None:
    events = told.events[client]

    assert events[0].name == "hello"
    assert [event for event in events if event.name in {"", "message"} or not event.data] == []
