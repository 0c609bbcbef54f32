"""The migrations to the newest schema, and the pragmas of the writing connection.

A migration is a file of SQL that is never changed again: databases that it made are out there. The number of those that
were run is the version of the schema (PRAGMA user_version).
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one, because executescript() would commit the open transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip().removesuffix(";")
            statement = ""


MIGRATIONS = tuple(
    tuple(_statements(path.read_text(encoding="utf-8")))
    for path in sorted((Path(__file__).parent / "migrations").glob("*.sql"))
)
"""The statements from each version to the next."""

VERSION_OF_TIERS = 3
"""The first version with more tiers than the minutes."""

VERSION_OF_SEALS = 4
"""The first version with sealed hours."""

VERSION_OF_NAMES = 5
"""The first version that keeps who used the CPU."""

VERSION_OF_WORDS = 6
"""The version whose migration explains the tables and makes the views."""

PLAIN = (
    *(statement for statements in MIGRATIONS[: VERSION_OF_SEALS - 1] for statement in statements),
    # What concerns a table that is not there changes nothing, but for its index.
    *(statement for statement in MIGRATIONS[VERSION_OF_WORDS - 1] if "CREATE INDEX" not in statement),
    f"PRAGMA user_version = {VERSION_OF_SEALS - 1}",
)
"""Make the newest schema that knows no sealed hours, with the words and the views of later ones."""

PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "journal_size_limit = 8388608", "trusted_schema = OFF")
"""For the connection that writes: a killed process loses nothing, a power cut up to some 40 s (pragma.html)."""
