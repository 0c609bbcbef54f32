from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.blame import Blame, Share, cut, merge, ranked

NAMES = st.sampled_from(["ffmpeg", "postgres", "sh", "a.service", "b.service"])
AMOUNTS = st.integers(min_value=0, max_value=10_000_000)


def unit(name: str, cpu_us: int) -> Share:
    return Share(name=name, unit=name, pid=None, started=None, cpu_us=cpu_us)


def process(name: str, cpu_us: int, pid: int = 7, started: int = 100) -> Share:
    return Share(name=name, unit="a.service", pid=pid, started=started, cpu_us=cpu_us)


UNITS = st.builds(unit, NAMES, AMOUNTS)
PROCESSES = st.builds(process, NAMES, AMOUNTS, st.integers(1, 3))


@st.composite
def blames(draw: st.DrawFn) -> list[Blame]:
    """Some in a row."""
    return [
        Blame(
            time=5 * (number + 1),
            since=5 * number,
            busy_us=draw(AMOUNTS),
            all_us=20_000_000,
            units=ranked(draw(st.lists(UNITS, max_size=6))),
            processes=ranked(draw(st.lists(PROCESSES, max_size=6))),
            exited_us=draw(AMOUNTS),
        )
        for number in range(draw(st.integers(1, 4)))
    ]


def by_unit(blame: Blame) -> int:
    """All that the view by unit holds, remainders included."""
    return sum(one.cpu_us for one in blame.units) + blame.other_us_by_unit + blame.unattributed_us_by_unit


def by_process(blame: Blame) -> int:
    named = sum(one.cpu_us for one in blame.processes)
    return named + blame.other_us_by_process + blame.exited_us + blame.unattributed_us_by_process


@given(blames(), st.integers(0, 7))
def test_names_and_remainders_are_the_busy_time_and_the_excess_in_any_span_however_it_is_cut(
    parts: list[Blame], limit: int
) -> None:
    for blame in (*parts, merge(parts), cut(merge(parts), limit), cut(merge([cut(one, limit) for one in parts]), 2)):
        assert by_unit(blame) == blame.busy_us + blame.excess_us_by_unit
        assert by_process(blame) == blame.busy_us + blame.excess_us_by_process


@given(blames(), blames(), blames())
def test_in_whatever_order_parts_are_merged_the_whole_is_the_same(
    first: list[Blame], second: list[Blame], third: list[Blame]
) -> None:
    one, two, three = merge(first), merge(second), merge(third)

    assert merge([merge([one, two]), three]) == merge([one, merge([two, three])])


@given(blames(), st.integers(0, 7))
def test_cutting_twice_changes_nothing(parts: list[Blame], limit: int) -> None:
    blame = cut(merge(parts), limit)

    assert cut(blame, limit) == blame
    assert len(blame.units) <= limit


EMPTY = Blame(time=5, since=0, busy_us=0, all_us=1, units=(), processes=(), exited_us=0)


def test_noise_of_the_tick_cancels_out_over_a_span() -> None:
    above = replace(EMPTY, busy_us=90, units=(unit("a", 100),), processes=(process("x", 60),), exited_us=40)
    below = replace(EMPTY, time=10, since=5, busy_us=110, units=(unit("a", 100),), processes=(process("x", 100),))

    merged = merge([above, below])

    assert (above.excess_us_by_unit, below.unattributed_us_by_unit) == (10, 10)
    assert (merged.excess_us_by_unit, merged.unattributed_us_by_unit) == (0, 0)
    assert merged.units == (unit("a", 200),)


def test_a_process_is_another_one_by_its_pid_its_start_and_its_name() -> None:
    first = replace(EMPTY, busy_us=40, processes=(process("sh", 30), process("sh", 10, started=200)))
    second = replace(EMPTY, time=10, since=5, busy_us=60, processes=(process("sh", 40), process("ffmpeg", 20)))

    merged = merge([first, second])

    assert merged.processes == (process("sh", 70), process("ffmpeg", 20), process("sh", 10, started=200))


def test_what_is_cut_is_other() -> None:
    blame = replace(EMPTY, busy_us=100, units=(unit("a", 50), unit("b", 30), unit("c", 20)))

    kept = cut(blame, 1)

    assert (kept.units, kept.other_us_by_unit, kept.unattributed_us_by_unit) == ((unit("a", 50),), 50, 0)
