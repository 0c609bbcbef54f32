"""Whether the clock is believed, and where samples belong that were measured before it was."""

from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.records import Measured, Moment
from cpusensor.recording.clock_trust import BEHIND, DOUBT_S, NOT_SET, ClockTrust
from tests.samples import NOON, at, measured


def moment(wall: float, since: float = 0.0) -> Moment:
    return Moment(wall=wall, monotonic=since, boottime=1000.0 + since)


def corrected(trust: ClockTrust, one: Measured) -> int:
    dated = trust.correct_time(one)
    assert dated is not None
    return dated.sample.time


def test_a_clock_that_goes_on_from_the_history_is_believed_at_once() -> None:
    assert ClockTrust(moment(NOON), NOON - 5, 5).doubt is None
    assert ClockTrust(moment(NOON), None, 5).doubt is None


def test_a_clock_behind_the_history_is_believed_once_it_is_set() -> None:
    trust = ClockTrust(moment(NOON), NOON + 600, 5)
    doubts = [trust.doubt]
    is_believed = [trust.follow(moment(NOON + 5, 5), 0.0), trust.follow(moment(NOON + 710, 10), 700.0)]

    assert (doubts, is_believed, trust.doubt) == ([BEHIND], [False, True], None)


def test_a_step_that_is_not_enough_leaves_it_in_doubt_and_counts() -> None:
    trust = ClockTrust(moment(NOON), NOON + 600, 5)
    (waiting,) = measured(*at(1))

    assert not trust.follow(moment(NOON + 110, 10), 100.0)
    assert trust.follow(moment(NOON + 715, 15), 600.0)
    assert corrected(trust, waiting) == waiting.sample.time + 700


def test_after_an_hour_it_is_the_history_that_is_not_believed() -> None:
    trust = ClockTrust(moment(NOON), NOON + 10**9, 5)

    assert not trust.follow(moment(NOON + DOUBT_S - 5, DOUBT_S - 5), 0.0)
    assert trust.follow(moment(NOON + DOUBT_S, DOUBT_S), 0.0)


def test_a_clock_before_the_year_2000_is_never_believed() -> None:
    trust = ClockTrust(moment(10), None, 5)

    assert trust.doubt == NOT_SET
    assert not trust.follow(moment(10 + 2 * DOUBT_S, 2 * DOUBT_S), 0.0)
    assert trust.doubt == NOT_SET


@given(by=st.floats(-1e9, 1e9), interval=st.sampled_from([1, 5, 10, 60]))
def test_samples_that_waited_keep_their_distance_and_the_grid(by: float, interval: int) -> None:
    trust = ClockTrust(moment(10), None, interval)
    trust.follow(moment(10 + by, 1), by)

    times = [corrected(trust, one) for one in measured(*at(12, 24, 36))]

    assert [time - times[0] for time in times] == [0, 60, 120]
    assert all(time % interval == 0 for time in times)
    assert abs(times[0] - (NOON + 60) - by) <= interval / 2
