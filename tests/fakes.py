"""Time and kernel as a test wants them; everything else in the tests is real."""

import asyncio
import heapq
import itertools
import sys
from collections.abc import Callable
from typing import Any

from cpusensor.kernel.counters import UnreadableError
from cpusensor.kernel.mounts import Scope
from cpusensor.model.accounts import Accounts, Group, Process, Sight
from cpusensor.model.records import Cost, Counters, CpuTimes, Machine, Moment
from tests.service import TIMEOUT_S

START = 1_763_936_400
"""A full minute in UTC, where the fake clock begins."""

LOOK_S = 0.0003
"""Between two looks whether all sleep again: too short to cost time, long enough to leave the CPU to them."""


class FakeClock:
    """A clock that moves only when told to, and then waits until every loop that slept sleeps again."""

    def __init__(self, wall: float = START) -> None:
        self._wall = wall
        self._monotonic = 1000.0
        self._boottime = 5000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self.is_settled: Callable[[], bool] = lambda: True
        """Whether those who woke are done with what they woke for."""
        self.sleepers: Callable[[], int] = lambda: sys.maxsize
        """How many shall sleep at the most: who keeps an open stream alive sleeps only while there is one."""
        self.is_ended: Callable[[], bool] = lambda: False
        """Whether one of them will never sleep again."""

    def now(self) -> Moment:
        return Moment(wall=self._wall, monotonic=self._monotonic, boottime=self._boottime)

    def wall(self) -> float:
        return self._wall

    async def sleep_until(self, monotonic: float) -> None:
        wake_up = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (monotonic, next(self._order), wake_up))
        await wake_up

    async def advance(self, seconds: float) -> None:
        """Let time pass; each sleeper wakes exactly when it asked to."""
        until = self._monotonic + seconds
        while (due := self._next_deadline()) is not None and due <= until:
            self._move(max(0.0, due - self._monotonic))
            await self._wake_sleepers()
        self._move(until - self._monotonic)

    async def stall(self, seconds: float) -> None:
        """Let time pass in one go: whoever was due meanwhile wakes late."""
        self._move(seconds)
        await self._wake_sleepers()

    def pass_unnoticed(self, seconds: float) -> None:
        """Let time pass while nobody who sleeps is woken."""
        self._move(seconds)

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: the monotonic clock stands still."""
        self._wall += seconds
        self._boottime += seconds

    def step(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self._wall += seconds

    def _move(self, seconds: float) -> None:
        self._wall += seconds
        self._monotonic += seconds
        self._boottime += seconds

    def _next_deadline(self) -> float | None:
        self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[2].done()]
        heapq.heapify(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    async def _wake_sleepers(self) -> None:
        """Wake who is due, and return once as many sleep as before, or as shall, and nothing is left to do.

        Raises:
            TimeoutError: They do not get there, or one of them has ended.
        """
        self._next_deadline()
        before = len(self._sleepers)
        while self._sleepers and self._sleepers[0][0] <= self._monotonic:
            heapq.heappop(self._sleepers)[2].set_result(None)
        async with asyncio.timeout(TIMEOUT_S):
            while len(self._sleepers) < min(before, self.sleepers()) or not self.is_settled():
                if self.is_ended():
                    raise TimeoutError("a loop has ended")
                await asyncio.sleep(LOOK_S)


class FakeKernel:
    """Two CPUs whose counters follow the fake clock.

    `busy` is the share of the time in which they work, `counted` the share of it that is counted at all.
    """

    def __init__(self, clock: FakeClock, *, boot_id: str = "boot-1", cpus: int = 2) -> None:
        self.busy = 0.25
        self.counted = 1.0
        self.whose = Scope.MACHINE
        self.failure: str | None = None
        self.bug: Exception | None = None
        self.spent: dict[str, Any] = {"cpu_s": 0.0, "memory": 0, "written": 0}
        self._boot_id = boot_id
        self._clock = clock
        self._read_at = clock.now().monotonic
        self._user = [1000.0] * cpus
        self._idle = [9000.0] * cpus

    def boot_id(self) -> str:
        return self._boot_id

    def scope(self) -> Scope:
        return self.whose

    def may_hang(self) -> bool:
        return False

    def read(self) -> Counters:
        self._count()
        if self.bug is not None:
            raise self.bug
        if self.failure is not None:
            raise UnreadableError(self.failure)
        cpus = {
            number: CpuTimes(user=round(user), system=0, irq=0, idle=round(idle), iowait=0, steal=0)
            for number, (user, idle) in enumerate(zip(self._user, self._idle, strict=True))
        }
        return Counters(cpus=cpus, values={"load_centi": 42, "pressure_us": 0})

    def cost(self, now: Moment) -> Cost:
        return Cost(moment=now, **self.spent)

    def machine(self, now: Moment) -> Machine:
        return Machine(cpus=len(self._user), boot_time=round(now.wall - now.boottime), zone="Europe/Riga")

    def use(self, share: float) -> None:
        """From now on the CPUs are busy for this share of the time."""
        self._count()
        self.busy = share

    def leap(self, number: int, ticks: float) -> None:
        """A CPU's counter jumps ahead."""
        self._count()
        self._idle[number] += ticks

    def reset(self, number: int) -> None:
        """A CPU begins to count anew, as after hot-plug."""
        self._count()
        self._user[number] = self._idle[number] = 0.0

    def _count(self) -> None:
        now = self._clock.now().monotonic
        ticks = 100 * (now - self._read_at) * self.counted
        self._read_at = now
        self._user = [user + ticks * self.busy for user in self._user]
        self._idle = [idle + ticks * (1 - self.busy) for idle in self._idle]


class FakeAccounts:
    """Units and processes that use what they are told to."""

    def __init__(self) -> None:
        self.sight = Sight.CLEAR
        self.failure: OSError | None = None
        self.is_with_processes = True
        self._units: dict[str, int] = {}
        self._processes: dict[int, Process] = {}

    def use(self, unit: str, name: str, pid: int, cpu_us: int) -> None:
        """A process of a unit uses so much CPU time."""
        was = self._processes.get(pid)
        total = cpu_us + (was.cpu_us if was else 0)
        self._processes[pid] = Process(pid, total, 1.0, name, unit, looked_us=total)
        self._units[unit] = self._units.get(unit, 0) + cpu_us

    def exit(self, pid: int) -> None:
        """A process ends, and its unit keeps the account of it."""
        del self._processes[pid]

    def close(self) -> None:
        pass

    def resume(self, before: Accounts) -> bool:
        return before.place == "fake"

    def read(self, boottime: float) -> Accounts:
        if self.failure is not None:
            raise self.failure
        units = enumerate(self._units.items(), start=2)
        return Accounts(
            boottime=boottime,
            groups={key: Group(name, None, cpu_us) for key, (name, cpu_us) in units},
            processes=dict(self._processes) if self.is_with_processes else None,
            is_root_exact=True,
            place="fake",
        )
