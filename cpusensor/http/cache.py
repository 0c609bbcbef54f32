"""What is sent as it lies in memory, plain and compressed, and made once however many ask for it at a time."""

import asyncio
import gzip
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

COMPRESSION = 6
"""Level of gzip: an hour takes 0.3 ms; 9 saves no byte of a hundred and takes twice as long."""

MAX_KEPT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a response carries."""

    plain: bytes
    gzipped: bytes
    content_type: str


def body_of(plain: bytes, content_type: str) -> Body:
    """Compress it; for anything large, not in the event loop."""
    gzipped = gzip.compress(plain, COMPRESSION, mtime=0)
    return Body(plain=plain, gzipped=gzipped, content_type=content_type)


class Answers:
    """The answers of the present moment. The event loop's alone."""

    def __init__(self) -> None:
        self._moment: Hashable = None
        self._kept: dict[Hashable, asyncio.Task[Body]] = {}

    async def get(self, moment: Hashable, key: Hashable, make: Callable[[], Coroutine[Any, Any, Body]]) -> Body:
        """The answer to a key, made now unless it was made, or is being made, at the same moment.

        Whoever asked and left does not end what others wait for. What making it raises, all of them get.
        """
        if moment != self._moment or len(self._kept) >= MAX_KEPT:
            self._moment = moment
            self._kept = {}
        making = self._kept.get(key)
        if making is None:
            making = self._kept[key] = asyncio.ensure_future(make())
            making.add_done_callback(partial(_forget_failed, self._kept, key))
        return making.result() if making.done() else await asyncio.shield(making)


def _forget_failed(kept: dict[Hashable, asyncio.Task[Body]], key: Hashable, made: asyncio.Task[Body]) -> None:
    """The next one to ask shall try again."""
    if made.cancelled() or made.exception() is not None:
        kept.pop(key, None)
