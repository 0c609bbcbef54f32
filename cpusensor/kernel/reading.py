"""Takes a reading of the counters, with a timeout where a file system may hang."""

import asyncio
import threading
from concurrent.futures import Future

from cpusensor.kernel.clock import Clock
from cpusensor.kernel.counters import Kernel, UnreadableError
from cpusensor.model.records import Reading

READ_TIMEOUT_S = 0.5
"""Seconds to wait for a reading that may hang: half the shortest interval, so that the next slot is not missed."""

MAX_STUCK = 4
"""Threads that may hang at a time. A dead file system never releases them, so without a limit they would pile up."""


class Readings:
    """Reads the counters together with the clocks.

    The kernel itself answers within microseconds, so the event loop reads. A file system that is mounted over the
    counters, as lxcfs is, may never answer, so there a daemon thread reads, which the process need not wait for to end.
    """

    def __init__(self, kernel: Kernel, clock: Clock, timeout_s: float = READ_TIMEOUT_S) -> None:
        self._kernel = kernel
        self.clock = clock
        self._timeout_s = timeout_s
        self._stuck: list[threading.Thread] = []

    async def take(self) -> Reading:
        """The counters now, with their instant. Raises UnreadableError, also after the timeout."""
        if not self._kernel.may_hang():
            return self._read()
        # A file system that recovers releases its threads.
        self._stuck = [thread for thread in self._stuck if thread.is_alive()]
        if len(self._stuck) >= MAX_STUCK:
            raise UnreadableError("the system does not answer")
        return await self._read_in_thread()

    async def _read_in_thread(self) -> Reading:
        """As `_read`, in a daemon thread: the process would wait for one of the loop's pool before it ends."""
        taken: Future[Reading] = Future()
        thread = threading.Thread(target=self._settle, args=(taken,), name="reading", daemon=True)
        thread.start()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(taken), self._timeout_s)
        except TimeoutError:
            self._stuck.append(thread)
            raise UnreadableError("the system does not answer") from None

    def _settle(self, taken: Future[Reading]) -> None:
        # After the timeout the future is cancelled, and setting a result of it would raise.
        try:
            reading = self._read()
        except Exception as error:  # noqa: BLE001 - raised again where the reading is waited for
            if taken.set_running_or_notify_cancel():
                taken.set_exception(error)
        else:
            if taken.set_running_or_notify_cancel():
                taken.set_result(reading)

    def _read(self) -> Reading:
        # One right after the other: what the counters rise by is compared with the time between two such moments.
        moment, counters = self.clock.now(), self._kernel.read()
        return Reading(moment=moment, counters=counters)
