"""Rows <-> records: what was written comes back, and what cannot have been written is not taken for figures."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.records import Cause, CoreTicks, Gap
from cpusensor.model.rollup import TIERS, as_rollup
from cpusensor.store.columns import (
    GarbledError,
    clock_step_of_row,
    gap_of_row,
    pack_cores,
    pack_histogram,
    rollup_of_row,
    row_of_gap,
    row_of_rollup,
    row_of_sample,
    run_of_row,
    sample_of_row,
    text_of,
    unpack_cores,
    unpack_histogram,
)
from tests.fakes import START
from tests.samples import sample

GAP = Gap(from_time=START, to_time=START + 60, cause=Cause.STALLED, busy=1, all=2)
ROWS: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
    "run": (run_of_row, (1, "boot-1", START, None, 5, "1.0.0")),
    "sample": (sample_of_row, row_of_sample(sample(START))[:-1]),
    "rollup": (rollup_of_row, row_of_rollup(as_rollup(sample(START)), TIERS[0])[:-1]),
    "gap": (gap_of_row, row_of_gap(GAP)),
    "clock step": (clock_step_of_row, (START, -3000)),
}


COUNTS = st.integers(0, 2**32 - 1)
CORES = st.dictionaries(st.integers(0, 9000), st.tuples(COUNTS, COUNTS), min_size=1, max_size=300)
PLAIN = st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=300).map(lambda pairs: dict(enumerate(pairs)))


@given(CORES | PLAIN)
def test_cores_come_back_as_they_were_with_their_numbers(values: dict[int, tuple[int, int]]) -> None:
    cores = tuple(CoreTicks(cpu=cpu, busy=busy, all=all_ticks) for cpu, (busy, all_ticks) in sorted(values.items()))
    assert unpack_cores(pack_cores(cores)) == cores


@given(st.dictionaries(st.integers(0, 100), st.integers(0, 2**40), max_size=101))
def test_a_histogram_comes_back_as_it_was(histogram: dict[int, int]) -> None:
    assert unpack_histogram(pack_histogram(histogram)) == histogram


@given(st.binary(max_size=40))
def test_a_garbled_blob_is_cores_or_not_known_and_never_an_error(blob: bytes) -> None:
    unpack_cores(blob)
    unpack_histogram(blob)
    assert isinstance(text_of(blob), str)


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("garbage", ["H}", b"\xff", 1.5])
def test_a_row_with_a_value_of_another_type_is_garbled(kind: str, garbage: object) -> None:
    of_row, row = ROWS[kind]
    rest = {"sample": (None,), "rollup": (None, None)}.get(kind, ())
    assert of_row([*row, *rest])
    for place in range(len(row)):
        garbled = [*row[:place], garbage, *row[place + 1 :], *rest]
        if type(garbage) is type(row[place]):
            continue
        with pytest.raises(GarbledError):
            of_row(garbled)
