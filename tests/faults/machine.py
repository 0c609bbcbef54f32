"""Faults of the machine itself: its time, its counters, its sleep."""

import asyncio
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from cpusensor.model.records import Cause, Measured
from cpusensor.store.opening import open_history
from tests.fakes import START, FakeClock, FakeKernel
from tests.faults.harness import Lab, fault
from tests.faults.mounts import mount
from tests.faults.victim import DOOR, Listener, by_time, history, state, victim
from tests.procfs import write_in_place
from tests.running import Running
from tests.samples import sample
from tests.service import Service
from tests.waiting import wait_for_samples, wait_until

STEP = 5
HOUR = 3600
YEAR = 365 * 86_400
STEPS = {"+1 h": HOUR, "−1 h": -HOUR, "+1 year": YEAR, "1970": 60 - START, "+3 s": 3, "−3 s": -3}
SPIKE = 100.0


@fault("F18", expected="one gap `stalled`, no burst, the stream goes on", quick=0, full=2)
def the_process_is_stopped_and_goes_on(lab: Lab) -> str:
    """SIGSTOP for 60 s, then SIGCONT."""
    stopped_s = 60
    length = burst = 0
    with victim(lab, lab.folder()) as service:
        for repetition in range(1, lab.repetitions + 1):
            wait_for_samples(service, 2)
            listener = Listener(service)
            wait_until(lambda found=listener: len(found.ids) > 1, "nothing on the stream")  # type: ignore[misc]
            service.freeze()
            time.sleep(stopped_s)
            service.thaw()
            wait_for_samples(service, 3)
            gaps = history(service)["gaps"]
            lab.expect(that=[gap["cause"] for gap in gaps] == ["stalled"] * repetition, otherwise=f"gaps {gaps}")
            length = gaps[-1]["to"] - gaps[-1]["from"]
            lab.expect(that=abs(length - stopped_s) <= 1, otherwise=f"the gap is {length} s long")
            burst = _most_within_a_second(listener)
            lab.expect(that=burst <= 2, otherwise=f"{burst} samples within a second")
    return f"one gap of {length} s, at most {burst} samples within a second"


def _most_within_a_second(listener: Listener) -> int:
    at = [arrival for _, arrival in listener.arrivals[2:]]
    return max((sum(0 <= later - one < 0.9 for later in at) for one in at), default=0)


async def _in_simulated_time(lab: Lab, act: Callable[[Running], Awaitable[None]]) -> Running:
    """Record for 3 minutes, let something happen, record for 3 minutes more."""
    clock = FakeClock()
    service = Running(lab.folder() / "cpusensor.db", clock)
    await service.start()
    try:
        await clock.advance(183)
        await act(service)
        await clock.advance(183)
        await _expect_sane(lab, service)
    finally:
        await service.stop()
    lab.expect_clean(service.database)
    return service


async def _expect_sane(lab: Lab, service: Running) -> None:
    now = int(service.clock.now().wall)
    for begin in (START, now - 180):
        answer = await service.json(f"api/history?from={max(0, begin)}&to={max(5, begin + 180)}&step=5")
        odd = [cpu for cpu in by_time(answer).values() if not 24 <= cpu <= 26]
        lab.expect(that=not odd, otherwise=f"the load was 25 %, shown as {odd[:3]}")
    health = await (await service.get("healthz")).text()
    is_right = health.strip() == "recording" or (now < START - YEAR and health.startswith("degraded: "))
    lab.expect(that=is_right, otherwise=f"healthz says {health.strip()!r}")


async def _gaps(service: Running, begin: int, end: int) -> list[dict[str, object]]:
    gaps: list[dict[str, object]] = (await service.json(f"api/history?from={begin}&to={end}&points=100"))["gaps"]
    return gaps


@fault("F18", expected="one gap `suspended` without a mean, no burst", quick=0, full=20)
def the_machine_sleeps(lab: Lab) -> str:
    """The machine is suspended for seconds to days (simulated clocks)."""
    for number in range(lab.repetitions):
        slept = (3600, 60, 17, 86_400, 3)[number % 5]

        async def sleep(service: Running, slept: int = slept) -> None:
            service.clock.suspend(slept)
            await service.clock.advance(30)
            gaps = await _gaps(service, START, int(service.clock.now().wall))
            causes = [(gap["cause"], gap["cpu"]) for gap in gaps]
            wanted = [[("suspended", None)]] + ([[]] if slept < 10 else [])
            lab.expect(that=causes in wanted, otherwise=f"after {slept} s gaps are {causes}")

        asyncio.run(_in_simulated_time(lab, sleep))
    return "one gap each" if not lab.findings else "see verdict"


@fault("F19", expected="one gap `rebooted` without a mean; no spike, no negative", quick=0, full=10)
def the_machine_is_rebooted(lab: Lab) -> str:
    """Another boot id, and counters that begin anew (simulated)."""
    for number in range(lab.repetitions):

        async def reboot(service: Running, away: int = 60 + 97 * number) -> None:
            await (service.crash() if away % 2 else service.stop())
            service.clock.pass_unnoticed(away)
            service.kernel = FakeKernel(service.clock, boot_id="boot-2")
            await service.start()
            await service.clock.advance(30)
            gaps = await _gaps(service, START, int(service.clock.now().wall))
            causes = [(gap["cause"], gap["cpu"]) for gap in gaps]
            lab.expect(that=causes == [("rebooted", None)], otherwise=f"gaps are {causes}")

        asyncio.run(_in_simulated_time(lab, reboot))
    return "one gap each, 25 % stays 25 %" if not lab.findings else "see verdict"


