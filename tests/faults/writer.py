"""Writes samples and names through the product's own store as fast as it can; prints each time once both are committed.

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
from tests.faults.named import LATE_S, reading
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
        read_at = store.blames.newest or START
        while True:
            time += STEP * chance.choice(HOLES)
            one = sample(time, busy=chance.randrange(1000), run=run.id)
            await store.writer.add([Measured(sample=one, cause=Cause.CRASHED)])
            await store.blames.add([reading(read_at, time)])
            read_at = time
            os.write(1, b"%d\n" % time)
            # What is over is packed at once: an hour of them takes less than a second.
            await store.blames.pack_next(time + LATE_S)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
