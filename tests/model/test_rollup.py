from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.buckets import Buckets
from cpusensor.model.grid import bucket_end
from cpusensor.model.records import CoreTicks, Sample
from cpusensor.model.rollup import as_rollup, closed_buckets, roll_up
from tests.samples import histories, sample, without_known


def test_a_bucket_ends_at_the_next_multiple_of_its_step() -> None:
    assert bucket_end(1, 60) == 60
    assert bucket_end(60, 60) == 60
    assert bucket_end(61, 60) == 120


def test_a_minute_is_closed_by_its_last_slot() -> None:
    assert closed_buckets(115, 120, 60) == [120]
    assert closed_buckets(110, 115, 60) == []
    assert closed_buckets(None, 120, 60) == [120]


def test_a_minute_whose_last_slot_was_missed_is_closed_by_the_next_sample() -> None:
    assert closed_buckets(110, 130, 60) == [120]
    assert closed_buckets(110, 240, 60) == [120, 240]


def test_a_minute_that_is_closed_already_is_not_closed_again() -> None:
    assert closed_buckets(120, 125, 60) == []


def test_a_clock_set_back_closes_only_the_sample_s_own_minute() -> None:
    assert closed_buckets(500, 120, 60) == [120]
    assert closed_buckets(500, 125, 60) == []


def test_a_minute_is_the_ratio_of_the_sums_and_not_the_mean_of_percentages() -> None:
    parts = [as_rollup(sample(5, busy=1000, all_ticks=1000)), as_rollup(sample(10, busy=0, all_ticks=3000))]

    minute = roll_up(parts, 60)

    assert minute is not None
    assert (minute.figures.busy, minute.figures.all) == (1000, 4000)
    assert (minute.cpu_min_bp, minute.cpu_max_bp, minute.count) == (0, 10_000, 2)
    assert minute.cores == tuple(CoreTicks(cpu=cpu, busy=500, all=2000) for cpu in range(2))


def test_no_samples_make_no_minute() -> None:
    assert roll_up([], 60) is None


def test_what_one_sample_does_not_know_the_minute_does_not_know_either() -> None:
    minute = roll_up([as_rollup(sample(5)), as_rollup(without_known(sample(10)))], 60)

    assert minute is not None
    assert (minute.figures.steal, minute.figures.load_centi, minute.figures.pressure_us) == (None, None, None)
    assert minute.cores == sample(5).cores


@given(history=histories(), cut=st.integers(0, 40))
def test_rolling_up_in_two_stages_gives_what_one_stage_gives(history: list[Sample], cut: int) -> None:
    parts = [as_rollup(one) for one in history]
    halves = [roll_up(half, 60) for half in (parts[:cut], parts[cut:])]

    staged = roll_up([half for half in halves if half], 60)

    assert staged == roll_up(parts, 60)


@given(history=histories())
def test_the_mean_lies_between_the_extremes(history: list[Sample]) -> None:
    minute = roll_up([as_rollup(one) for one in history], 60)

    assert minute is not None
    assert minute.cpu_min_bp - 1 <= 10_000 * minute.figures.busy / minute.figures.all <= minute.cpu_max_bp + 1


@given(history=histories(), order=st.randoms())
def test_the_order_of_the_parts_does_not_matter(history: list[Sample], order: st.DataObject) -> None:
    parts = [as_rollup(one) for one in history]
    shuffled = parts.copy()
    order.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis types its Random as data

    assert roll_up(shuffled, 60) == roll_up(parts, 60)


def test_of_samples_with_different_cpus_like_is_added_to_like() -> None:
    without_the_first = replace(sample(10), cores=(CoreTicks(cpu=1, busy=1, all=2), CoreTicks(cpu=2, busy=5, all=8)))

    minute = roll_up([as_rollup(sample(5)), as_rollup(without_the_first)], 60)

    assert minute is not None
    assert minute.cores == (
        CoreTicks(cpu=0, busy=125, all=500),
        CoreTicks(cpu=1, busy=126, all=502),
        CoreTicks(cpu=2, busy=5, all=8),
    )


def counted(*shares: float) -> list[int]:
    """The slots at which samples that counted so much of what there was are unreliable."""
    samples = [
        replace(one, figures=replace(one.figures, expected=round(one.figures.all / share)))
        for one, share in ((sample(5 * (slot + 1)), share) for slot, share in enumerate(shares))
    ]
    return [time // 5 for time in Buckets.of([as_rollup(one) for one in samples]).unreliable()]


def test_samples_that_count_too_little_or_too_much_are_unreliable_when_three_follow_each_other() -> None:
    assert counted(1.0, 0.6, 0.7, 1.0, 0.5, 0.5, 1.4, 1.0) == [5, 6, 7]
    assert counted(0.6, 1.0, 0.6) == []


def test_a_longer_interval_that_counts_too_little_is_unreliable_by_itself() -> None:
    minute = roll_up([as_rollup(sample(5)), as_rollup(sample(10))], 60)
    assert minute is not None
    half = replace(minute, figures=replace(minute.figures, expected=2 * minute.figures.all))

    assert Buckets.of([half]).unreliable() == [60]
    assert Buckets.of([minute]).unreliable() == []
