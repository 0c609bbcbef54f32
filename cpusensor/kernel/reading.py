"""Takes a reading without ever waiting for longer than a moment."""

import asyncio
import threading
from concurrent.futures import Future

from cpusensor.kernel.clock import Clock
from cpusensor.kernel.counters import Kernel, UnreadableError
from cpusensor.model.records import Reading

HANG_S = 0.5
"""How long a reading that may hang is waited for."""

MAX_STUCK = 4
"""How many threads may be stuck in a reading: a file system that died never lets go of them."""


class Readings:
    """Reads the counters together with the clocks.

    Where the kernel itself answers, that takes microseconds and is done at once. Where a file system is mounted over
    the counters, as lxcfs is, an answer may never come: there a thread reads, which the end of the process ends.
    """

    def __init__(self, kernel: Kernel, clock: Clock, hang_s: float = HANG_S) -> None:
        self._kernel = kernel
        self.clock = clock
        self._hang_s = hang_s
        self._stuck: list[threading.Thread] = []

    async def take(self) -> Reading:
        """The counters now. Raises UnreadableError."""
        if not self._kernel.may_hang():
            return self._read()
        self._stuck = [thread for thread in self._stuck if thread.is_alive()]
        if len(self._stuck) >= MAX_STUCK:
            raise UnreadableError("the system does not answer")
        return await self._read_in_thread()

    async def _read_in_thread(self) -> Reading:
        """Not in a thread of the loop's own pool: the end of the process would wait for that one."""
        taken: Future[Reading] = Future()
        thread = threading.Thread(target=self._settle, args=(taken,), name="reading", daemon=True)
        thread.start()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(taken), self._hang_s)
        except TimeoutError:
            self._stuck.append(thread)
            raise UnreadableError("the system does not answer") from None

    def _settle(self, taken: Future[Reading]) -> None:
        try:
            reading = self._read()
        except Exception as error:  # noqa: BLE001 - raised again where the reading is waited for
            if taken.set_running_or_notify_cancel():
                taken.set_exception(error)
        else:
            if taken.set_running_or_notify_cancel():
                taken.set_result(reading)

    def _read(self) -> Reading:
        moment, counters = self.clock.now(), self._kernel.read()
        return Reading(moment=moment, counters=counters)
