"""Faults of what is counted: counters that lie, hang, vanish or are swapped, and clocks that a boot begins with."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from tests.fakes import START, FakeClock, FakeKernel
from tests.faults.harness import Lab, NotRunError, fault
from tests.faults.victim import by_time, history, missing, state, victim
from tests.procfs import COLUMNS, ProcStat, can_hang, hung, namespace, server_over
from tests.running import Running
from tests.service import Service
from tests.waiting import newest_id, wait_for_samples, wait_until, wait_until_clock

STEP = 5
DAY = 86_400
YEAR = 365 * DAY
MEAN = 50.0
"""CPU % of the four CPUs of `ProcStat`."""

BLIND = "degraded: nothing is recorded"
UNREADABLE = "degraded: the CPU counters cannot be read"
TELLING_S = 5
"""Three ticks of a second, and what a busy machine may add."""

NOT_COUNTED = {4: {"irq", "iowait", "steal"}, 5: {"irq", "steal"}, 6: {"steal"}, 7: {"steal"}}
"""By the number of columns that there are."""


@contextmanager
def _watching(lab: Lab, *, cpus: int = 4, columns: int = len(COLUMNS)) -> Iterator[tuple[Service, ProcStat]]:
    """A service that has recorded its first sample, and the counters that it reads."""
    if not namespace():
        raise NotRunError("no mounts of its own (unshare); needs root")
    folder = lab.folder()
    with (
        ProcStat(folder / "stat", cpus=cpus, columns=columns) as stat,
        victim(lab, folder, command=server_over(stat.file)) as service,
    ):
        wait_until(lambda: newest_id(service) > 0, "no first sample")
        yield service, stat


def _since(service: Service, begin: int, series: str = "modes") -> Any:  # noqa: ANN401 - JSON
    return history(service, f"from={begin}&to={int(time.time()) + 1}&step=1&series={series}")


def _expect_told(lab: Lab, service: Service, words: str, begin: Callable[[], object], end: Callable[[], None]) -> float:
    """It must be told, once in the log, and leave one gap and no figure; after how many seconds it was told."""
    wait_for_samples(service, 2)
    logged, began = len(service.log.read_text()), time.monotonic()
    begin()
    wait_until(lambda: state(service).startswith(words), f"/healthz does not say {words!r}")
    took_s = time.monotonic() - began
    wait_until(lambda: _causes(service, is_open=True) == ["unreadable"], "no open gap")
    last = newest_id(service)
    end()
    wait_until(lambda: state(service) == "recording", "healthz does not say recording again")
    wait_for_samples(service, 2)
    after = _since(service, last)
    causes, (first, *values) = [gap["cause"] for gap in after["gaps"]], by_time(after).values()
    lab.expect(that=causes == ["unreadable"], otherwise=f"gaps say {causes}")
    # The fault may have ended within the first one's interval.
    lab.expect(that=set(values) == {MEAN} and 0 <= first <= 60, otherwise=f"values afterwards {first}, {values}")
    told = service.log.read_text()[logged:].count("ERROR")
    lab.expect(that=told == 1, otherwise=f"told {told} times in the log")
    lab.expect(that=took_s <= TELLING_S or lab.is_quick, otherwise=f"told after {took_s:.1f} s")
    return took_s


def _causes(service: Service, *, is_open: bool) -> list[str]:
    return [gap["cause"] for gap in history(service)["gaps"] if (gap["to"] is None) is is_open]


def _told_each_time(lab: Lab, words: str, begin: Callable[[ProcStat], None]) -> str:
    with _watching(lab) as (service, stat):
        took = [_expect_told(lab, service, words, lambda: begin(stat), stat.go_on) for _ in range(lab.repetitions)]
    return f"told after {max(took):.1f} s at most"


@fault("F32", expected="degraded after the third tick, one log line, a gap `unreadable`, no figure", quick=0, full=3)
def every_counter_is_zero(lab: Lab) -> str:
    """Every counter of /proc/stat is 0, as in some sandboxes."""
    return _told_each_time(lab, BLIND, lambda stat: stat.pretend(*range(4), **dict.fromkeys(COLUMNS, 0)))


@fault("F33", expected="degraded after the third tick, one log line, a gap `unreadable`, no figure", quick=0, full=3)
def the_counters_stand_still(lab: Lab) -> str:
    """No counter of /proc/stat moves any more."""
    return _told_each_time(lab, BLIND, ProcStat.stand_still)


@fault("F34", expected="samples go on, steal null, CPU right, recording", quick=0, full=5)
def steal_leaps(lab: Lab) -> str:
    """The steal counter leaps by 10⁵ to 2·10⁹ ticks a second, as after a live migration."""
    samples = 0
    with _watching(lab) as (service, stat):
        for _ in range(lab.repetitions):
            stat.rate(user=1, idle=4, steal=10 ** lab.chance.uniform(4, 8))
            wait_for_samples(service, 1)
            begin = wait_for_samples(service, 1)
            wait_for_samples(service, 3)
            answer = _since(service, begin)
            samples += len(by_time(answer))
            values, steals = set(by_time(answer).values()), set(answer["modes"]["steal"]) - {None}
            lab.expect(that=values == {20.0}, otherwise=f"20 % is shown as {values}")
            lab.expect(that=not steals, otherwise=f"steal is shown as {steals}")
            lab.expect(that=state(service) == "recording", otherwise=f"healthz says {state(service)!r}")
    return f"{samples} samples of 20 %, steal null"


@fault("F35", expected="healthz answers and tells; one log line, a gap `unreadable`, then recording", quick=0, full=3)
def a_reading_hangs(lab: Lab) -> str:
    """A file system that never answers comes to lie over /proc/stat, as of an lxcfs that died, and goes."""
    if not can_hang():
        raise NotRunError("no file system of its own (/dev/fuse); needs root")
    with _watching(lab) as (service, _), ExitStack() as stack:
        took = [
            _expect_told(lab, service, UNREADABLE, lambda: stack.enter_context(hung(service)), stack.close)
            for _ in range(lab.repetitions)
        ]
    return f"told after {max(took):.1f} s at most"


@fault("F36", expected="degraded after the third tick, never full load; one fall costs one slot", quick=0, full=3)
def idle_is_stuck(lab: Lab) -> str:
    """Idle stands still while some work is counted; or it falls once, by 250 ticks."""
    told = _told_each_time(lab, BLIND, lambda stat: stat.rate(user=0.25))
    with _watching(lab) as (service, stat):
        stat.rate(user=1, idle=4)
        wait_for_samples(service, 1)
        begin = wait_for_samples(service, 1)
        for _ in range(lab.repetitions):
            stat.leap(idle=-250)
            wait_for_samples(service, 3)
        answer = _since(service, begin)
        values, lost = set(by_time(answer).values()), len(missing(answer))
        lab.expect(that=values == {20.0}, otherwise=f"20 % is shown as {values}")
        lab.expect(that=lost <= lab.repetitions or lab.is_quick, otherwise=f"{lost} slots are empty")
    return f"{told}; {lost} slots empty after {lab.repetitions} falls"


@fault(
    "F37", expected="the others recorded, it named once in the log and on /healthz, each row its CPU's", quick=0, full=4
)
def a_cpu_is_impossible(lab: Lab) -> str:
    """One of four CPUs has counted 10¹³ to 2⁶⁴ ticks."""
    with _watching(lab) as (service, stat):
        for number in range(lab.repetitions):
            cpu, logged = number % 4, len(service.log.read_text())
            others = [other for other in range(4) if other != cpu]
            stat.pretend(cpu, **{lab.chance.choice(COLUMNS): lab.chance.choice((1e13, 8e18, 2.0**63, 2.0**64))})
            wait_until(lambda one=cpu: state(service).endswith(f"make no sense: CPU {one}"), "it is not named")  # type: ignore[misc]
            begin = newest_id(service)
            wait_for_samples(service, 2)
            answer = _since(service, begin, "cores")
            uses = [set(row) - {None} for row in answer["cores"]]
            lab.expect(that=answer["cpus"] == others, otherwise=f"rows are of {answer['cpus']}")
            lab.expect(that=uses == [{20.0 * (other + 1)} for other in others], otherwise=f"rows hold {uses}")
            stat.go_on()
            wait_until(lambda: state(service) == "recording", "healthz does not say recording again")
            told = service.log.read_text()[logged:].count("ERROR")
            lab.expect(that=told == 1, otherwise=f"told {told} times in the log")
        lost = len(missing(history(service)))
        lab.expect(that=not lost or lab.is_quick, otherwise=f"{lost} samples missing")
    return f"named {lab.repetitions} times, {lost} samples missing"


@fault("F38", expected="20.0 % in every sample, no gap", quick=0, full=20)
def idle_and_iowait_change_places(lab: Lab) -> str:
    """Up to three intervals' idle is booked as iowait and taken back, at any moment, 20 % busy throughout."""
    with _watching(lab) as (service, stat):
        stat.rate(user=1, idle=4)
        wait_for_samples(service, 1)
        begin = wait_for_samples(service, 1)
        ticks = 0
        for number in range(lab.repetitions):
            ticks = lab.chance.randrange(1, 240) if number % 2 == 0 else -ticks
            stat.leap(idle=-ticks, iowait=ticks)
            time.sleep(lab.chance.uniform(0.3, 1.7))
        wait_for_samples(service, 1)
        answer = _since(service, begin)
        values = by_time(answer).values()
        lab.expect(that=set(values) == {20.0}, otherwise=f"20 % is shown as {set(values)}")
        lab.expect(that=not answer["gaps"] or lab.is_quick, otherwise=f"gaps {answer['gaps'][:2]}")
    return f"{len(values)} samples of 20.0 %"


