"""Which rows are read, piece by piece."""

from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.rollup import TIERS
from cpusensor.store.plan import ROWS_A_SLICE, SAMPLES_A_SLICE_S, Part, slices
from tests.samples import NOON

YEAR_S = 31_536_000


@given(st.sampled_from([None, *TIERS]), st.integers(0, YEAR_S), st.integers(1, 3 * YEAR_S))
def test_slices_are_the_whole_in_order_and_none_holds_too_many_rows(tier: object, begin: int, length: int) -> None:
    whole = Part(tier=tier, from_time=NOON + begin, to_time=NOON + begin + length)  # type: ignore[arg-type]
    found = list(slices([whole]))

    assert [found[0].from_time, *(part.to_time for part in found)] == [
        *(part.from_time for part in found),
        whole.to_time,
    ]
    longest = max(part.to_time - part.from_time for part in found)
    assert longest <= (ROWS_A_SLICE * whole.tier.seconds if whole.tier else SAMPLES_A_SLICE_S)


def test_a_long_range_of_quarter_days_takes_few_questions() -> None:
    assert len(list(slices([Part(tier=TIERS[-1], from_time=0, to_time=10 * YEAR_S)]))) == 11
