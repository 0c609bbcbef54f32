"""Finds the rollups that say what cannot be."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from cpusensor.model.kept import Kept
from cpusensor.model.rollup import Tier
from cpusensor.store.columns import GarbledError, Row, sound_rollup
from cpusensor.store.database import Queries
from cpusensor.store.plan import Part
from cpusensor.store.statements import rows_of


class Rollups(Protocol):
    """Knows what is kept, and is told what is damaged."""

    @property
    def kept(self) -> Kept:
        """Since when samples and minutes are."""

    def note_damaged(self, tier: Tier, faults: Mapping[int, str]) -> None:
        """The rows of a tier that say what cannot be, by their times."""


def damaged_among(rows: Sequence[Row]) -> dict[int, str]:
    """What is wrong with each damaged row of a tier, by its time."""
    damaged = {}
    for row in rows:
        try:
            sound_rollup(row)
        except GarbledError as error:
            damaged[row[0]] = str(error)
    return damaged


async def find_damaged(database: Queries, rollups: Rollups, parts: Sequence[Part]) -> set[Tier]:
    """The tiers of which some row in the parts is damaged; each such row is noted, to be added up anew.

    Raises ReadError.
    """
    damaged = set()
    for part in parts:
        if part.tier is not None:
            span = part.from_time, part.to_time
            rows = await database.read(span[1] - span[0], rows_of(part.tier), span, (part,))
            found = await asyncio.to_thread(damaged_among, rows)
            rollups.note_damaged(part.tier, found)
            damaged |= {part.tier} if found else set()
    return damaged
