"""`server.py` that notes how it fares meanwhile. `python -m tests.bench.watched FLAGS`.

WATCHED_NOTES names a file to which it writes at its end, a line each: `late`, `commit` or `pause`, when, and how many
milliseconds: by which a tick came late, a commit of samples took, the event loop let a sleeper of 5 ms oversleep. With
`--bare` first it is a loop with that sleeper and nothing else, until SIGTERM.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cpusensor.config.settings import load_settings
from cpusensor.http.app import create_app
from cpusensor.http.listening import listen
from cpusensor.http.serving import serve
from cpusensor.kernel.clock import SystemClock
from cpusensor.logs import configure_logging
from cpusensor.model.records import Measured, Tick
from cpusensor.store.writer import Writer

NAP_S = 0.005


class Notes:
    """Kept until the end, so that noting them takes no time meanwhile."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, float, float]] = []

    def add(self, kind: str, seconds: float) -> None:
        self._lines.append((kind, time.time(), 1000 * seconds))

    def write(self, path: Path) -> None:
        path.write_text("".join(f"{kind} {at:.3f} {ms:.3f}\n" for kind, at, ms in self._lines))


class NotingClock(SystemClock):
    """The machine's clock; it notes how late it wakes the sampling."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    async def sleep_until(self, monotonic: float) -> None:
        await super().sleep_until(monotonic)
        task = asyncio.current_task()
        if task is not None and task.get_name() == "sampling":
            self._notes.add("late", time.monotonic() - monotonic)


def time_commits(notes: Notes) -> None:
    """Note how long the recording waits until its samples are stored, its turn among those who write included."""
    add = Writer.add

    async def timed(self: Writer, measured: Sequence[Measured]) -> list[Tick]:
        began = time.perf_counter()
        ticks = await add(self, measured)
        notes.add("commit", time.perf_counter() - began)
        return ticks

    Writer.add = timed  # type: ignore[method-assign]


async def nap_forever(notes: Notes) -> None:
    """Note by how much each nap is too long."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(NAP_S)
        notes.add("pause", time.perf_counter() - began - NAP_S)


async def serve_watched(notes: Notes) -> int:
    """Serve as server.py does."""
    settings = load_settings()
    configure_logging(settings.log_format)
    time_commits(notes)
    napping = asyncio.create_task(nap_forever(notes))
    with listen(settings) as listener:
        try:
            return await serve(create_app(settings, clock=NotingClock(notes)), listener)
        finally:
            napping.cancel()


async def nap_until_told(notes: Notes) -> int:
    """Nothing else, as a peer of the service's loop."""
    napping = asyncio.create_task(nap_forever(notes))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    napping.cancel()
    return 0


def main() -> int:
    """Its status."""
    notes = Notes()
    status = asyncio.run(nap_until_told(notes) if sys.argv[1:2] == ["--bare"] else serve_watched(notes))
    notes.write(Path(os.environ["WATCHED_NOTES"]))
    return status


if __name__ == "__main__":
    sys.exit(main())