@fault(
    "F15", expected="nothing recorded before is lost; the step is kept; a year before 2000 is refused", quick=0, full=12
)
def the_clock_is_set(lab: Lab) -> str:
    """The wall clock is set by ±3 s, ±1 h, +1 year, or to 1970, and half of the times back again (simulated)."""
    for number in range(lab.repetitions):
        name = list(STEPS)[number % len(STEPS)]
        is_undone = number >= len(STEPS)
        found = len(lab.findings)
        asyncio.run(_set_clock(lab, STEPS[name], is_undone=is_undone))
        lab.findings[found:] = [f"{name}{' and back' * is_undone}: {what}" for what in lab.findings[found:]]
    return ", ".join(STEPS)


async def _set_clock(lab: Lab, by: int, *, is_undone: bool) -> None:
    async def step(service: Running) -> None:
        before = by_time(await service.json(f"api/history?from={START}&to={START + 180}&step=5"))
        service.clock.step(by)
        await service.clock.advance(70)
        early = [tick.sample.time for tick in await service.history.reader.ticks_after(-10, 946_684_800)]
        lab.expect(that=not early, otherwise=f"{len(early)} samples of the years before 2000 are kept")
        if is_undone:
            service.clock.step(-by)
            await service.clock.advance(70)
        after = by_time(await service.json(f"api/history?from={START}&to={START + 180}&step=5"))
        is_there = before.keys() <= after.keys() or by < 0
        lab.expect(that=is_there, otherwise=f"{len(before.keys() - after.keys())} samples are not served any more")
        steps = await service.history.reader.clock_steps(0, START + 2 * YEAR)
        told = [round(step.by_ms / 1000) for step in steps]
        lab.expect(that=by in told or by < -YEAR, otherwise=f"kept steps: {told}")

    await _in_simulated_time(lab, step)


@fault("F15", expected="minutes and gaps exact whatever the clock says", quick=1, full=400)
def the_clock_is_set_back_while_the_service_is_down(lab: Lab) -> str:
    """Runs with holes, each begun by a clock that may be minutes behind the newest sample (simulated)."""
    for _ in range(lab.repetitions):
        asyncio.run(_runs_with_a_clock_set_back(lab, lab.folder() / "a.db"))
    return f"{4 * lab.repetitions} starts, {len(lab.findings)} findings"


async def _runs_with_a_clock_set_back(lab: Lab, path: Path) -> None:
    now = START
    for _ in range(4):
        async with open_history(path, now) as store:
            run = await store.runs.start("boot-1", now, STEP, "1.0.0")
            times = [store.writer.newest.time if store.writer.newest else START]
            for _ in range(lab.chance.randrange(1, 25)):
                times.append(times[-1] + STEP * lab.chance.choice((1, 1, 1, 2, 9, 30)))
                await store.writer.add([Measured(sample=sample(times[-1], run=run.id), cause=Cause.CRASHED)])
        now = lab.chance.choice(times[-2:]) + STEP
        async with open_history(path, now):
            pass
        lab.expect_clean(path)


@fault("F15", expected="no traceback, gaps say clock, the stream gets on, database exact", quick=0, full=6)
def the_clock_of_the_process_is_set(lab: Lab) -> str:
    """The same in a process in real time, whose clock reads what a file says: there for 5 s, and back."""
    offset = lab.folder() / "offset"
    offset.write_text("0")
    causes: set[str] = set()
    with victim(lab, lab.folder(), command=DOOR, FAULT_OFFSET=str(offset)) as service:
        for _, by in zip(range(lab.repetitions), STEPS.values(), strict=False):
            wait_for_samples(service, 2)
            _write_whole(offset, str(by if by > -YEAR else 60 - int(time.time())))
            time.sleep(5)
            _write_whole(offset, "0")
            time.sleep(4)
            causes |= {gap["cause"] for gap in history(service)["gaps"]}
            lab.expect(that=state(service) == "recording", otherwise=f"healthz says {state(service)!r}")
    lab.expect(that=causes <= {"clock"}, otherwise=f"gaps say {causes}")
    return f"gaps say {', '.join(sorted(causes))}"


def _write_whole(path: Path, text: str) -> None:
    """No reader sees half of it."""
    half = path.with_suffix(".half")
    half.write_text(text)
    half.replace(path)


REAL = Path("/proc/stat")


