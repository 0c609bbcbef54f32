"""Whatever a column holds, it comes out as it went in."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.store.planes import Column, Sink, Source, UnpackableError

NUMBERS = st.one_of(st.integers(-300, 300), st.integers(-(1 << 63), 1 << 63), st.integers(1 << 40, (1 << 40) + 900))
COLUMNS = st.lists(st.one_of(st.none(), NUMBERS), min_size=1, max_size=80)


@given(columns=st.lists(COLUMNS, max_size=4), text=st.binary(max_size=9))
def test_columns_and_texts_come_out_as_they_went_in(columns: list[Column], text: bytes) -> None:
    sink = Sink()
    sink.text(text)
    for column in columns:
        sink.column(column)
    source = Source(sink.deflated())

    assert source.text() == text
    assert [list(source.column(len(column))[1]) for column in columns] == columns


@given(number=st.integers())
def test_a_number_of_any_size_comes_out_as_it_went_in(number: int) -> None:
    sink = Sink()
    sink.number(number)

    assert Source(sink.deflated()).number() == number


@pytest.mark.parametrize("column", [[5] * 720, list(range(0, 3600, 5)), [None] * 720])
def test_what_says_nothing_takes_nothing(column: Column) -> None:
    sink = Sink()
    sink.column(column)

    assert len(sink.deflated()) < 20


def test_bytes_that_end_too_early_are_refused() -> None:
    sink = Sink()
    sink.column([5, 900, 1])
    source = Source(sink.deflated())

    with pytest.raises(UnpackableError):
        source.column(4)


def test_a_number_beyond_eight_bytes_is_refused() -> None:
    with pytest.raises(UnpackableError):
        Sink().column([0, 1 << 70, 1, 5])


def test_noise_takes_no_more_than_its_bits() -> None:
    chance = Random(1)  # noqa: S311 - the same at each run
    sink = Sink()
    sink.column([1000 * chance.randrange(4096) for _ in range(720)])

    assert len(sink.deflated()) < 720 * 12 // 8 + 60
