"""Which stored rows a query reads: the coarsest tier that fits its step, and finer ones where that ends. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from cpusensor.model.rollup import Tier
from cpusensor.store.statements import SAMPLE_AS_ROLLUP, rows_of_tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A query for rows as ROLLUP_COLUMNS, with its arguments."""

    sql: str
    arguments: tuple[int, ...]


def tiers_for(step: int, tiers: Sequence[Tier]) -> list[Tier]:
    """The tiers whose rollups buckets of `step` seconds are made of, the coarsest first."""
    return [tier for tier in reversed(tiers) if step % tier.seconds == 0]


def plan(from_time: int, to_time: int, tiers: Sequence[Tier], newest: Sequence[int | None]) -> Plan:
    """The rows in (from_time, to_time], each tier read as far as it is closed, the rest from the next finer one.

    `newest` holds the time of the newest rollup of each of `tiers`, which come as `tiers_for` gives them.
    """
    parts, arguments, reached = [], [], from_time
    # Each tier begins where the coarser one ends, so that no sample counts twice and none is missed.
    for tier, closed in zip(tiers, newest, strict=True):
        parts.append(rows_of_tier(tier.name))
        arguments += [reached, to_time]
        reached = max(reached, closed or 0)
    parts.append(SAMPLE_AS_ROLLUP)
    arguments += [reached, to_time]
    return Plan(sql=" UNION ALL ".join(parts), arguments=tuple(arguments))
