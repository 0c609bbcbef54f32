"""Counters that lie, hang or vanish under the real service: what it records then, and what it says. Real time."""

import math
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cpusensor.check.command import main as check
from tests.faults.victim import Listener, ask, by_time, history, state
from tests.procfs import COLUMNS, ProcStat, bound, can_hang, hung, namespace, server_over
from tests.service import Service
from tests.waiting import get_json, newest_id, wait_for_samples, wait_until, wait_until_clock

# Only root may bind a file over /proc/stat, and `make test` has to do without root.
pytestmark = pytest.mark.skipif(not namespace(), reason="mounts of its own (unshare) are not allowed here")

USE = (20.0, 40.0, 60.0, 80.0)
"""Of each CPU in percent, as `ProcStat` has it."""

MEAN = 50.0
OLD_COLUMNS = {4: {"irq", "iowait", "steal"}, 7: {"steal"}}
"""What is not counted, by the number of columns that there are."""

IMPOSSIBLE = 8e18
BLIND = "nothing is recorded: "


class Watched(NamedTuple):
    """A service, and the counters that it reads."""

    service: Service
    stat: ProcStat


def start(stack: ExitStack, folder: Path, *, cpus: int = 4, columns: int = len(COLUMNS)) -> Watched:
    """A service over counters of its own."""
    folder.mkdir(exist_ok=True)
    stat = stack.enter_context(ProcStat(folder / "stat", cpus=cpus, columns=columns))
    return Watched(stack.enter_context(Service(folder, command=server_over(stat.file))), stat)


@pytest.fixture(scope="module")
def old_kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Service]]:
    """Services whose counters have fewer columns, by their number."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("old")
        yield {columns: start(stack, folder / str(columns), columns=columns).service for columns in OLD_COLUMNS}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The service that most faults are shown to, one after the other; in the end it has recorded no nonsense."""
    with ExitStack() as stack:
        watched = start(stack, tmp_path_factory.mktemp("shared"))
        yield watched
        assert watched.service.terminate() == 0
        assert "Traceback" not in watched.service.log.read_text()
        assert check([str(watched.service.database)]) == 0


@pytest.fixture
def watched(shared: Watched) -> Watched:
    """The shared one, which records as if nothing had ever happened."""
    shared.stat.go_on()
    wait_until(lambda: state(shared.service) == "recording", "it does not record")
    wait_for_samples(shared.service, 2)
    return shared


def since(service: Service, time_: int, series: str = "modes") -> Any:  # noqa: ANN401 - JSON
    """The history after a time."""
    return history(service, f"from={time_}&to={int(time.time()) + 1}&step=1&series={series}")


def wait_until_degraded(service: Service, words: str) -> str:
    """What it then says."""
    wait_until(lambda: words in state(service), f"/healthz does not say {words!r}")
    return state(service)


def wait_between_ticks() -> None:
    """Return in the middle of an interval: what happens now belongs to this one alone."""
    wait_until_clock(math.floor(time.time()) + 1.5)


def open_gaps(answer: Any) -> list[tuple[int, str]]:  # noqa: ANN401 - JSON
    return [(gap["from"], gap["cause"]) for gap in answer["gaps"] if gap["to"] is None]


