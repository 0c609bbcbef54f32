"""The accounts of the machine that this runs on, with real processes that do what they are told."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cpusensor.kernel.accounts import SystemAccounts
from cpusensor.kernel.clock import SystemClock, cpu_us_of
from cpusensor.kernel.mounts import Scope
from cpusensor.model.accounts import Process, Sight
from cpusensor.model.attribution import START_STEP_S
from cpusensor.model.blame import Blame, Share
from cpusensor.store.baselines import pack_accounts, unpack_accounts
from tests.obeying import OBEYING, Obeying, Watch, obeying
from tests.waiting import wait_until

# Elsewhere psutil tells who runs; what is tested here is /proc and /sys.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the accounts of Linux")

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")


def of(blame: Blame, pid: int) -> list[Share]:
    return [one for one in blame.processes if one.pid == pid]


def spent(blame: Blame, pid: int) -> float:
    """Seconds."""
    return sum(one.cpu_us for one in of(blame, pid)) / 1e6


def own_s(pid: int) -> float:
    """What the process's own clock says."""
    return cpu_us_of([pid])[pid] / 1e6


# Containers often have no control groups mounted but their own, and nothing can be charged to those of others.
needs_units = pytest.mark.skipif(
    SystemAccounts(Scope.MACHINE, with_processes=False).sight is not Sight.CLEAR,
    reason="the control groups of this machine cannot be seen",
)


def test_a_process_is_charged_what_it_used_and_only_once(watch: Watch) -> None:
    with obeying() as one:
        watch.begin()
        before = own_s(one.pid)
        one.do("burn 0.1")
        first = watch.blame()
        one.do("burn 0.05")
        second = watch.blame()

        assert spent(first, one.pid) + spent(second, one.pid) == pytest.approx(own_s(one.pid) - before, abs=1e-3)
        assert 0.05 <= spent(second, one.pid) < 0.1
        assert of(second, one.pid)[0].name.startswith("python")


def test_one_that_is_older_than_the_recorder_is_charged_what_it_used_since(watch: Watch) -> None:
    with obeying() as one:
        one.do("burn 0.2")
        watch.begin()
        one.do("burn 0.02")

        assert 0.02 <= spent(watch.blame(), one.pid) < 0.1


def test_one_that_began_since_is_charged_all_of_it(watch: Watch) -> None:
    with obeying() as one:
        one.do("burn 0.1")

        assert spent(watch.blame(), one.pid) == pytest.approx(own_s(one.pid), abs=1e-3)


def test_threads_count_for_their_process_after_their_end_too(watch: Watch) -> None:
    with obeying() as one:
        one.do("thread 0.1")

        assert spent(watch.blame(), one.pid) >= 0.1


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (b"x) R 1 (y", "x) R 1 (y"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a\nid: 9", "a\ufffdid: 9"),
        (b"<img/src onerro", "<img/src onerro"),
        (b"", "?"),
    ],
)
def test_a_process_may_be_called_anything(watch: Watch, given: bytes, shown: str) -> None:
    with obeying() as one:
        one.do(f"name {given.hex()}")
        one.do("burn 0.02")

        assert [share.name for share in of(watch.blame(), one.pid)] == [shown]


def test_from_exec_on_its_time_has_the_new_name(watch: Watch) -> None:
    with obeying() as one:
        one.do("burn 0.05")
        (before,) = of(watch.blame(), one.pid)
        one.do("become /bin/sh")
        (after,) = of(watch.blame(), one.pid)

    assert before.name.startswith("python")
    assert after.name == "sh"
    assert after.started == before.started


@needs_units
def test_a_child_that_came_and_went_is_in_exited_and_its_parent_is_charged_nothing_of_it(watch: Watch) -> None:
    with obeying() as one:
        watch.begin()
        one.do("child 0.2")
        blame = watch.blame()

    assert blame.exited_us >= 200_000
    assert spent(blame, one.pid) < 0.1


def test_one_that_nobody_has_waited_for_is_charged_what_it_used(watch: Watch) -> None:
    with obeying() as one:
        one.do("zombie 0.1")
        zombie = next(pid for pid in _children(one.pid))

        assert spent(watch.blame(), zombie) >= 0.1
        assert spent(watch.blame(), zombie) == 0


def test_an_orphan_is_charged_on_as_before(watch: Watch) -> None:
    with obeying() as one:
        orphan = int(one.do("orphan 0.1"))
        try:
            first = watch.blame()
            wait_until(lambda: not _is_child(orphan, one.pid), "its parent lives")

            assert spent(first, orphan) >= 0.1
            assert spent(watch.blame(), orphan) < 0.05
        finally:
            os.kill(orphan, 9)


@pytest.mark.skipif(not os.access(LAST_PID, os.W_OK) or os.geteuid() != 0, reason="only root chooses pids")
def test_a_pid_that_is_another_s_by_now_is_another_process(watch: Watch) -> None:
    with obeying() as one:
        one.do("burn 0.2")
        pid = one.pid
        watch.blame()
    taken = _start_as(pid)
    with taken:
        again = Obeying(taken)
        again.answer()
        again.do("burn 0.02")
        blame = watch.blame()
        taken.kill()

    assert spent(blame, pid) == pytest.approx(0.02, abs=0.15)
    assert spent(blame, pid) >= 0.02


