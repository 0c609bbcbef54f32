import asyncio

from hypothesis import given
from hypothesis import strategies as st

from cpusensor.kernel.clock import SystemClock
from cpusensor.model.grid import due_slot, slot_at
from tests.service import TIMEOUT_S

INTERVALS = st.sampled_from([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60])


@given(wall=st.floats(0, 4e9), interval=INTERVALS)
def test_a_slot_is_the_newest_multiple_of_the_interval(wall: float, interval: int) -> None:
    slot = slot_at(wall, interval)

    assert slot % interval == 0
    assert slot <= wall < slot + interval


def test_a_reading_a_little_early_or_late_belongs_to_the_slot_that_was_waited_for() -> None:
    assert due_slot(99.998, 100, 5) == 100
    assert due_slot(100.0, 100, 5) == 100
    assert due_slot(104.9, 100, 5) == 100


def test_a_reading_late_by_a_whole_step_belongs_to_the_newest_slot() -> None:
    assert due_slot(105.0, 100, 5) == 105
    assert due_slot(163.2, 100, 5) == 160


async def test_the_system_clock_sleeps_until_an_absolute_deadline() -> None:
    clock = SystemClock()
    due = clock.now().monotonic + 0.05

    async with asyncio.timeout(TIMEOUT_S):
        await clock.sleep_until(due)
        await clock.sleep_until(due - 100)

    assert clock.now().monotonic >= due
