"""What the rules say of a stretch of time."""

from dataclasses import replace

import pytest

from cpusensor.model.blame import Blame, Throttle
from cpusensor.model.buckets import Buckets
from cpusensor.model.query import PROCESS, UNIT, TopQuery
from cpusensor.model.records import Cause, Gap, Rollup, Span
from cpusensor.model.rollup import as_rollup
from cpusensor.model.summary import Spread
from cpusensor.model.top import Found, seen_in, top
from cpusensor.model.why import Incident, Reason, Rule, Who, around, explain, leading, waits
from tests.blames import SECOND, blame, process, unit
from tests.samples import NOON, sample

SPAN = Span(from_time=NOON, to_time=NOON + 5)


def rollup(**figures: int | None) -> Rollup:
    """A sample of 10 s of CPU time in 5 s, idle but for what is said."""
    one = sample(NOON + 5, busy=0)
    given = replace(one.figures, elapsed_ms=5000, pressure_us=0, **figures)  # type: ignore[arg-type] # as in `Figures`
    return as_rollup(replace(one, figures=given))


def who(one: Blame) -> Who:
    found = Found(blame=one, seen=seen_in(one))
    units, processes = (
        top(TopQuery(span=SPAN, by=by, limit=10), found, busy_us=one.busy_us, all_us=one.all_us)
        for by in (UNIT, PROCESS)
    )
    return Who(units=units, processes=processes)


def incident(one: Rollup, blame: Blame | None = None, spread: Spread | None = None) -> Incident:
    return Incident(span=SPAN, rollup=one, spread=spread, who=who(blame) if blame else None)


@pytest.mark.parametrize(
    ("figures", "rule", "percent"),
    [
        ({"user": 940}, Rule.BUSY, 94),
        ({"iowait": 610}, Rule.DISK, 61),
        ({"steal": 340}, Rule.NEIGHBOUR, 34),
        ({"irq": 70}, Rule.INTERRUPTS, 7),
    ],
)
def test_a_figure_above_its_threshold_is_a_reason(figures: dict[str, int], rule: Rule, percent: int) -> None:
    reasons = {one.rule: one.percent for one in explain(incident(rollup(**figures))).reasons}

    assert reasons[rule] == percent
    assert reasons.keys() <= {Rule.BUSY, rule}


def test_waiting_for_a_cpu_is_told_in_percent_of_the_time() -> None:
    one = rollup()
    waited = replace(one, figures=replace(one.figures, pressure_us=3_200_000))

    assert explain(incident(waited)).reasons[1:] == [replace(explain(incident(waited)).reasons[1], percent=64)]
    assert explain(incident(waited)).reasons[1].rule is Rule.RUNNABLE


def test_what_is_not_known_or_low_is_no_reason() -> None:
    reasons = explain(incident(rollup(user=500, iowait=None, steal=None, irq=None))).reasons

    assert [one.rule for one in reasons] == [Rule.BUSY]


def test_one_core_alone_is_a_reason() -> None:
    assert explain(incident(rollup(user=500), spread=Spread.ONE)).reasons[-1].rule is Rule.ONE_CORE


def test_a_unit_is_named_behind_the_process_that_did_half_of_it() -> None:
    shares = [unit("a.service", 4 * SECOND), process("ffmpeg", 2 * SECOND), process("sh", SECOND // 2, pid=2)]
    found = explain(incident(rollup(user=500), blame(NOON + 5, *shares)))

    assert found.names == [("ffmpeg (a.service)", 40)]


def test_a_container_says_its_main_process_itself_and_many_small_ones_are_nobody() -> None:
    name = "docker-4f1c… (postgres)"
    shares = [unit(name, 4 * SECOND), process("postgres", 3 * SECOND, unit=name), unit("b.service", SECOND)]
    small = [process(f"p{pid}", SECOND // 10, unit="b.service", pid=pid + 1) for pid in range(4)]

    assert leading(who(blame(NOON + 5, *shares, *small))) == [(name, 80), ("b.service", 20)]


def test_where_units_cannot_be_seen_processes_are_named() -> None:
    assert leading(who(blame(NOON + 5, process("a", SECOND)))) == [("a", 20)]


def test_what_is_in_no_unit_is_told_by_its_processes() -> None:
    shares = [process("sh", SECOND, unit="/"), process("sh", SECOND, unit="/", pid=9), unit("b.service", SECOND)]

    assert leading(who(blame(NOON + 5, unit("/", 4 * SECOND), *shares))) == [("sh", 40), ("b.service", 20)]


def test_accounts_above_or_below_the_busy_time_are_a_reason() -> None:
    above = explain(incident(rollup(user=100), blame(NOON + 5, unit("a", 4 * SECOND), busy_us=SECOND)))
    below = explain(incident(rollup(user=500), blame(NOON + 5, unit("a", SECOND))))

    assert (above.reasons[-1].rule, above.reasons[-1].percent) == (Rule.EXCESS, 300)
    assert (below.reasons[-1].rule, below.reasons[-1].percent) == (Rule.UNEXPLAINED, 80)


@pytest.mark.parametrize(("throttled", "waited_us"), [(9, SECOND), (71, SECOND // 25)])
def test_a_limit_that_held_nobody_back_for_long_is_no_reason(throttled: int, waited_us: int) -> None:
    seldom = Throttle(unit="a", periods=100, throttled=throttled, throttled_us=waited_us)

    assert (
        explain(
            incident(rollup(user=500), replace(blame(NOON + 5, unit("a", 5 * SECOND)), throttles=(seldom,)))
        ).reasons[1:]
        == []
    )


def test_a_unit_that_its_limit_held_back_is_named_with_the_percent_of_its_periods() -> None:
    held = Throttle(unit="a", periods=100, throttled=71, throttled_us=SECOND)
    found = explain(incident(rollup(user=500), replace(blame(NOON + 5, unit("a", 5 * SECOND)), throttles=(held,))))

    assert found.reasons[1:] == [Reason(rule=Rule.THROTTLED, percent=71, name="a")]


def test_the_kernel_s_work_is_told_where_it_is_worth_a_word() -> None:
    assert explain(incident(rollup(user=500, system=90))).kernel == 9
    assert explain(incident(rollup(user=500, system=30))).kernel is None


def test_waiting_is_found_where_no_busy_stretch_tells_it() -> None:
    rollups = [
        replace(rollup(iowait=300 if 3 <= minute <= 5 or minute == 9 else 0), time=NOON + 60 * minute)
        for minute in range(1, 11)
    ]
    busy = [Span(from_time=NOON + 480, to_time=NOON + 600)]

    assert waits(Buckets.of(rollups), 60, busy) == [Span(from_time=NOON + 120, to_time=NOON + 300)]


def test_of_a_moment_is_told_what_it_lies_in() -> None:
    gap = Gap(from_time=NOON, to_time=NOON + 600, cause=Cause.STOPPED, busy=None, all=None)

    assert around([gap], NOON + 650, 60) == [gap]
    assert around([gap], NOON + 661, 60) == []
