"""What can be asked of a time whose samples, or minutes, a limit has taken away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.kept import ALL_KEPT, Kept
from cpusensor.model.query import choose_grid, parse_query
from cpusensor.model.records import Span
from cpusensor.model.summary import bucket_step

DAY = 86_400
BEGIN = 100 * DAY
KEPT = Kept(sample=BEGIN + 20 * DAY, minute=BEGIN + 10 * DAY)
NOW = BEGIN + 30 * DAY


@pytest.mark.parametrize(("day", "step"), [(0, 900), (9, 900), (10, 60), (19, 60), (20, 5), (29, 5)])
def test_an_hour_is_answered_in_the_finest_step_that_is_kept(day: int, step: int) -> None:
    begin = BEGIN + day * DAY
    query = parse_query({"from": str(begin), "to": str(begin + 3600)}, NOW)

    assert choose_grid(query, {5}, KEPT).step == step
    assert choose_grid(query, {5}).step == 5


def test_a_range_that_is_longer_than_the_clock_is_old_has_an_answer() -> None:
    assert choose_grid(parse_query({"range": "1y"}, 3600), {5}).step == 21_600


def test_a_step_that_is_asked_for_is_answered_whether_it_is_kept_or_not() -> None:
    query = parse_query({"from": str(BEGIN), "to": str(BEGIN + 3600), "step": "5"}, NOW)

    assert choose_grid(query, {5}, KEPT).step == 5


def test_a_summary_counts_the_whole_rollups_inside_the_span() -> None:
    spans = [(61, 3599), (10 * DAY + 61, 10 * DAY + 3599), (20 * DAY + 61, 20 * DAY + 3599), (5, 895)]
    inside = [KEPT.inside(Span(from_time=BEGIN + begin, to_time=BEGIN + end)) for begin, end in spans]

    assert [(one.from_time - BEGIN, one.to_time - BEGIN) for one in inside] == [
        (900, 2700),
        (10 * DAY + 120, 10 * DAY + 3540),
        (20 * DAY + 61, 20 * DAY + 3599),
        (900, 900),
    ]


def test_stretches_are_made_of_quarter_hours_where_no_minutes_are_kept() -> None:
    hour = Span(from_time=BEGIN, to_time=BEGIN + 3600)

    assert (bucket_step(hour), bucket_step(hour, KEPT)) == (60, 900)


@given(begin=st.integers(0, NOW), length=st.integers(1, 40 * DAY))
def test_what_is_inside_never_reaches_out_of_the_span(begin: int, length: int) -> None:
    span = Span(from_time=begin, to_time=begin + length)
    inside = KEPT.inside(span)

    assert span.from_time <= inside.from_time <= inside.to_time
    assert inside.to_time <= max(span.to_time, inside.from_time)
    assert ALL_KEPT.inside(span) == span
