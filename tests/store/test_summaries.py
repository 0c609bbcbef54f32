"""How a span is put together from what is stored."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.histogram import merge
from cpusensor.model.records import Span
from cpusensor.model.rollup import TIERS, Tier
from cpusensor.model.summary import ABOVE_MEDIAN
from cpusensor.store.columns import merge_histograms, pack_histogram
from cpusensor.store.plan import Extent, joined, plan
from cpusensor.store.schema import MIGRATIONS
from cpusensor.store.statements import busy_rows

TIMES = st.integers(0, 200_000)


@given(ends=st.tuples(TIMES, TIMES), kept=st.lists(TIMES, min_size=3, max_size=3), closed=TIMES)
def test_the_parts_of_any_span_are_whole_rollups_that_follow_each_other(
    ends: tuple[int, int], kept: Sequence[int], closed: int
) -> None:
    from_time, to_time = sorted(ends)
    extents = [
        Extent(tier=tier, kept_from=begin // tier.seconds * tier.seconds, closed=closed // tier.seconds * tier.seconds)
        for tier, begin in zip(reversed(TIERS), kept, strict=True)
    ]

    parts = list(plan(from_time, to_time, extents))

    assert joined(parts) == ([Span(from_time=from_time, to_time=to_time)] if from_time < to_time else [])
    assert all(part.from_time < part.to_time for part in parts)
    for part in parts:
        if part.tier is not None:
            extent = next(one for one in extents if one.tier is part.tier)
            assert part.from_time % part.tier.seconds == part.to_time % part.tier.seconds == 0
            assert extent.kept_from <= part.from_time
            assert part.to_time <= extent.closed


@given(
    st.lists(st.dictionaries(st.integers(0, 100), st.integers(1, 1 << 40)).map(lambda one: merge([one])), max_size=5)
)
def test_packed_histograms_add_up_to_the_same(histograms: list[dict[int, int]]) -> None:
    assert merge_histograms(map(pack_histogram, histograms)) == merge(histograms)


def test_a_histogram_that_is_not_known_makes_the_sum_unknown() -> None:
    packed = pack_histogram({5: 100})

    assert merge_histograms([packed, None]) is None
    assert merge_histograms([packed, b"I\5\1"]) is None


def test_the_busy_quarter_hours_of_a_long_span_are_found_in_an_index() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statements in MIGRATIONS:
            for statement in statements:
                connection.execute(statement)

        def way(tier: Tier, percent: int) -> str:
            sql = f"EXPLAIN QUERY PLAN {busy_rows(tier, percent)}"
            return str(connection.execute(sql, (0, 10**9)).fetchall()[0][3])

        assert "COVERING INDEX quarter_hour_busy" in way(TIERS[1], ABOVE_MEDIAN)
        assert "PRIMARY KEY" in way(TIERS[1], ABOVE_MEDIAN - 1)
        assert "PRIMARY KEY" in way(TIERS[0], 80)
