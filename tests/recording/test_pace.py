from hypothesis import given
from hypothesis import strategies as st

from cpusensor.recording.pace import MAX_OF_BUSY, MAX_OF_CORE, WINDOW_S, Pace


def follow(pace: Pace, seconds: int, *, busy_us: int, cost_us: int, begin: int = 0) -> list[int]:
    """Samples of 5 s with so much work; when names were read."""
    read: list[int] = []
    since = begin
    for time in range(begin + 5, begin + seconds + 1, 5):
        if pace.is_due(time, 5000, busy_us):
            pace.begin(time)
            pace.pay(since, time, busy_us * (time - since) // 5, cost_us)
            read.append(time)
            since = time
    return read


def test_with_a_quarter_of_a_second_to_explain_names_are_read_at_every_tick_else_once_a_minute() -> None:
    assert follow(Pace(), 20, busy_us=250_000, cost_us=1000) == [5, 10, 15, 20]
    assert follow(Pace(), 130, busy_us=249_999, cost_us=1000) == [5, 65, 125]


def test_samples_every_second_do_not_make_it_more() -> None:
    pace = Pace()

    due = []
    for time in range(1, 12):
        if pace.is_due(time, 1000, 900_000):
            pace.begin(time)
            due.append(time)

    assert due == [1, 6, 11]


def test_what_costs_too_much_of_a_core_is_done_half_as_often() -> None:
    pace = Pace()

    # 0.5 % of a core is 25 ms in 5 s.
    read = follow(pace, 60, busy_us=10_000_000, cost_us=40_000)

    assert pace.every_s == 10
    assert read[:4] == [5, 15, 25, 35]


def test_it_is_done_as_often_as_before_once_it_costs_less() -> None:
    pace = Pace()
    follow(pace, 600, busy_us=10_000_000, cost_us=40_000)

    follow(pace, 1200, busy_us=10_000_000, cost_us=1000, begin=600)

    assert pace.every_s == 5


@given(st.integers(0, 400_000), st.integers(1, 10_000_000))
def test_over_ten_minutes_it_stays_within_both_limits(cost_us: int, busy_us: int) -> None:
    pace = Pace()
    follow(pace, 3600, busy_us=busy_us, cost_us=cost_us)

    read = follow(pace, 7200, busy_us=busy_us, cost_us=cost_us, begin=3600)
    spent = len([time for time in read if time > 10_800 - WINDOW_S]) * cost_us

    limit = min(MAX_OF_CORE * 1e6 * WINDOW_S, MAX_OF_BUSY * busy_us * WINDOW_S / 5)
    # One more than fits may fall into the window, and intervals have a longest one.
    assert spent <= limit + cost_us or pace.doublings == 6