@fault("F39", expected="what is not counted is null, the rest recorded, samples and minutes", quick=0, full=4)
def columns_are_missing(lab: Lab) -> str:
    """/proc/stat has 4, 5, 6 or 7 columns, as of old kernels and sandboxes."""
    with ExitStack() as stack:
        kinds = list(NOT_COUNTED)[: lab.repetitions]
        services = {columns: stack.enter_context(_watching(lab, columns=columns))[0] for columns in kinds}
        for columns, service in services.items():
            wait_until(lambda one=service: bool(by_time(_minutes(one))), "no minute")  # type: ignore[misc]
            for answer in (history(service, "range=1h&step=1&series=modes"), _minutes(service)):
                unknown = {name for name, row in answer["modes"].items() if not set(row) - {None}}
                values = set(by_time(answer).values())
                lab.expect(that=unknown == NOT_COUNTED[columns], otherwise=f"{columns} columns: null is {unknown}")
                lab.expect(that=values == {MEAN}, otherwise=f"{columns} columns: values {values}")
    return f"{len(kinds)} kinds"


def _minutes(service: Service) -> Any:  # noqa: ANN401 - JSON
    return history(service, "range=1h&step=60&series=modes")


@fault("F40", expected="no sample of before is overwritten, what was measured is placed, check clean", quick=2, full=60)
def the_clock_is_behind_after_a_power_loss(lab: Lab) -> str:
    """The power fails, and the next boot begins seconds to a day behind, or in 1970, until it is set (simulated)."""
    held = 0
    for number in range(lab.repetitions):
        behind = int(10 ** lab.chance.uniform(0, 4.93)) if number % 4 else START - 60
        found = len(lab.findings)
        held += asyncio.run(_boot_behind(lab, behind))
        lab.findings[found:] = [f"{behind} s behind: {what}" for what in lab.findings[found:]]
    return f"{lab.repetitions} boots, {held} samples of before kept, {len(lab.findings)} findings"