def _cut(stat: bytes) -> bytes:
    return stat[: len(stat) // 40]


def _empty(_: bytes) -> bytes:
    return b""


def _garbage(_: bytes) -> bytes:
    return b"\xff\xfe\x00cpu cpu0 \xf0\x9f" * 40


def _words(stat: bytes) -> bytes:
    return stat.replace(b"0", b"x")


def _huge(stat: bytes) -> bytes:
    return stat.replace(b" 0 ", b" 99999999999999999999999 ")


def _negative(stat: bytes) -> bytes:
    return stat.replace(b" ", b" -")


def _few_fields(stat: bytes) -> bytes:
    return b"\n".join(b" ".join(line.split()[:3]) for line in stat.splitlines())


def _no_cpu(stat: bytes) -> bytes:
    return b"\n".join(line for line in stat.splitlines() if not line.startswith(b"cpu"))


def _one_cpu_less(stat: bytes) -> bytes:
    return b"\n".join(line for line in stat.splitlines() if not line.startswith(b"cpu1"))


def _from_zero(stat: bytes) -> bytes:
    lines = stat.splitlines()
    return b"\n".join(b" ".join([line.split()[0], *[b"1"] * 10]) if line.startswith(b"cpu") else line for line in lines)


def _nan(stat: bytes) -> bytes:
    return stat.replace(b" 0 ", b" nan ").replace(b"1", b"inf")


SCRAMBLES: tuple[Callable[[bytes], bytes], ...] = (
    _cut,
    _empty,
    _garbage,
    _words,
    _few_fields,
    _no_cpu,
    _from_zero,
    _one_cpu_less,
    _negative,
    _nan,
    _huge,
)


class Feeder(threading.Thread):
    """Keeps a file like the real /proc/stat, or what the fault makes of it."""

    def __init__(self, target: Path, source: Path) -> None:
        super().__init__(daemon=True)
        self.scramble: Callable[[bytes], bytes] | None = None
        self._target, self._source = target, source
        self._ended = threading.Event()
        self.feed()

    def feed(self) -> None:
        """Once."""
        stat = self._source.read_bytes()
        made = self.scramble(stat) if self.scramble else stat
        write_in_place(self._target, made)

    def run(self) -> None:
        while not self._ended.wait(0.1):
            self.feed()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()


@fault("F22", expected="a gap `unreadable` each, or sound values; one log line a change; no spike", quick=0, full=3)
def proc_stat_is_garbage(lab: Lab) -> str:
    """/proc/stat is empty, cut, garbage, huge, negative, starts anew, lacks a CPU (a folder stands for /proc)."""
    proc = lab.folder()
    for name in ("loadavg", "uptime"):
        shutil.copy(Path("/proc") / name, proc)
    with (
        Feeder(proc / "stat", REAL) as feeder,
        victim(lab, lab.folder(), command=DOOR, FAULT_PROCFS=str(proc)) as service,
    ):
        return _scramble(lab, service, feeder, SCRAMBLES * lab.repetitions)


def _scramble(lab: Lab, service: Service, feeder: Feeder, scrambles: tuple[Callable[[bytes], bytes], ...]) -> str:
    for scramble in scrambles:
        before = service.log.read_text()
        wait_for_samples(service, 2)
        feeder.scramble = scramble
        time.sleep(2.2)
        feeder.scramble = None
        name = scramble.__name__.strip("_").replace("_", " ")
        if service.process.poll() is not None:
            lab.findings.append(f"{name}: the service ended: {service.log.read_text().splitlines()[-1:]}")
            service.start()
        wait_for_samples(service, 2)
        lines = service.log.read_text()[len(before) :].count("\n")
        lab.expect(that=lines <= 4, otherwise=f"{name}: {lines} log lines")
    answer = history(service)
    values = by_time(answer).values()
    causes = {gap["cause"] for gap in answer["gaps"]}
    lab.expect(that=all(0 <= cpu <= SPIKE for cpu in values), otherwise=f"values up to {max(values)}")
    lab.expect(that=causes <= {"unreadable"}, otherwise=f"gaps say {causes}")
    wait_until(lambda: state(service) == "recording", "healthz does not say recording again")
    return f"{len(scrambles)} kinds; gaps say {', '.join(sorted(causes))}; values {min(values)} to {max(values)} %"


@fault("F22", expected="a gap `unreadable`, one log line each way, recording goes on", quick=0, full=4)
def proc_vanishes(lab: Lab) -> str:
    """All of /proc is covered by an empty file system under the running service for 5 s."""
    with victim(lab, lab.folder()) as service:
        for _ in range(lab.repetitions):
            wait_for_samples(service, 2)
            with _covered():
                wait_until(lambda: state(service).startswith("degraded: the CPU counters"), "not degraded")
                time.sleep(5)
            wait_until(lambda: state(service) == "recording", "healthz does not say recording again")
            wait_for_samples(service, 2)
        causes = [gap["cause"] for gap in history(service)["gaps"]]
        lab.expect(that=causes == ["unreadable"] * lab.repetitions, otherwise=f"gaps say {causes}")
        lines = service.log.read_text().count("\n")
        lab.expect(that=lines <= 2 + 2 * lab.repetitions, otherwise=f"{lines} log lines")
    return f"{len(causes)} gaps `unreadable`"


@contextmanager
def _covered() -> Iterator[None]:
    with ExitStack() as stack:
        mount(stack, "-t", "tmpfs", "tmpfs", "/proc")
        yield
