"""The counters of the machine that the tests run on, and of systems that it is not."""

import contextlib
import os
import resource
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from cpusensor.kernel import counters as kernel
from cpusensor.kernel.counters import SystemKernel, UnreadableError
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


def test_pressure_is_that_of_the_kernel_in_whole_milliseconds() -> None:
    told = Path("/proc/pressure/cpu")
    if not told.exists():
        pytest.skip("this kernel counts no pressure")

    def total_ms() -> int:
        return int(told.read_text().splitlines()[0].rpartition("total=")[2]) // 1000

    before, found, after = total_ms(), SystemKernel().read().values["pressure_us"], total_ms()

    assert found is not None
    assert found % 1000 == 0
    assert before <= found // 1000 <= after


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

    with pytest.raises(UnreadableError, match="no CPU is listed whose counters make sense"):
        SystemKernel().read()


def test_a_cpu_that_no_machine_can_have_counted_is_left_out_beside_good_ones(proc: Path) -> None:
    lines = ["cpu 0 0 0 0 0 0 0 0 0 0", "cpu0 1 0 2 3 4 5 6 7 0 0", "cpu1 1 0 2 8000000000000000000 4 5 6 7 0 0"]
    (proc / "stat").write_text("\n".join(lines))

    counters = SystemKernel().read()

    assert (list(counters.cpus), counters.left_out) == ([0], (1,))


@pytest.mark.parametrize(
    ("columns", "known"),
    [
        ("1 2 3 4", (None, None, None)),
        ("1 2 3 4 5", (None, 5, None)),
        ("1 2 3 4 5 6", (6, 5, None)),
        ("1 2 3 4 5 6 7", (13, 5, None)),
        ("1 2 3 4 5 6 7 8", (13, 5, 8)),
    ],
)
def test_the_kinds_that_an_old_kernel_does_not_count_are_unknown(
    proc: Path, columns: str, known: tuple[int | None, ...]
) -> None:
    (proc / "stat").write_text(f"cpu {columns}\ncpu0 {columns}\n")

    (cpu,) = SystemKernel().read().cpus.values()

    assert (cpu.user, cpu.system, cpu.idle) == (3, 3, 4)
    assert (cpu.irq, cpu.iowait, cpu.steal) == known


@pytest.mark.parametrize(("text", "centi"), [("0.42 0.31 0.20 1/213 4711\n", 42), ("", None), ("nan 0 0", None)])
def test_the_load_is_that_of_the_file(proc: Path, text: str, centi: int | None) -> None:
    (proc / "stat").write_text("cpu 1 2 3 4\ncpu0 1 2 3 4\n")
    (proc / "loadavg").write_text(text)

    assert SystemKernel().read().values["load_centi"] == centi


def test_a_pipe_in_the_place_of_the_counters_is_unreadable_at_once(proc: Path) -> None:
    os.mkfifo(proc / "stat")

    with pytest.raises(UnreadableError, match="no CPU is listed"):
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

    assert (cpu.user, cpu.system, cpu.irq, cpu.idle, cpu.iowait, cpu.steal) == (200, 100, None, 700, None, None)


def test_a_cpu_that_is_unplugged_takes_its_number_along(proc: Path) -> None:
    kernel = SystemKernel()
    line = "cpu{n} {user} 0 0 8000 0 0 0 0 0 0\n"
    (proc / "stat").write_text("cpu 0 0 0 0 0 0 0 0 0 0\n" + line.format(n=0, user=100) + line.format(n=1, user=50))
    before = kernel.read()
    (proc / "stat").write_text("cpu 0 0 0 0 0 0 0 0 0 0\n" + line.format(n=0, user=150))

    usage = measure(before, kernel.read(), 50)

    assert usage is not None
    assert (usage.ticks.busy, usage.cores) == (50, None)