async def _boot_behind(lab: Lab, behind: int) -> int:
    clock = FakeClock()
    service = Running(lab.folder() / "cpusensor.db", clock)
    await service.start()
    try:
        await clock.advance(lab.chance.uniform(60, 1800))
        await service.crash()
        before = _rows(service)
        clock.pass_unnoticed(lab.chance.randrange(5, 900))
        began, waited = clock.wall(), lab.chance.uniform(20, 600)
        service.kernel = FakeKernel(clock, boot_id="boot-2")
        service.kernel.use(0.75)
        clock.step(-behind)
        await service.start()
        await clock.advance(waited)
        lab.expect(that=_rows(service)[: len(before)] == before, otherwise="what was recorded before changed")
        health = await (await service.get("healthz")).text()
        is_told = "the clock stands" in health or began + waited - behind >= before[-1][0]
        lab.expect(that=is_told, otherwise=f"healthz says {health.strip()!r}")
        clock.step(behind)
        await clock.advance(60)
        health = await (await service.get("healthz")).text()
        lab.expect(that=health.strip() == "recording", otherwise=f"once it is set, healthz says {health.strip()!r}")
    finally:
        await service.stop()
    after = _rows(service)
    lab.expect(that=after[: len(before)] == before, otherwise="what was recorded before is not what it was")
    # A clock that catches up with the history before it is set is believed then, and what it cannot place is lost.
    if began + waited - behind < before[-1][0]:
        wrong = sum(time_ < began for time_, *_ in after[len(before) :])
        lab.expect(that=not wrong, otherwise=f"{wrong} samples are placed before the boot")
        placed = len(after) - len(before)
        lab.expect(that=placed >= (waited + 60) / STEP - 5, otherwise=f"{placed} samples of the new boot")
    lab.expect_clean(service.database)
    return len(before)


