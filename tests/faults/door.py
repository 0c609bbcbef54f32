"""`server.py` with a wall clock, a /proc or a stop-watch of the fault's making. `python -m tests.faults.door FLAGS`.

FAULT_OFFSET names a file that holds by how many seconds the wall clock is wrong, FAULT_PROCFS a folder that stands for
/proc, FAULT_LATENESS a file to which each tick appends by how many milliseconds it came late.
"""

import asyncio
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil

from cpusensor.config.settings import load_settings
from cpusensor.http.app import create_app
from cpusensor.http.listening import listen
from cpusensor.http.serving import serve
from cpusensor.kernel.clock import SystemClock
from cpusensor.logs import configure_logging
from cpusensor.model.records import Moment


class WrongClock(SystemClock):
    """The machine's clock, wrong by what a file says; it notes how late it wakes the sampling."""

    def __init__(self, offset: str | None, lateness: str | None) -> None:
        self._offset = Path(offset) if offset else None
        self._lateness = Path(lateness) if lateness else None
        self._notes: list[float] = []

    def now(self) -> Moment:
        moment = super().now()
        if self._offset is None:
            return moment
        return replace(moment, wall=moment.wall + float(self._offset.read_text()))

    async def sleep_until(self, monotonic: float) -> None:
        await super().sleep_until(monotonic)
        late_ms = 1000 * (time.monotonic() - monotonic)
        task = asyncio.current_task()
        if self._lateness is not None and task is not None and task.get_name() == "sampling":
            self._notes.append(late_ms)

    def tell(self) -> None:
        """Write the notes, all at the end so that noting them takes no time meanwhile."""
        if self._lateness is not None:
            self._lateness.write_text("\n".join(f"{late_ms:.3f}" for late_ms in self._notes))


def main() -> int:
    """Serve as server.py does."""
    psutil.PROCFS_PATH = os.environ.get("FAULT_PROCFS", "/proc")
    settings = load_settings()
    configure_logging(settings.log_format)
    clock = WrongClock(os.environ.get("FAULT_OFFSET"), os.environ.get("FAULT_LATENESS"))
    with listen(settings) as listener:
        status = asyncio.run(serve(create_app(settings, clock=clock), listener))
    clock.tell()
    return status


if __name__ == "__main__":
    sys.exit(main())
