import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.model.figures import SERIES
from cpusensor.model.query import (
    MAX_POINTS,
    RANGES,
    BadRequestError,
    Grid,
    choose_grid,
    parse_query,
)
from cpusensor.model.times import MAX_TIME

NEWEST = 1_763_936_410


def grid_for(intervals: tuple[int, ...] = (5,), newest: int = NEWEST, **query: str) -> Grid:
    given_query = {name.rstrip("_"): text for name, text in query.items()}
    return choose_grid(parse_query(given_query, newest), intervals)


def grid_or_refusal(query: dict[str, str], intervals: set[int]) -> Grid | str:
    try:
        return choose_grid(parse_query(query, NEWEST), intervals)
    except BadRequestError as error:
        return str(error)


@pytest.mark.parametrize(
    ("name", "step", "length"),
    [
        ("15m", 5, 180),
        ("1h", 5, 720),
        ("6h", 15, 1440),
        ("24h", 60, 1440),
        ("7d", 600, 1008),
        ("30d", 1800, 1440),
        ("1y", 21_600, 1460),
    ],
)
def test_a_named_range_gets_the_finest_step_that_fits_1500_points(name: str, step: int, length: int) -> None:
    grid = grid_for(range=name)

    assert grid.step == step
    assert length <= grid.length <= length + 1


def test_the_last_hour_ends_at_the_newest_grid_point_and_begins_an_hour_before() -> None:
    grid = grid_for(range="1h")

    assert (grid.from_time, grid.to_time, grid.start) == (NEWEST - 3600, NEWEST, NEWEST - 3595)


def test_a_bucket_that_is_still_open_is_left_out() -> None:
    grid = grid_for(range="1h", step="60")

    assert grid.end == 1_763_936_400
    assert grid.start == 1_763_932_860


def test_a_range_that_reaches_into_the_future_ends_now() -> None:
    assert grid_for(from_=str(NEWEST - 100), to=str(NEWEST + 10_000)).end == NEWEST


def test_a_range_in_the_future_is_empty() -> None:
    assert grid_for(from_=str(NEWEST + 100), to=str(NEWEST + 200)).length == 0


def test_no_more_points_than_asked_for() -> None:
    assert grid_for(range="1h", points="60").length <= 60


def test_runs_with_different_intervals_meet_at_their_least_common_multiple() -> None:
    assert grid_for((4, 10), range="1h").step == 20


def test_a_step_must_be_a_multiple_of_the_sampling_interval() -> None:
    assert grid_for((12,), range="1h", step="12").step == 12
    with pytest.raises(BadRequestError, match="step: 30 is not offered; allowed are 12, 60, 120"):
        grid_for((12,), range="1h", step="30")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"range": "2h"}, "range: '2h' is not allowed; it must be one of 15m, 1h, 6h, 24h, 7d, 30d, 1y, all"),
        ({"range": "1h", "from": "1", "to": "2"}, "range: '1h' cannot be combined with from and to"),
        ({"from": "1"}, "to: missing"),
        ({"to": "1"}, "from: missing"),
        ({"from": "5", "to": "5"}, "from: 5 is not before to, 5"),
        ({"from": "-1", "to": "5"}, "from: '-1' is not allowed"),
        ({"from": "1.5", "to": "5"}, "from: '1.5' is not allowed"),
        ({"from": "nan", "to": "5"}, "from: 'nan' is not allowed"),
        ({"from": "0", "to": "9000000000000000000"}, "to: '9000000000000000000' is not allowed"),
        ({"from": "٣", "to": "5"}, "from: '٣' is not allowed"),
        ({"step": "60", "points": "10"}, "points: '10' cannot be combined with step"),
        ({"step": "7"}, "step: 7 is not offered"),
        ({"step": "0"}, "step: '0' is not allowed"),
        ({"points": "5001"}, "points: '5001' is not allowed; it must be a whole number from 1 to 5000"),
        ({"range": "7d", "step": "5"}, "step: a step of 5 s gives 120960 elements"),
        ({"step": "5184001"}, "step: 5184001 is not offered; allowed are 5, 10"),
        ({"series": "modes,all"}, "series: 'all' is not allowed; it must be any of modes, cores, load, pressure"),
        ({"rnage": "1h"}, "'rnage': unknown parameter"),
    ],
)
def test_a_bad_request_is_told_the_parameter_the_value_and_what_is_allowed(query: dict[str, str], said: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        choose_grid(parse_query(query, NEWEST), [5])

    assert str(refused.value).startswith(said)


def test_a_span_may_be_written_in_iso_8601() -> None:
    written = parse_query({"from": "2025-11-23T00:00", "to": "2025-11-23T12:00:00+02:00"}, NEWEST)

    assert (written.from_time, written.to_time) == (1_763_856_000, 1_763_892_000)


def test_a_step_of_any_number_of_months_is_offered() -> None:
    assert grid_for(from_="0", to=str(NEWEST), step="7776000").step == 7_776_000


def test_all_begins_with_the_first_sample_and_is_the_last_hour_before_there_is_one() -> None:
    assert parse_query({"range": "all"}, NEWEST, NEWEST - 10).from_time == NEWEST - 10
    assert parse_query({"range": "all"}, NEWEST, None).from_time == NEWEST - 3600


@given(
    from_time=st.integers(0, NEWEST - 1),
    length=st.integers(1, 10**8),
    points=st.integers(1, 5000),
    interval=st.sampled_from([1, 4, 5, 12, 60]),
)
def test_every_grid_is_aligned_dense_and_within_its_limit(
    from_time: int, length: int, points: int, interval: int
) -> None:
    asked = parse_query({"from": str(from_time), "to": str(from_time + length), "points": str(points)}, NEWEST)
    grid = choose_grid(asked, [interval])

    assert grid.step % interval == 0
    assert grid.length <= points
    assert grid.start % grid.step == 0
    assert grid.from_time < grid.start <= grid.from_time + grid.step
    if grid.length:
        assert grid.start + (grid.length - 1) * grid.step == grid.end <= grid.to_time


@settings(max_examples=300)
@given(
    query=st.dictionaries(
        st.sampled_from(["range", "from", "to", "step", "points", "series"]) | st.text(),
        st.sampled_from([*RANGES, *SERIES, "modes,cores", "0", "5", "60", str(MAX_TIME), str(NEWEST - 9)]) | st.text(),
        max_size=4,
    ),
    intervals=st.sets(st.sampled_from([1, 4, 5, 12, 60]), min_size=1),
)
def test_any_text_is_a_grid_within_the_limit_or_refused_in_one_line(query: dict[str, str], intervals: set[int]) -> None:
    answer = grid_or_refusal(query, intervals)

    assert answer.isprintable() if isinstance(answer, str) else 0 <= answer.length <= MAX_POINTS


def test_every_named_range_is_a_whole_number_of_minutes() -> None:
    assert all(seconds % 60 == 0 for seconds in RANGES.values())
