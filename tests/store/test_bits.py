"""Bits that are packed apart from the rest of their bytes."""

from hypothesis import given
from hypothesis import strategies as st

from cpusensor.store.bits import MAX_BITS, pack_bits, packed_length, unpack_bits


@given(plane=st.binary(min_size=1, max_size=40), count=st.integers(0, MAX_BITS))
def test_bytes_come_out_as_they_went_in(plane: bytes, count: int) -> None:
    high, packed = pack_bits(plane, count)

    assert len(packed) == packed_length(len(plane), count)
    assert max(high) < 1 << MAX_BITS - count
    assert unpack_bits(high, packed, count) == plane
