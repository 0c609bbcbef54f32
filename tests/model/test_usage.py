"""CPU % by the rule of the README, on pairs of counters such as kernels really give."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.figures import basis_points, percent
from cpusensor.model.records import CoreTicks, Counters, CpuTimes
from cpusensor.model.usage import measure, was_reset

IDLE = CpuTimes(user=1000, system=500, irq=50, idle=90_000, iowait=200, steal=30)
ROOM = 500
"""Ticks of one CPU in five seconds."""

TICKS = st.integers(0, 10**12)


def counters(*cpus: CpuTimes) -> Counters:
    return Counters(cpus=dict(enumerate(cpus)), values={})


def moved(times: CpuTimes, **by: int) -> CpuTimes:
    return replace(times, **{kind: getattr(times, kind) + ticks for kind, ticks in by.items()})


def cpu_percent(before: Counters, after: Counters) -> float | None:
    usage = measure(before, after, ROOM)
    return percent(usage.ticks.busy, usage.ticks.all) if usage else None


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        pytest.param({"user": 250, "idle": 250}, 50.0, id="half busy"),
        pytest.param({"idle": 500}, 0.0, id="idle is a true 0"),
        pytest.param({"user": 100, "iowait": 400}, 20.0, id="iowait is not busy"),
        pytest.param({"user": 10, "idle": 390, "steal": 100}, 2.0, id="steal is the neighbour's"),
        pytest.param({"system": 5, "irq": 5, "user": 5, "idle": 485}, 3.0, id="system and irq are busy"),
        pytest.param({"user": 250, "idle": 253, "iowait": -3}, 50.0, id="iowait that falls is taken off idle"),
        pytest.param({"user": 250, "idle": -2, "system": 250}, 100.0, id="idle that falls a little is clamped alone"),
        pytest.param({"user": 250, "idle": 250, "steal": -5000}, 50.0, id="steal that falls is clamped alone"),
        pytest.param({"user": 100, "idle": 200, "iowait": 200}, 20.0, id="idle that is booked as iowait"),
        pytest.param({"user": 100, "idle": 600, "iowait": -200}, 20.0, id="iowait that is given back to idle"),
        pytest.param({"user": 100, "idle": -200, "iowait": 600}, 20.0, id="idle that is taken back for iowait"),
        pytest.param({"user": 250, "idle": 250, "steal": 10**10}, 50.0, id="steal that leaps is not known"),
        pytest.param({"user": 250, "idle": 250, "irq": 10**10}, 50.0, id="interrupts that leap are not known"),
    ],
)
def test_cpu_percent_is_busy_ticks_over_all_ticks(spent: dict[str, int], expected: float) -> None:
    before = counters(IDLE)
    after = counters(moved(IDLE, **spent))

    assert not was_reset(before, after)
    assert cpu_percent(before, after) == expected


def test_counters_that_did_not_move_give_nothing_rather_than_0_or_100() -> None:
    assert measure(counters(IDLE), counters(IDLE), ROOM) is None


def test_a_cpu_that_fell_by_more_than_three_seconds_was_reset() -> None:
    after = counters(IDLE, replace(IDLE, user=3, system=1, irq=0, idle=400, iowait=0, steal=0))

    assert was_reset(counters(IDLE, IDLE), after)


def test_a_cpu_that_left_leaves_the_total_to_the_others_and_the_cores_unknown() -> None:
    before = counters(IDLE, IDLE)
    after = counters(moved(IDLE, user=100, idle=400))

    usage = measure(before, after, ROOM)

    assert usage is not None
    assert cpu_percent(before, after) == 20.0
    assert usage.cores is None


def test_a_cpu_that_came_back_is_counted_from_then_on() -> None:
    before = counters(IDLE)
    after = counters(moved(IDLE, user=100, idle=400), replace(IDLE, user=0, idle=10))

    assert cpu_percent(before, after) == 20.0


def test_a_kind_that_the_system_does_not_report_stays_unknown() -> None:
    mac = replace(IDLE, iowait=None, steal=None)

    usage = measure(counters(mac), counters(moved(mac, user=100, idle=300)), ROOM)

    assert usage is not None
    assert (usage.ticks.iowait, usage.ticks.steal) == (None, None)
    assert percent(usage.ticks.busy, usage.ticks.all) == 25.0


@given(before=st.lists(TICKS, min_size=6, max_size=6), spent=st.lists(st.integers(-299, 10**6), min_size=6, max_size=6))
def test_whatever_the_counters_do_a_percentage_stays_within_0_and_100(before: list[int], spent: list[int]) -> None:
    kinds = ("user", "system", "irq", "idle", "iowait", "steal")
    first = CpuTimes(**dict(zip(kinds, before, strict=True)))

    usage = measure(counters(first), counters(moved(first, **dict(zip(kinds, spent, strict=True)))), ROOM)

    if usage is not None:
        share = percent(usage.ticks.busy, usage.ticks.all)
        assert share is not None
        assert 0 <= share <= 100


@given(part=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_basis_points_are_the_nearest_hundredth_of_a_percent(part: int, more: int) -> None:
    whole = part + more + 1

    assert abs(basis_points(part, whole) - 10_000 * part / whole) <= 0.5


def test_a_kind_that_leaps_alone_is_unknown_and_the_rest_is_not() -> None:
    usage = measure(counters(IDLE), counters(moved(IDLE, user=250, idle=250, steal=2 * 10**9)), ROOM)

    assert usage is not None
    assert (usage.ticks.steal, usage.ticks.user, usage.ticks.iowait, usage.ticks.all) == (None, 250, 0, 500)
    assert usage.left_out == ()


@pytest.mark.parametrize(
    "spent",
    [
        pytest.param({"user": 25}, id="idle stands still"),
        pytest.param({"user": 100, "idle": -250}, id="idle falls once"),
        pytest.param({"user": 250, "idle": 10**10}, id="idle leaps"),
        pytest.param({"user": 10**10, "idle": 250}, id="user leaps"),
    ],
)
def test_a_cpu_that_says_nothing_about_the_interval_is_left_out_and_named(spent: dict[str, int]) -> None:
    before = counters(IDLE, IDLE)
    after = counters(moved(IDLE, user=100, idle=400), moved(IDLE, **spent))

    usage = measure(before, after, ROOM)

    assert usage is not None
    assert (percent(usage.ticks.busy, usage.ticks.all), usage.cpus, usage.left_out) == (20.0, (0,), (1,))
    assert usage.cores == (CoreTicks(cpu=0, busy=100, all=500),)


def test_where_no_cpu_says_anything_there_is_no_figure() -> None:
    assert measure(counters(IDLE), counters(moved(IDLE, user=25)), ROOM) is None


def test_idle_that_is_booked_as_iowait_is_no_reset() -> None:
    assert not was_reset(counters(IDLE), counters(moved(IDLE, idle=-40_000, iowait=40_500)))
    assert was_reset(counters(IDLE), counters(moved(IDLE, idle=-40_000)))


def test_interrupts_that_are_not_counted_are_unknown_and_the_rest_is_not() -> None:
    old = replace(IDLE, irq=None, iowait=None, steal=None)

    usage = measure(counters(old), counters(moved(old, user=100, idle=400)), ROOM)

    assert usage is not None
    assert (usage.ticks.irq, usage.ticks.busy, usage.ticks.all) == (None, 100, 500)
