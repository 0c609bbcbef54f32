"""Histories for properties, and a look into the file from outside."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from cpusensor.store.opening import History, open_history
from tests.samples import NOON

LATER = NOON + 86_400


@asynccontextmanager
async def new_store() -> AsyncIterator[History]:
    """A database of its own for each example of a property."""
    with TemporaryDirectory() as directory:
        async with open_history(Path(directory) / "cpusensor.db", NOON) as opened:
            await opened.runs.start("boot-1", NOON, 5, "1.0.0")
            yield opened


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def drop_views(connection: sqlite3.Connection) -> None:
    """Take back all views, as before a migration that makes them."""
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
        connection.execute(f"DROP VIEW {name}")