def closed_gaps(answer: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Their causes, but for the stalls that a busy machine brings about."""
    return [gap["cause"] for gap in answer["gaps"] if gap["to"] is not None and gap["cause"] != "stalled"]


def test_an_old_kernel_is_watched(old_kernels: dict[int, Service]) -> None:
    """Here it begins, so that a minute of it has passed by the end of these tests."""
    assert [state(service) for service in old_kernels.values()] == ["recording"] * 2


@pytest.mark.parametrize("fault", ["zeros", "still"])
def test_counters_that_are_all_zero_or_stand_still_are_told_everywhere(watched: Watched, fault: str) -> None:
    service, stat = watched
    listener, logged = Listener(service), len(service.log.read_text())
    if fault == "zeros":
        stat.pretend(*range(len(USE)), **dict.fromkeys(COLUMNS, 0))
    else:
        stat.stand_still()
    said = wait_until_degraded(service, BLIND)
    last = newest_id(service)
    wait_until(lambda: bool(listener.states), "no state event")
    now, gap = get_json(service, "api/now"), open_gaps(since(service, last - 1))
    stat.go_on()
    wait_until(lambda: state(service) == "recording", "it does not recover")
    wait_for_samples(service, 2)
    after = since(service, last)

    assert said.startswith("degraded: " + BLIND + "the CPU counters")
    assert (now["time"], now["state"]) == (last, said)
    assert now["age"] >= 3
    assert gap == [(last, "unreadable")]
    assert (open_gaps(after), closed_gaps(after)) == ([], ["unreadable"])
    assert set(by_time(after).values()) == {MEAN}
    wait_until(lambda: "recording" in listener.states, "no state event")
    assert (listener.states[0], listener.states.count("recording")) == (said, 1)
    assert service.log.read_text()[logged:].count(BLIND) == 1
    assert service.log.read_text()[logged:].count("samples are recorded again") == 1


def test_where_no_counter_ever_moved_there_is_a_reason_in_the_place_of_a_sample(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stat = stack.enter_context(ProcStat(tmp_path / "stat"))
        stat.pretend(*range(len(USE)), **dict.fromkeys(COLUMNS, 0))
        service = stack.enter_context(Service(tmp_path, command=server_over(stat.file)))
        said = wait_until_degraded(service, BLIND)
        status, text = ask(service, "api/now")
        (gap,) = history(service)["gaps"]
        stat.go_on()
        wait_until(lambda: newest_id(service) > 0, "no first sample")

        assert (status, said in text) == (404, True)
        assert (gap["to"], gap["cause"]) == (None, "unreadable")
        wait_until(lambda: state(service) == "recording", "it does not recover")
        assert set(by_time(history(service)).values()) == {MEAN}


def test_steal_that_leaps_by_billions_is_unknown_and_spoils_nothing_else(watched: Watched) -> None:
    service, stat = watched
    stat.rate(user=1, idle=4, steal=1e8)
    wait_between_ticks()
    begin = wait_for_samples(service, 1)
    wait_for_samples(service, 3)
    answer = since(service, begin)

    assert set(by_time(answer).values()) == {20.0}
    assert set(answer["modes"]["steal"]) == {None}
    assert (open_gaps(answer), closed_gaps(answer), state(service)) == ([], [], "recording")


def test_an_idle_that_stands_still_beside_some_work_is_no_full_load(watched: Watched) -> None:
    service, stat = watched
    wait_between_ticks()
    stat.rate(user=0.25)
    said = wait_until_degraded(service, BLIND)
    last = newest_id(service)
    gap = open_gaps(since(service, last - 1))

    assert "account for next to none of the time" in said
    assert gap == [(last, "unreadable")]
    assert max(by_time(since(service, last - 3)).values()) <= 60


def test_an_idle_that_falls_once_costs_that_interval_alone(watched: Watched) -> None:
    service, stat = watched
    stat.rate(user=1, idle=4)
    wait_between_ticks()
    begin = wait_for_samples(service, 1)
    wait_between_ticks()
    stat.leap(idle=-250)
    wait_for_samples(service, 4)
    answer = since(service, begin)

    assert set(by_time(answer).values()) == {20.0}
    assert closed_gaps(answer) == ["unreadable"]
    assert sum(gap["to"] - gap["from"] for gap in answer["gaps"]) <= 2


def test_idle_and_iowait_that_change_places_are_no_work(watched: Watched) -> None:
    service, stat = watched
    stat.rate(user=1, idle=4)
    wait_between_ticks()
    begin = wait_for_samples(service, 1)
    for ticks in (40, -40, 200, -200):
        wait_between_ticks()
        stat.leap(idle=-ticks, iowait=ticks)
    wait_for_samples(service, 2)
    answer = since(service, begin)

    assert set(by_time(answer).values()) == {20.0}
    assert len(by_time(answer)) >= 4
    assert answer["gaps"] == []


def test_a_cpu_with_impossible_counters_is_left_out_and_named(watched: Watched) -> None:
    service, stat = watched
    logged = len(service.log.read_text())
    stat.pretend(1, idle=IMPOSSIBLE)
    said = wait_until_degraded(service, "left out")
    begin = newest_id(service)
    wait_for_samples(service, 2)
    answer = since(service, begin, "cores")
    stat.go_on()
    wait_until(lambda: state(service) == "recording", "it does not recover")

    assert said == "degraded: left out, for their counters make no sense: CPU 1"
    assert answer["cpus"] == [0, 2, 3]
    assert [set(row) - {None} for row in answer["cores"]] == [{20.0}, {60.0}, {80.0}]
    assert set(by_time(answer).values()) == {53.33}
    assert answer["gaps"] == []
    assert service.log.read_text()[logged:].count("left out") == 1


def test_a_cpu_that_goes_offline_and_comes_back_takes_no_other_s_row(watched: Watched) -> None:
    service, stat = watched
    stat.plug(0, 1, 3)
    wait_between_ticks()
    begin = wait_for_samples(service, 2)
    wait_for_samples(service, 2)
    without = since(service, begin, "cores")
    stat.go_on()
    wait_between_ticks()
    again = wait_for_samples(service, 2)
    wait_for_samples(service, 1)
    whole = since(service, again, "cores")

    assert without["cpus"] == [0, 1, 3]
    assert [set(row) - {None} for row in without["cores"]] == [{20.0}, {40.0}, {80.0}]
    assert whole["cpus"] == [0, 1, 2, 3]
    assert [set(row) - {None} for row in whole["cores"]] == [{use} for use in USE]
    assert since(service, begin)["gaps"] == []


@pytest.mark.parametrize(("online", "cpu"), [((0, 1), 30.0), ((0, 3), None)])
def test_a_cpu_that_was_swapped_while_the_service_was_off_leaves_the_gap_without_a_mean(
    tmp_path: Path, online: tuple[int, ...], cpu: float | None
) -> None:
    with ExitStack() as stack:
        stat = stack.enter_context(ProcStat(tmp_path / "stat"))
        stat.plug(0, 1)
        service = stack.enter_context(Service(tmp_path, command=server_over(stat.file)))
        wait_until(lambda: newest_id(service) > 0, "no first sample")
        service.terminate()
        # From the file: by the time that the service answers again there may be newer ones.
        with closing(sqlite3.connect(service.database)) as connection:
            ((last,),) = connection.execute("SELECT max(time) FROM sample")
        stat.plug(*online)
        wait_until_clock(time.time() + 2)
        service.start()
        wait_for_samples(service, 1)
        (gap,) = since(service, last)["gaps"]

    assert (gap["from"], gap["cause"], gap["cpu"]) == (last, "stopped", cpu)
    assert check([str(service.database)]) == 0


@pytest.mark.parametrize("fault", ["pipe", "pipe held open", "file system that hangs"])
def test_a_reading_that_never_ends_is_told_and_holds_up_neither_answer_nor_end(tmp_path: Path, fault: str) -> None:
    if fault == "file system that hangs" and not can_hang():
        # Sandboxes often hide /dev/fuse; the two pipes show the same rule without it.
        pytest.skip("file systems of our own (/dev/fuse) are not allowed here")
    with ExitStack() as stack:
        service, _ = start(stack, tmp_path)
        wait_until(lambda: newest_id(service) > 0, "no first sample")
        with cover(service, tmp_path, fault):
            said = wait_until_degraded(service, "degraded: the CPU counters cannot be read")
            wait_until(lambda: bool(open_gaps(history(service))), "no open gap")
            last, gap = newest_id(service), open_gaps(history(service))
            status = service.terminate()
        service.start()
        wait_until(lambda: newest_id(service) > last, "no sample after it")
        (closed,) = since(service, last)["gaps"]

    assert "\n" not in said
    assert (status, gap) == (0, [(last, "unreadable")])
    assert (closed["from"], closed["cause"]) == (last, "stopped")
    assert service.log.read_text().count("cannot be read") == 1
    assert "Traceback" not in service.log.read_text()
    assert check([str(service.database)]) == 0


@contextmanager
def cover(service: Service, folder: Path, fault: str) -> Iterator[None]:
    """Inside the block a reading gets no answer."""
    with ExitStack() as stack:
        if fault == "file system that hangs":
            stack.enter_context(hung(service))
        else:
            os.mkfifo(folder / "pipe")
            stack.enter_context(bound(service, folder / "pipe"))
        if fault == "pipe held open":
            stack.callback(os.close, os.open(folder / "pipe", os.O_RDWR))
        yield


@pytest.mark.parametrize("columns", OLD_COLUMNS)
def test_kinds_that_an_old_kernel_does_not_count_are_null_and_the_rest_is_recorded(
    old_kernels: dict[int, Service], columns: int
) -> None:
    service = old_kernels[columns]
    wait_until(lambda: any(minutes(service)["count"]), "no minute")
    answer, minute = history(service, "range=1h&step=1&series=modes"), minutes(service)

    for figures in (answer, minute):
        modes = {name: set(row) - {None} for name, row in figures["modes"].items()}
        assert set(by_time(figures).values()) == {MEAN}
        assert {name for name, known in modes.items() if not known} == OLD_COLUMNS[columns]
    assert (open_gaps(answer), closed_gaps(answer), state(service)) == ([], [], "recording")


def minutes(service: Service) -> Any:  # noqa: ANN401 - JSON
    """Those that are over."""
    return history(service, "range=1h&step=60&series=modes")
