"""Writes samples through the product's own store as fast as it can, and prints each one's time once it is committed.

`python -m tests.faults.writer DATABASE`: to be killed.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from cpusensor.model.records import Cause, Measured
from cpusensor.store.opening import open_history
from tests.fakes import START
from tests.samples import sample

STEP = 5
HOLES = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 9, 30)
"""Most samples follow the one before; some leave slots empty."""


async def write(path: Path, now: int) -> None:
    """Go on after the newest sample, without end."""
    chance = random.Random(now)  # noqa: S311 - leaves holes here and there
    async with open_history(path, now) as store:
        run = await store.runs.start("boot-1", now, STEP, "1.0.0")
        time = store.writer.newest.time if store.writer.newest else START
        while True:
            time += STEP * chance.choice(HOLES)
            one = sample(time, busy=chance.randrange(1000), run=run.id)
            await store.writer.add([Measured(sample=one, cause=Cause.CRASHED)])
            os.write(1, b"%d\n" % time)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
