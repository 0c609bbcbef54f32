"""Connections that answer no query for long."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from cpusensor.store.database import RECENT_S, Database, ReadError

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


async def _nothing_to_do(version: int) -> None:
    """A new file has nothing to be kept of an older version."""


@pytest.mark.parametrize("span_s", [RECENT_S, RECENT_S + 1])
async def test_a_query_that_takes_too_long_is_cut_short(path: Path, span_s: int) -> None:
    opened = Database(path, _nothing_to_do)
    await opened.open(is_new=True)
    for _ in range(2):
        with pytest.raises(ReadError, match=r"^this takes longer than 0\.1 s; ask for a shorter range$"):
            await opened.read(span_s, ENDLESS, (), timeout_s=0.1)

    assert await opened.read(span_s, "SELECT 1", ()) == [(1,)]
    await opened.close()


@pytest.mark.parametrize("steps", range(6))
async def test_a_transaction_that_is_cancelled_at_any_step_does_not_hold_up_the_next(path: Path, steps: int) -> None:
    opened = Database(path, _nothing_to_do)
    await opened.open(is_new=True)

    async def write() -> None:
        async with opened.transaction():
            await opened.execute("DELETE FROM gap")

    writing = asyncio.create_task(write())
    for _ in range(steps):
        await asyncio.sleep(0)
    writing.cancel()
    with suppress(asyncio.CancelledError):
        await writing

    async with opened.transaction():
        rows = await opened.execute("SELECT 1")
    await opened.close()
    assert list(rows) == [(1,)]
