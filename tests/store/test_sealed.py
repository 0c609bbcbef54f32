"""Whatever rows an hour has, they come out of its blob as they went in; and a blob that is damaged is told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.rollup import TIERS
from cpusensor.store.columns import SAMPLE_COLUMNS, Row, columns_of, names_in, row_of_sample
from cpusensor.store.planes import UnpackableError
from cpusensor.store.sealed import HOUR, pack_hour, unpack_hour
from tests.samples import NOON, sample, without_known

NAMES = names_in(SAMPLE_COLUMNS)
END = -(-NOON // HOUR) * HOUR
NUMBERS = st.one_of(st.none(), st.integers(-99, 9999), st.integers(-(1 << 50), 1 << 50))


def blob(code: bytes, body: bytes) -> bytes:
    """One of cores, of as many whole CPUs as there are bytes for."""
    return code + body[: len(body) // 24 * 24]


BLOBS = st.one_of(st.none(), st.builds(blob, st.sampled_from([b"H", b"I", b"h", b"i"]), st.binary(max_size=60)))
ROWS = st.lists(st.tuples(*[NUMBERS] * (len(NAMES) - 1), BLOBS), min_size=1, max_size=5)


@given(rows=ROWS)
def test_any_rows_come_out_as_they_went_in(rows: list[Row]) -> None:
    assert unpack_hour(pack_hour(NAMES, rows, END), NAMES, END) == rows


def recorded() -> list[Row]:
    """An hour of samples."""
    return [row_of_sample(sample(END - HOUR + 5 * slot, busy=slot * 37 % 1000)) for slot in range(1, 721)]


def test_what_follows_from_something_else_takes_no_room() -> None:
    rows = recorded()

    # What is left is the busy ticks: of one of two CPUs, and as those of the user.
    assert len(pack_hour(NAMES, rows, END)) < 3 * len(rows)


def test_a_column_that_came_later_is_null() -> None:
    older, rows = [name for name in NAMES if name != "pressure_us"], recorded()
    at = NAMES.index("pressure_us")
    packed = pack_hour(older, [(*row[:at], *row[at + 1 :]) for row in rows], END)

    assert unpack_hour(packed, NAMES, END) == [(*row[:at], None, *row[at + 1 :]) for row in rows]


def test_minutes_and_hours_with_a_few_rows_are_packed_as_well() -> None:
    names = names_in(columns_of(TIERS[0]))
    rows: list[Row] = [(END, 1, *range(10), 0, 10_000, None)]

    assert unpack_hour(pack_hour(names, rows, END), names, END) == rows
    lone = [row_of_sample(replace(without_known(sample(END)), total_all=1 << 50))]
    assert unpack_hour(pack_hour(NAMES, lone, END), NAMES, END) == lone


@given(at=st.integers(0, 400), flip=st.integers(1, 255))
def test_a_byte_that_changed_is_told(at: int, flip: int) -> None:
    packed = bytearray(pack_hour(NAMES, recorded()[:60], END))
    packed[at % len(packed)] ^= flip

    with pytest.raises(UnpackableError):
        unpack_hour(bytes(packed), NAMES, END)


@pytest.mark.parametrize("blob", [None, b"", b"\1", 7, "text"])
def test_what_is_no_blob_is_told(blob: object) -> None:
    with pytest.raises(UnpackableError):
        unpack_hour(blob, NAMES, END)


def test_an_hour_passes_for_no_other() -> None:
    packed = pack_hour(NAMES, recorded(), END)

    with pytest.raises(UnpackableError):
        unpack_hour(packed, NAMES, END + HOUR)


@pytest.mark.parametrize("cores", [b"", b"X123", b"H123", "H1234"])
def test_cores_that_are_garbage_are_not_packed(cores: object) -> None:
    row = (*recorded()[0][:-1], cores)

    with pytest.raises(UnpackableError):
        pack_hour(NAMES, [row], END)
