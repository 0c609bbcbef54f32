"""Seals hours and opens them again as fast as it can, and prints what it did once it is committed.

`python -m tests.faults.sealer DATABASE`: to be killed.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from cpusensor.model.records import Cause, Measured
from cpusensor.store.opening import open_history
from cpusensor.store.sealed import HOUR
from tests.fakes import START
from tests.faults.named import LATE_S, reading
from tests.samples import sample

STEP = 20
BEGIN = -(-START // HOUR) * HOUR
END = BEGIN + 6 * HOUR


def busy_at(time: int) -> int:
    """The busy ticks of the sample at a time, whoever writes it."""
    return time // STEP * 37 % 1000


async def seal(path: Path) -> None:
    """Seal all that can be; then write into one of the hours by a clock that was set back; without end."""
    chance = random.Random()  # noqa: S311 - picks an hour
    async with open_history(path, END) as opened:
        run = await opened.runs.start("boot-1", END, STEP, "1.0.0")
        while True:
            while await opened.sealing.seal_slice(END - HOUR):
                os.write(1, b"sealed\n")
            while await opened.blames.pack_next(END + LATE_S):
                pass
            at = BEGIN + STEP * chance.randint(1, 5 * HOUR // STEP)
            one = sample(at, busy=busy_at(at), run=run.id)
            await opened.writer.add([Measured(sample=one, cause=Cause.CLOCK)])
            await opened.blames.add([reading(at - STEP, at)])
            os.write(1, b"opened\n")


if __name__ == "__main__":
    asyncio.run(seal(Path(sys.argv[1])))
