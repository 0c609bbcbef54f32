"""The time at each percent: what percentiles and the time above a threshold are read from."""

from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.histogram import merge, quantile, time_above

HISTOGRAMS = st.dictionaries(st.integers(0, 100), st.integers(1, 10**7), max_size=30)


@given(st.lists(HISTOGRAMS, max_size=5), st.integers(0, 101))
def test_parts_add_up_to_the_time_of_all(parts: list[dict[int, int]], threshold: int) -> None:
    whole = merge(parts)

    assert sum(whole.values()) == sum(sum(part.values()) for part in parts)
    assert time_above(whole, threshold) == sum(time_above(part, threshold) for part in parts)
    assert list(whole) == sorted(whole)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 60)), min_size=1), st.integers(1, 1000))
def test_a_percentile_is_that_of_the_single_seconds(pairs: list[tuple[int, int]], per_mille: int) -> None:
    seconds = sorted(point for point, times in pairs for _ in range(times))

    found = quantile(merge({point: times} for point, times in pairs), per_mille)

    # The nearest rank: the smallest value that so much of the time is at or below.
    assert found == seconds[-(-len(seconds) * per_mille // 1000) - 1]


def test_no_time_has_no_percentile() -> None:
    assert quantile({}, 500) is None


def test_half_an_hour_that_stalled_weighs_half_an_hour() -> None:
    histogram = merge([{95: 1_800_000}, *({5: 5_000} for _ in range(180))])

    assert quantile(histogram, 500) == 95
    assert time_above(histogram, 80) == 1_800_000
