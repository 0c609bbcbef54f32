"""Tells that the disk of the database gets full before it is: there is still time to make room then."""

import asyncio
import logging
from pathlib import Path

from cpusensor.recording.health import Part, Problems
from cpusensor.store.file import room_beside

log = logging.getLogger(__name__)

FLOOR = 64 << 20
"""Free bytes that are few: months of recording, but a single download of something else."""

SMALL = 20
"""Of a small disk the floor is the twentieth part: it is never empty, and what is recorded there is meant to fit."""

RECOVERED = 1.5
"""Times the floor must be free again before all is well: at the floor itself the state would flutter."""

LOOK_S, LOOK_AGAIN_S = 30.0, 5.0
"""Seconds between two looks, while there is room and while there is little."""


class Room:
    """What is known of the free room beside the database."""

    def __init__(self, path: Path, problems: Problems) -> None:
        self._path = path
        self._problems = problems

    async def look(self) -> None:
        """Note, and log once, that little is free, or that there is room again."""
        try:
            # In a thread: a file system that hangs must not hold up the sampling.
            room = await asyncio.to_thread(room_beside, self._path)
        except OSError:
            # A folder that cannot be reached is told by the writing.
            return
        floor = min(FLOOR, room.whole // SMALL)
        if room.free < floor:
            self._tell_low(room.free, floor)
        elif room.free >= RECOVERED * floor and self._problems.end(Part.ROOM):
            log.warning("there is room on the disk of %s again: %s are free", self._path, in_words(room.free))

    def _tell_low(self, free: int, floor: int) -> None:
        # Without what is free: the state would change with every look.
        text = f"the disk is nearly full: less than {in_words(floor)} are free where the database lies"
        if self._problems.begin(Part.ROOM, text):
            log.error("the disk of %s is nearly full: %s are free; make room", self._path, in_words(free))


def in_words(size: int) -> str:
    """Bytes, as MiB from one up."""
    return f"{size >> 20} MiB" if size >> 20 else f"{size >> 10} KiB"


async def watch_room_forever(path: Path, problems: Problems) -> None:
    """Look every half a minute, and more often while the disk is nearly full."""
    room = Room(path, problems)
    while True:
        await room.look()
        await asyncio.sleep(LOOK_AGAIN_S if problems.has(Part.ROOM) else LOOK_S)