def _rows(service: Running) -> list[tuple[int, ...]]:
    """All samples as they are stored, by time; the first column is it."""
    with closing(sqlite3.connect(service.database)) as connection:
        return connection.execute("SELECT time, * FROM sample ORDER BY time").fetchall()


@fault(
    "F41", expected="silent for an hour at most; nothing of the right years overwritten; check clean", quick=0, full=6
)
def the_clock_was_once_far_ahead(lab: Lab) -> str:
    """A clock that stood a day to 74 years ahead, in 2099, records, and is right at the next boots (simulated)."""
    for number in range(lab.repetitions):
        ahead = 74 * YEAR if number % 3 == 0 else lab.chance.randrange(DAY, 70 * YEAR)
        found = len(lab.findings)
        asyncio.run(_ahead_once(lab, ahead))
        lab.findings[found:] = [f"{ahead / DAY:.0f} days ahead: {what}" for what in lab.findings[found:]]
    return f"{lab.repetitions} times" if not lab.findings else "see verdict"


async def _ahead_once(lab: Lab, ahead: int) -> None:
    clock = FakeClock()
    service = Running(lab.folder() / "cpusensor.db", clock)
    await service.start()
    try:
        await clock.advance(123)
        await service.crash()
        before = _rows(service)
        clock.step(ahead)
        await _boot(service, "boot-2")
        await clock.advance(lab.chance.uniform(10, 200))
        await service.stop()
        clock.step(-ahead)
        began = clock.wall()
        await _boot(service, "boot-3")
        await clock.advance(3600 + 2 * STEP)
        await _expect_recording(lab, service)
        await service.crash()
        await _boot(service, "boot-4")
        await clock.advance(3 * STEP)
        await _expect_recording(lab, service)
    finally:
        await service.stop()
    rows = _rows(service)
    lab.expect(that=rows[: len(before)] == before, otherwise="what was recorded before is not what it was")
    recorded = sum(began < time_ < began + DAY / 2 for time_, *_ in rows)
    lab.expect(that=recorded >= 3600 // STEP - 5, otherwise=f"{recorded} samples of the hour")
    lab.expect_clean(service.database)


async def _boot(service: Running, boot_id: str) -> None:
    service.kernel = FakeKernel(service.clock, boot_id=boot_id)
    await service.start()


async def _expect_recording(lab: Lab, service: Running) -> None:
    now = await service.json("api/now")
    lab.expect(
        that=(now["age"] < 2 * STEP, now["state"]) == (True, "recording"), otherwise=f"{now['age']}, {now['state']}"
    )


@fault("F42", expected="the gap has no mean where a CPU was swapped, its own where none was", quick=0, full=4)
def a_cpu_is_swapped_while_the_service_is_off(lab: Lab) -> str:
    """Of CPUs 0 and 1 the second is another when the service is started again; or it is not."""
    means = []
    with _watching(lab) as (service, stat):
        for number in range(lab.repetitions):
            stat.plug(0, 1)
            wait_for_samples(service, 2)
            service.terminate() if number % 4 < 2 else service.kill()
            stat.plug(0, (3, 1)[number % 2])
            wait_until_clock(time.time() + 2)
            service.start()
            last = newest_id(service)
            wait_for_samples(service, 2)
            gaps = [(gap["cause"], gap["cpu"]) for gap in _since(service, last)["gaps"]]
            wanted = [("stopped" if number % 4 < 2 else "crashed", 30.0 if number % 2 else None)]
            lab.expect(that=gaps == wanted, otherwise=f"gaps {gaps} instead of {wanted}")
            means += [cpu for _, cpu in gaps]
    return f"means {means}"
