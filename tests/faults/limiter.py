"""Seals all of a history and gives up what a tiny limit does not allow, as the service does, until it is killed.

`python -m tests.faults.limiter FILE HOURS`, of a history that lasted so many hours.
"""

import asyncio
import sys
from pathlib import Path

from cpusensor.recording.health import Problems
from cpusensor.recording.sealer import Sealer
from cpusensor.store.limit import SPARE
from cpusensor.store.opening import open_history
from tests.fakes import START


async def limit(path: Path, hours: int) -> None:
    """Say that it begins, and do all that there is to do."""
    async with open_history(path, START + hours * 3600, max_bytes=SPARE + 1) as history:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await Sealer(history, Problems(), 3600, lambda: 1.0).seal_forever()


if __name__ == "__main__":
    asyncio.run(limit(Path(sys.argv[1]), int(sys.argv[2])))
