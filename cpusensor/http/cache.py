"""The cache: an answer is made once, plain and compressed, for all who ask for it at the same moment."""

import asyncio
import gzip
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

COMPRESSION = 6
"""Level of gzip: an hour takes 0.3 ms; 9 saves no byte of a hundred and takes twice as long."""

QUICK = 1
"""The level for what is long and asked for once: a day takes 0.3 ms instead of 1.7, and a seventh more bytes."""

MAX_CACHED = 8
"""Answers of one moment: an open page asks for three, and addresses that somebody makes up fill no memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a response carries."""

    plain: bytes
    gzipped: bytes
    content_type: str


def body_of(plain: bytes, content_type: str, level: int = COMPRESSION) -> Body:
    """The text, and the same compressed; once the service runs, a thread does it, so that no sample waits for it."""
    # Without the time of compressing, so that equal texts are equal compressed.
    gzipped = gzip.compress(plain, level, mtime=0)
    return Body(plain=plain, gzipped=gzipped, content_type=content_type)


class Cache:
    """The answers of the present moment. The event loop's alone."""

    def __init__(self, limit: int = MAX_CACHED) -> None:
        """Holds at most `limit` answers."""
        self._limit = limit
        self._moment: Hashable = None
        self._cached: dict[Hashable, asyncio.Task[Body]] = {}

    async def get(self, moment: Hashable, key: Hashable, make: Callable[[], Coroutine[Any, Any, Body]]) -> Body:
        """The answer to `key` at `moment`, by `make` if nobody has asked for it yet. Raises what `make` raises.

        All who ask while it is made wait for the one that is being made, and one of them who leaves does not end it.
        """
        # A moment ends within a second, so emptying a full cache costs less than keeping account of its use would.
        if moment != self._moment or len(self._cached) >= self._limit:
            self._moment = moment
            self._cached = {}
        making = self._cached.get(key)
        if making is None:
            making = self._cached[key] = asyncio.ensure_future(make())
            making.add_done_callback(partial(_forget_failed, self._cached, key))
        # Without the shield a reader who leaves would cancel it for the others.
        return making.result() if making.done() else await asyncio.shield(making)


def _forget_failed(cached: dict[Hashable, asyncio.Task[Body]], key: Hashable, made: asyncio.Task[Body]) -> None:
    """Forget an answer that could not be made, so that the next reader to ask tries again."""
    if made.cancelled() or made.exception() is not None:
        cached.pop(key, None)
