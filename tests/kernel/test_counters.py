"""The counters of the machine that the tests run on, and of systems that it is not."""

import contextlib
import os
import resource
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from cpusensor.kernel import counters as kernel
from cpusensor.kernel.counters import SystemKernel, UnreadableError, sees_host_from_container
from cpusensor.model.records import Moment
from cpusensor.model.usage import measure, was_reset

STAT = """cpu  {user} 0 100 8000 20 1 2 7 0 0
cpu0 {user} 0 100 8000 20 1 2 7 0 0
intr 1
ctxt 1
btime 1763900000
"""


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc of the test's own, to which psutil is pointed as it provides for."""
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    return tmp_path


def test_this_machine_s_counters_only_grow() -> None:
    kernel = SystemKernel()

    before, after = kernel.read(), kernel.read()

    assert before.cpus.keys() == after.cpus.keys()
    assert len(before.cpus) == psutil.cpu_count()
    assert not was_reset(before, after)


def test_the_counters_are_those_that_psutil_tells() -> None:
    before, told, after = (SystemKernel().read(), psutil.cpu_times(percpu=True), SystemKernel().read())

    for earlier, times, later in zip(before.cpus.values(), told, after.cpus.values(), strict=True):
        assert earlier.system <= round(100 * times.system) <= later.system
        assert earlier.user <= round(100 * (times.user + times.nice)) <= later.user


def test_this_process_knows_what_it_has_used() -> None:
    now = Moment(wall=0.0, monotonic=0.0, boottime=0.0)

    before, after = SystemKernel().cost(now), SystemKernel().cost(now)

    assert 0 < before.cpu_s <= after.cpu_s
    assert (after.memory or 0) > 10 << 20
    assert (before.written or 0) <= (after.written or 0)


@pytest.mark.usefixtures("proc")
def test_a_system_that_tells_nothing_of_this_process_leaves_it_unknown() -> None:
    cost = SystemKernel().cost(Moment(wall=0.0, monotonic=0.0, boottime=0.0))

    assert (cost.memory, cost.written) == (None, None)


def test_the_boot_has_one_name() -> None:
    assert SystemKernel().boot_id() == SystemKernel().boot_id() != ""


def test_proc_stat_is_read_in_ticks(proc: Path) -> None:
    (proc / "stat").write_text(STAT.format(user=1234))

    (cpu,) = SystemKernel().read().cpus.values()

    assert (cpu.user, cpu.system, cpu.irq, cpu.idle, cpu.iowait, cpu.steal) == (1234, 100, 3, 8000, 20, 7)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "garbage\n",
        "cpu0 1 2\n",
        "cpu0 a b c d e f g h i j\n",
        "cpu 1\ncpu0 -5 0 0 8000 0 0 0 0 0 0\n",
        "\xff\0",
    ],
)
def test_counters_that_make_no_sense_are_unreadable(proc: Path, content: str | None) -> None:
    if content is not None:
        (proc / "stat").write_text(content, encoding="latin-1")

    with pytest.raises(UnreadableError):
        SystemKernel().read()


def test_counters_that_no_machine_can_have_counted_are_unreadable(proc: Path) -> None:
    (proc / "stat").write_text("cpu 0 0 0 0 0 0 0 0 0 0\ncpu0 99999999999999999999 0 0 8000 0 0 0 0 0 0\n")

    with pytest.raises(UnreadableError, match="make no sense"):
        SystemKernel().read()


def take_all(taken: list[int]) -> None:
    """Open files until no more may be opened."""
    with contextlib.suppress(OSError):
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))


def test_descriptors_that_are_used_up_do_not_blind_it() -> None:
    kernel = SystemKernel()
    taken: list[int] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        take_all(taken)

        assert kernel.read().cpus
    finally:
        for number in taken:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_system_that_reports_neither_iowait_nor_steal_leaves_them_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    times = namedtuple("times", "user nice system idle")  # noqa: PYI024 - as psutil's own is on macOS
    monkeypatch.setattr(kernel, "IS_COUNTED_IN_PROC", False)
    monkeypatch.setattr(psutil, "cpu_times", lambda *, percpu: [times(1.5, 0.5, 1.0, 7.0)] if percpu else None)

    (cpu,) = SystemKernel().read().cpus.values()

    assert (cpu.user, cpu.system, cpu.irq, cpu.idle, cpu.iowait, cpu.steal) == (200, 100, 0, 700, None, None)


def test_a_cpu_that_is_unplugged_takes_its_number_along(proc: Path) -> None:
    kernel = SystemKernel()
    line = "cpu{n} {user} 0 0 8000 0 0 0 0 0 0\n"
    (proc / "stat").write_text("cpu 0 0 0 0 0 0 0 0 0 0\n" + line.format(n=0, user=100) + line.format(n=1, user=50))
    before = kernel.read()
    (proc / "stat").write_text("cpu 0 0 0 0 0 0 0 0 0 0\n" + line.format(n=0, user=150))

    usage = measure(before, kernel.read())

    assert usage is not None
    assert (usage.ticks.busy, usage.cores) == (50, None)


@pytest.mark.parametrize(
    ("namespace", "mounts", "answer"),
    [
        ("pid:[4026531836]", "overlay / overlay rw 0 0\n", False),
        ("pid:[4026532310]", "overlay / overlay rw 0 0\nproc /proc proc rw 0 0\n", True),
        ("pid:[4026532310]", "proc /proc proc rw 0 0\nlxcfs /proc/stat fuse.lxcfs rw 0 0\n", False),
        (None, "", False),
    ],
)
def test_a_container_that_sees_the_host_has_its_own_processes_and_the_host_s_counters(
    tmp_path: Path, namespace: str | None, mounts: str, *, answer: bool
) -> None:
    (tmp_path / "proc/self/ns").mkdir(parents=True)
    (tmp_path / "proc/self/mounts").write_text(mounts)
    if namespace is not None:
        (tmp_path / "proc/self/ns/pid").symlink_to(namespace)

    assert sees_host_from_container(tmp_path) is answer
