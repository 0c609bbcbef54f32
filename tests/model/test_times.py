from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.times import MAX_TIME, parse_time

NOON = 1_795_780_800
"""12:00 of 27 November 2026 in UTC."""


@pytest.mark.parametrize(
    "text",
    [
        "1795780800",
        "2026-11-27T12:00:00Z",
        "2026-11-27T12:00",
        "2026-11-27 12:00",
        "20261127T120000Z",
        "2026-11-27T12:00:00.999+00:00",
        "2026-11-27T14:00:00+02:00",
        "2026-11-27T14:00:00 02:00",
        "2026-11-27T04:00:00-0800",
    ],
)
def test_a_time_is_epoch_seconds_or_iso_8601_whose_zone_is_utc_unless_it_names_one(text: str) -> None:
    assert parse_time(text) == NOON


def test_a_date_is_its_midnight() -> None:
    assert parse_time("2026-11-27") == NOON - 43_200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-1",
        "1.5",
        "1e9",
        "٣",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00+14:00",
    ],
)
def test_what_is_no_time_between_1970_and_9999_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time; it must be epoch seconds or ISO 8601"):
        parse_time(text)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_no_value(text: str) -> None:
    with suppress(ValueError):
        assert 0 <= parse_time(text) <= MAX_TIME


@given(st.integers(0, MAX_TIME - 86_400), st.integers(-840, 840))
def test_every_second_is_the_same_in_every_zone(time: int, minutes: int) -> None:
    moment = datetime.fromtimestamp(time + 43_200, UTC).astimezone(timezone(timedelta(minutes=minutes)))

    assert parse_time(moment.isoformat()) == time + 43_200
