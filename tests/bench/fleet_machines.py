"""Simulated machines in one process, whose histories the service's own code pushes: `tests.bench.fleet` starts it.

What is simulated is the recording: each machine's samples are made up (fill_machine.py) and lie in memory instead of a
database. Reading on from a position, encoding, compressing, sending, backing off are the code that the service runs.
It begins as after an outage of an hour; then the machines go on recording until its standard input is closed. A line of
JSON a second says how far it is.
"""

import argparse
import asyncio
import json
import logging
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import cast

from cpusensor.config.receivers import Receiver
from cpusensor.model.records import Cause, ClockStep, Run, Sample, Tick
from cpusensor.outlets.push import Push
from cpusensor.outlets.remote_write import values_of
from cpusensor.store.columns import Row, sample_of_row
from cpusensor.store.opening import History
from tests.bench.fill_blocks import Block
from tests.bench.fill_machine import Machine

STEP_S = 5
KINDS = 50
"""Different histories; machines that share one push it under names of their own, as series of their own."""

CPUS = 4
OUTAGE_S = 3600
FUTURE_S = 1800
"""How long they can go on recording."""

RECENT = 60
"""Ticks that the service keeps in memory for its streams."""

AT_ONCE = 16
"""Machines that catch up, or end, at a time."""

CAUGHT_UP_S = 25
"""Behind by a batch, 15 s, and a sample or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far all machines together are."""

    is_caught_up: bool
    seconds: float
    """Since the first sample was sent."""
    samples: int
    """Taken by the engine."""
    values: int
    """In these."""
    refused: int
    cpu_s: float
    """Of pushing alone."""
    problem: str | None


class Rows:
    """Takes in the samples of a machine that is made up."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, block: Block, cause: Cause) -> None:  # noqa: ARG002 - as storage is asked
        """Samples."""
        self.rows += block.rows()

    def add_run(self, run: Run) -> None:
        """A run that is over: not needed."""

    def add_clock_step(self, step: ClockStep) -> None:
        """A clock that was set: not needed."""


class Simulated:
    """A machine's history as the push sees it: reader, writer, cursors and runs in one."""

    def __init__(self, rows: Sequence[Row], now: int) -> None:
        self.reader = self.unhurried = self.writer = self.cursors = self.runs = self
        self.recent: list[Tick] = []
        self._rows = rows
        self._first = int(cast("int", rows[0][0]))
        self._position = self._first
        self.present = Run(id=1, boot_id="", started=self._first, ended=None, interval=STEP_S, version="")
        self.newest: Sample | None = None
        self.record(now)

    @property
    def taken(self) -> int:
        """Samples that the engine took."""
        return (self._position - self._first) // STEP_S

    @property
    def behind_s(self) -> int:
        """Seconds of samples that the engine lacks."""
        return self.newest.time - self._position if self.newest else 0

    def record(self, now: int) -> None:
        """Record the sample of that time."""
        self.newest = self._at(now)
        self.recent.append(Tick(sample=self.newest, closed=()))
        del self.recent[:-RECENT]

    async def ticks_after(self, after: int, now: float) -> list[Tick]:
        """The ticks in (after, now]."""
        times = range(max(after // STEP_S * STEP_S + STEP_S, self._first), int(now) + 1, STEP_S)
        return [Tick(sample=self._at(at), closed=()) for at in times]

    def get(self, receiver: str) -> int:  # noqa: ARG002 - there is one
        """The time up to which the engine has everything."""
        return self._position

    def move(self, receiver: str, at: int) -> None:  # noqa: ARG002 - as above
        """It has everything up to `at`."""
        self._position = at

    def _at(self, at: int) -> Sample:
        return sample_of_row(self._rows[(at - self._first) // STEP_S])


class Fleet:
    """All machines, and what it costs to push them."""

    def __init__(self, url: str, count: int, now: int) -> None:
        rows = [_history(seed, now) for seed in range(min(KINDS, count))]
        self._machines = [Simulated(rows[number % len(rows)], now) for number in range(count)]
        self._pushes = [
            Push(Receiver(url=url), {"host": f"sim{number:05}"}, cast("History", machine), machine.recent)
            for number, machine in enumerate(self._machines)
        ]
        newest = self._machines[0].newest
        self._values = sum(1 for _ in values_of(newest)) if newest else 0
        self._newest = now
        self._recording_s = 0.0

    async def run(self, ended: asyncio.Event) -> None:
        """Push until that is set, a line a second."""
        self._began, self._cpu_s = time.monotonic(), time.process_time()
        starting = asyncio.create_task(self._start_all())
        while not ended.is_set():
            say(self.standing())
            await asyncio.sleep(1)
            self._record_due()
        await starting
        for some in range(0, len(self._pushes), AT_ONCE):
            await asyncio.gather(*(push.close() for push in self._pushes[some : some + AT_ONCE]))
        say(self.standing())

    async def _start_all(self) -> None:
        """Start one as soon as few are behind.

        All share one event loop: with all at once, a connection would wait for a thousand batches to be encoded before
        its own is sent, and VictoriaMetrics gives a request 5 s to begin.
        """
        waiting: list[Simulated] = []
        for push, machine in zip(self._pushes, self._machines, strict=True):
            while len(waiting) >= AT_ONCE:
                await asyncio.sleep(0.01)
                waiting = [one for one in waiting if one.behind_s > CAUGHT_UP_S]
            push.start()
            waiting.append(machine)

    def standing(self) -> Standing:
        """How far they are."""
        found = [push.standing for push in self._pushes]
        samples = sum(machine.taken for machine in self._machines)
        return Standing(
            is_caught_up=max(machine.behind_s for machine in self._machines) <= CAUGHT_UP_S,
            seconds=time.monotonic() - self._began,
            samples=samples,
            values=samples * self._values,
            refused=sum(one.refused for one in found),
            cpu_s=time.process_time() - self._cpu_s - self._recording_s,
            problem=next((one.problem for one in found if one.problem), None),
        )

    def _record_due(self) -> None:
        """Record what is due, the time for which is not that of pushing."""
        began = time.process_time()
        while self._newest + STEP_S <= time.time():
            self._newest += STEP_S
            for machine in self._machines:
                machine.record(self._newest)
        self._recording_s += time.process_time() - began


def _history(seed: int, now: int) -> list[Row]:
    """An outage, and what is yet to come."""
    storage = Rows()
    start = now - OUTAGE_S
    # To be repeated, not to be secret.
    machine = Machine(Random(seed), storage, cpus=CPUS, interval=STEP_S, start=start)  # noqa: S311
    machine.record(now + FUTURE_S)
    return storage.rows


def say(standing: Standing) -> None:
    """One line, at once."""
    print(json.dumps(asdict(standing)), flush=True)


async def push(url: str, count: int) -> None:
    """Push so many machines until the standard input is closed."""
    fleet = Fleet(url, count, int(time.time()) // STEP_S * STEP_S)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
    await fleet.run(ended)


def main() -> None:
    """Push."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url")
    parser.add_argument("machines", type=int)
    told = parser.parse_args()
    # A connection each.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # What fails is told in the lines.
    logging.disable(logging.WARNING)
    asyncio.run(push(told.url, told.machines))


if __name__ == "__main__":
    main()
