"""Names as numbers, and numbers as bytes."""

import lzma
from collections import defaultdict
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.blame import Blame, Share, Throttle, ranked
from cpusensor.store.columns import GarbledError
from cpusensor.store.leb128 import to_bytes
from cpusensor.store.shares import TICK_US, Coded, coded, pack, pack_rows, unpack, unpack_rows

END = 1_763_938_800

cpu_times = st.integers(1, 10**9)
units = st.builds(Share, name=st.text(max_size=3), unit=st.just(""), pid=st.none(), started=st.none(), cpu_us=cpu_times)
processes = st.builds(
    Share,
    name=st.text(max_size=3),
    unit=st.text(max_size=3),
    pid=st.integers(1, 1 << 22),
    started=st.integers(1, END),
    cpu_us=cpu_times,
)


throttles = st.builds(
    Throttle,
    unit=st.text(max_size=3),
    periods=st.integers(1, 100),
    throttled=st.integers(0, 100),
    throttled_us=st.integers(0, 10**6).map(lambda hundredths: hundredths * TICK_US),
)


@st.composite
def blames(draw: st.DrawFn, time: int = END) -> Blame:
    by_key = {(one.name, one.unit, one.pid, one.started): one for one in draw(st.lists(processes, max_size=6))}
    return Blame(
        time=time,
        since=time - draw(st.integers(1, 10**6)),
        busy_us=draw(st.integers(0, 10**9)) * TICK_US,
        all_us=draw(st.integers(0, 10**9)) * TICK_US,
        units=ranked(draw(st.lists(units, max_size=6, unique_by=lambda one: one.name))),
        processes=ranked(by_key.values()),
        exited_us=draw(st.integers(0, 10**9)),
        other_us_by_unit=draw(st.integers(0, 10**9)),
        other_us_by_process=draw(st.integers(0, 10**9)),
        throttles=tuple(draw(st.lists(throttles, max_size=3, unique_by=lambda one: one.unit))),
    )


def as_numbers(blame: Blame) -> Coded:
    numbers: dict[str, int] = defaultdict(count(1).__next__)
    return coded(blame, numbers.__getitem__)


@given(blames())
def test_what_is_packed_is_unpacked(blame: Blame) -> None:
    row = as_numbers(blame)

    assert unpack(row.time, row.since, pack(row)) == row


@given(blames())
def test_no_time_is_lost_by_rounding(blame: Blame) -> None:
    row = as_numbers(blame)

    by_unit, by_process = row.totals[3:]
    whole = sum(one.cpu_us for one in blame.units) + blame.other_us_by_unit
    assert by_unit + sum(cpu for _, cpu in row.units) == whole // TICK_US
    assert 0 <= by_unit - blame.other_us_by_unit // TICK_US <= len(blame.units) + 1
    whole = sum(one.cpu_us for one in blame.processes) + blame.other_us_by_process
    assert by_process + sum(cpu for _, cpu in row.processes) == whole // TICK_US


@given(
    st.lists(st.integers(0, 3599), unique=True, max_size=5).flatmap(
        lambda at: st.tuples(*(blames(END - one) for one in sorted(at, reverse=True)))
    )
)
def test_rows_that_are_packed_together_are_unpacked(some: tuple[Blame, ...]) -> None:
    rows = list(map(as_numbers, some))

    found = unpack_rows(pack_rows(rows, END), END)
    assert [(one.time, one.since, one.totals) for one in found] == [(one.time, one.since, one.totals) for one in rows]
    assert [set(one.entries) for one in found] == [set(one.entries) for one in rows]


def test_rows_of_before_are_unpacked() -> None:
    # One row of one unit with 7/100 s, and of one process with 3/100 s, as an older version packed it.
    numbers = [1, 1, 2, 0, 5, 50, 1000, 0, 0, 0, 4, 1, 5, 4, 900, 1000, 1, 0, 0, 7, 3]
    blob = lzma.compress(to_bytes(numbers), format=lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}])

    (row,) = unpack_rows(blob, END)
    assert (row.time, row.since, row.totals) == (END, END - 5, (50, 1000, 0, 0, 0))
    assert (row.units, row.processes) == ([((4,), 7)], [((5, 4, 900, 1000), 3)])


@given(st.binary(max_size=60))
def test_garbage_is_told(blob: bytes) -> None:
    for read in (lambda: unpack(END, END - 5, blob), lambda: unpack_rows(blob, END)):
        try:
            read()
        except GarbledError:
            continue


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_row_that_is_cut_short_is_garbled(cut: int) -> None:
    share = Share(name="a", unit="", pid=None, started=None, cpu_us=TICK_US)
    blame = Blame(time=END, since=END - 5, busy_us=0, all_us=0, units=(share,), processes=(), exited_us=0)
    whole = pack(as_numbers(blame))

    if cut < len(whole):
        with pytest.raises(GarbledError):
            unpack(END, END - 5, whole[:-cut])