@needs_units
def test_units_and_processes_add_up_to_the_same(watch: Watch) -> None:
    with obeying() as one:
        watch.begin()
        one.do("burn 0.3")
        one.do("child 0.2")
        blame = watch.blame()

    by_unit = sum(share.cpu_us for share in blame.units)
    by_process = sum(share.cpu_us for share in blame.processes) + blame.exited_us + blame.other_us_by_process
    # The processes are read after the groups, and run meanwhile.
    assert by_process == pytest.approx(by_unit, abs=100_000)
    assert by_unit >= 500_000


def test_what_sleeps_is_the_same_record_and_is_not_looked_at(watch: Watch) -> None:
    with obeying() as one:
        one.do("burn 0.02")
        watch.blame()
        # What it does between its answer and its sleep takes as long as others let it.
        wait_until(lambda: _read(watch, one.pid) is _read(watch, one.pid), "it does not sleep")


def test_who_lives_through_an_outage_is_known_by_what_was_kept_of_it(watch: Watch) -> None:
    with obeying() as one, obeying() as gone:
        one.do("burn 0.2")
        kept = pack_accounts(watch.reader.read(SystemClock().now().boottime))
        boottime = SystemClock().now().boottime
        gone.do("burn 0.05")
        before = own_s(one.pid)
        one.do("burn 0.1")
        with obeying() as new:
            new.do("burn 0.05")
            again = Watch(unpack_accounts(kept, boottime, watch.reader.place))
            blame = again.blame()
            again.reader.close()

            assert spent(blame, one.pid) == pytest.approx(own_s(one.pid) - before, abs=0.02)
            assert of(blame, one.pid)[0].name.startswith("python")
            assert spent(blame, new.pid) == pytest.approx(own_s(new.pid), abs=1e-3)


@pytest.mark.skipif(not os.access(LAST_PID, os.W_OK) or os.geteuid() != 0, reason="only root chooses pids")
def test_a_pid_that_is_another_s_after_an_outage_is_another_process(watch: Watch) -> None:
    with obeying() as one:
        one.do("burn 0.2")
        pid, boottime = one.pid, SystemClock().now().boottime
        kept = pack_accounts(watch.reader.read(boottime))
    # When a process began is told in steps of 10 ms, rounded down.
    wait_until(lambda: SystemClock().now().boottime > boottime + 2 * START_STEP_S, "no time passes")
    with _start_as(pid) as taken:
        again = Obeying(taken)
        again.answer()
        again.do("burn 0.3")
        later = Watch(unpack_accounts(kept, boottime, watch.reader.place))
        blame = later.blame()
        later.reader.close()
        own = own_s(pid)
        taken.kill()

    assert spent(blame, pid) == pytest.approx(own, abs=1e-3)


def test_accounts_of_another_view_are_not_gone_on_from(watch: Watch) -> None:
    found = watch.reader.read(0.0)

    assert not watch.reader.resume(replace(found, place="elsewhere"))
    assert not watch.reader.resume(replace(found, processes=None))
    assert watch.reader.resume(found)


def test_nothing_but_names_is_opened_of_other_processes(watch: Watch) -> None:
    opened: list[str] = []
    is_watching = [True]
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if is_watching[0] and event == "open" else None)
    with obeying() as one:
        one.do("burn 0.02")
        watch.blame()
    is_watching[0] = False

    files = {Path(path).name for path in opened if path.startswith("/proc/")}
    assert files - {"stat", "cgroup", "ns_last_pid"} == set()


def test_in_a_container_the_counters_are_the_host_s_and_so_nothing_else_is_named(tmp_path: Path) -> None:
    proc = tmp_path / "proc" / "1"
    proc.mkdir(parents=True)

    assert SystemAccounts(Scope.HOST, with_processes=True, root=tmp_path).sight is Sight.BLIND


def test_where_others_processes_are_hidden_only_units_are_read(tmp_path: Path) -> None:
    (tmp_path / "proc" / "self").mkdir(parents=True)

    assert SystemAccounts(Scope.MACHINE, with_processes=True, root=tmp_path).sight is Sight.BLIND


def _read(watch: Watch, pid: int) -> Process:
    return (watch.reader.read(0.0).processes or {})[pid]


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_child(pid: int, parent: int) -> bool:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]) == parent


def _start_as(pid: int) -> "subprocess.Popen[str]":
    """Start one with that pid, however many others start at the same time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError):
            LAST_PID.write_text(str(pid - 1))
        process = subprocess.Popen([sys.executable, "-c", OBEYING], stdin=-1, stdout=-1, text=True)
        if process.pid == pid:
            return process
        process.kill()
        process.communicate()
    raise TimeoutError(f"pid {pid} was always another's")
