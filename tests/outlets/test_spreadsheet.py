from hypothesis import given
from hypothesis import strategies as st

from cpusensor.model.buckets import Buckets
from cpusensor.model.query import Answer, Grid, Question
from cpusensor.model.records import Cause, Gap
from cpusensor.model.rollup import as_rollup
from cpusensor.model.times import MAX_TIME
from cpusensor.outlets import spreadsheet
from tests.samples import NOON, sample, without_known

SERIES = ("modes", "cores", "load", "pressure")
GRID = Grid(from_time=NOON, to_time=NOON + 20, step=5)


def answer(interval: int = 5) -> Answer:
    """A sample that knows all, one that knows the least, and a gap between them."""
    samples = [sample(NOON + 5), without_known(sample(NOON + 20, 123))]
    return Answer(
        grid=GRID,
        interval=interval,
        buckets=Buckets.of(map(as_rollup, samples)),
        cores={NOON + 5: samples[0].cores or ()},
        gaps=[Gap(from_time=NOON + 5, to_time=NOON + 15, cause=Cause.CRASHED, busy=None, all=None)],
        open_gap=None,
        clock_steps=[],
    )


def test_a_line_for_each_element_empty_where_nothing_is_known() -> None:
    assert spreadsheet.rows(answer(), SERIES, [0, 1]).decode().splitlines() == [
        "2025-11-23T22:20:05Z,25.0,25.0,0.0,0.0,0.0,0.0,25.0,25.0,0.42,0.02,",
        "2025-11-23T22:20:10Z,,,,,,,,,,,crashed",
        "2025-11-23T22:20:15Z,,,,,,,,,,,crashed",
        "2025-11-23T22:20:20Z,12.3,12.3,0.0,0.0,,,,,,,",
    ]


def test_above_the_interval_there_are_extremes_and_the_number_of_samples() -> None:
    assert spreadsheet.rows(answer(interval=1), (), []).decode().splitlines()[:2] == [
        "2025-11-23T22:20:05Z,25.0,25.0,25.0,1,",
        "2025-11-23T22:20:10Z,,,,0,crashed",
    ]


def test_the_names_are_those_of_the_columns() -> None:
    named = {
        step: spreadsheet.header(
            Question(grid=Grid(from_time=7, to_time=900, step=step), interval=5, series=SERIES), [0, 2]
        )
        for step in (5, 60)
    }

    assert named == {
        5: b"time,cpu,user,system,irq,iowait,steal,cpu0,cpu2,load,pressure,gap\n",
        60: b"time,cpu,min,max,count,user,system,irq,iowait,steal,cpu0,cpu2,load,pressure,gap\n",
    }


@given(time=st.integers(0, MAX_TIME - 10), step=st.integers(1, 10))
def test_the_time_of_each_line_is_that_of_its_element(time: int, step: int) -> None:
    grid = Grid(from_time=time, to_time=time + 10, step=step)
    nothing = Answer(grid=grid, interval=1, buckets=Buckets(()), cores={}, gaps=[], open_gap=None, clock_steps=[])

    lines = spreadsheet.rows(nothing, (), []).decode().splitlines()

    assert [line.partition(",")[0] for line in lines] == [
        spreadsheet.time_text(one) for one in range(grid.start, grid.end + 1, step)
    ]
