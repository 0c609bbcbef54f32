"""A reading that may hang is waited for in a thread of its own, and not for long."""

import asyncio
from threading import Event

import pytest

from cpusensor.kernel.counters import UnreadableError
from cpusensor.kernel.reading import MAX_STUCK, Readings
from cpusensor.model.records import Counters
from tests.fakes import FakeClock, FakeKernel


class HangingKernel(FakeKernel):
    """Answers once it is let go."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.is_free = Event()
        self.readings = 0

    def may_hang(self) -> bool:
        return True

    def read(self) -> Counters:
        self.readings += 1
        self.is_free.wait()
        return super().read()


async def test_what_cannot_hang_is_read_where_it_is_asked_for(clock: FakeClock) -> None:
    kernel = FakeKernel(clock)

    reading = await Readings(kernel, clock).take()

    assert (reading.moment, len(reading.counters.cpus)) == (clock.now(), 2)


async def test_a_reading_that_hangs_holds_up_nobody_and_takes_no_end_of_threads(clock: FakeClock) -> None:
    kernel = HangingKernel(clock)
    readings = Readings(kernel, clock, timeout_s=0.01)
    for _ in range(3 * MAX_STUCK):
        with pytest.raises(UnreadableError, match="the system does not answer"):
            await readings.take()

    assert kernel.readings == MAX_STUCK
    kernel.is_free.set()
    async with asyncio.timeout(60):
        while kernel.readings == MAX_STUCK:
            try:
                await Readings(kernel, clock, timeout_s=60).take()
            except UnreadableError:
                await asyncio.sleep(0)


async def test_what_fails_in_the_thread_fails_where_it_is_waited_for(clock: FakeClock) -> None:
    kernel = HangingKernel(clock)
    kernel.is_free.set()
    kernel.failure = "EIO"

    with pytest.raises(UnreadableError, match="EIO"):
        await Readings(kernel, clock, timeout_s=60).take()
