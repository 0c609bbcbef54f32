"""What every peer sends: each second, on the second, the text that it was given, with that second put in."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

PLACE = "0000000000"
"""Where the second goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One event."""

    id: str
    data: str

    @property
    def frame(self) -> bytes:
        """As it goes over the wire."""
        return f"id: {self.id}\nevent: sample\ndata: {self.data}\n\n".encode()


def arguments() -> tuple[int, str]:
    """The port to listen on and the text to send, from the command line."""
    return int(sys.argv[1]), sys.argv[2]


async def each_second(text: str) -> AsyncIterator[Tick]:
    """A tick at each full second of the wall clock; a late one is not left out."""
    due = int(time.time())
    while True:
        due += 1
        await asyncio.sleep(due - time.time())
        yield Tick(id=str(due), data=text.replace(PLACE, str(due)))
