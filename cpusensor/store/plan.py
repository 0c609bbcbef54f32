"""Which stored rows a query reads: of the coarsest tier that fits its step; of finer ones where it has none. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cpusensor.model.grid import bucket_end, slot_at
from cpusensor.model.records import Span
from cpusensor.model.rollup import Tier
from cpusensor.store.statements import bucket_columns, group, rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How far a tier goes: its rollups in (kept_from, closed] are all that there are."""

    tier: Tier
    kept_from: int
    """0 where it begins with the first sample."""
    closed: int
    """The time of its newest rollup; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The rows of one tier, or without one the samples, in (from_time, to_time]."""

    tier: Tier | None
    from_time: int
    to_time: int
    columns: frozenset[str] | None = None
    """Those that are read; None for all. Of sealed hours no others need to be unpacked."""


def tiers_for(step: int, tiers: Sequence[Tier]) -> list[Tier]:
    """The tiers whose rollups buckets of `step` seconds are made of, the coarsest first."""
    return [tier for tier in reversed(tiers) if step % tier.seconds == 0]


def plan(from_time: int, to_time: int, extents: Sequence[Extent]) -> Iterator[Part]:
    """The parts of (from_time, to_time], in order: each tier where it is kept and closed, and finer ones elsewhere.

    `extents` come from the coarsest tier to the finest. A rollup that the span cuts is made of finer ones, too.
    """
    if from_time >= to_time:
        return
    if not extents:
        yield Part(tier=None, from_time=from_time, to_time=to_time)
        return
    extent, *finer = extents
    begin = bucket_end(max(from_time, extent.kept_from), extent.tier.seconds)
    end = slot_at(min(extent.closed, to_time), extent.tier.seconds)
    if begin >= end:
        yield from plan(from_time, to_time, finer)
        return
    # Each part begins where the one before ends, so that no sample counts twice and none is missed.
    yield from plan(from_time, begin, finer)
    yield Part(tier=extent.tier, from_time=begin, to_time=end)
    yield from plan(end, to_time, finer)


ROWS_A_SLICE, SAMPLES_A_SLICE_S = 1440, 86_400
"""How many rollups are read at a time, a day of minutes or a year of quarter-days; of samples, those of a day."""


def slices(parts: Iterable[Part]) -> Iterator[Part]:
    """The same in pieces, in order, none of which holds more rows than fit into memory well."""
    for part in parts:
        width = ROWS_A_SLICE * part.tier.seconds if part.tier else SAMPLES_A_SLICE_S
        for begin in range(part.from_time, part.to_time, width):
            yield replace(part, from_time=begin, to_time=min(begin + width, part.to_time))


def rows_of_buckets(
    parts: Sequence[Part], step: int, interval: int | None, names: Sequence[str]
) -> tuple[str, tuple[int, ...]]:
    """The query for the buckets of `step` seconds that the parts hold, in no order, and its arguments.

    `interval` is the number of seconds between two samples, None where that is not the same for all; `names` are the
    columns.
    """
    # Rows that are buckets already are not grouped, which takes longer than to read them.
    is_ready = {part: (part.tier.seconds if part.tier else interval) == step for part in parts}
    ready = [part for part in parts if is_ready[part]]
    others = [part for part in parts if not is_ready[part]]
    sql, arguments = rows_of_parts(ready, bucket_columns(names))
    grouped, more = rows_of_parts(others, bucket_columns(names))
    queries = [sql] * bool(ready) + [group(grouped, step, names)] * bool(others)
    return " UNION ALL ".join(queries), arguments + more


def joined(parts: Iterable[Part]) -> list[Span]:
    """The spans that the parts cover, neighbours as one; the parts are in order."""
    spans: list[Span] = []
    for part in parts:
        is_next = spans and spans[-1].to_time == part.from_time
        begin = spans.pop().from_time if is_next else part.from_time
        spans.append(Span(from_time=begin, to_time=part.to_time))
    return spans


def rows_of_parts(parts: Sequence[Part], columns: str) -> tuple[str, tuple[int, ...]]:
    """The query for these columns of the rows of the parts, and its arguments."""
    sql = " UNION ALL ".join(rows_of(part.tier, columns) for part in parts)
    return sql, tuple(time for part in parts for time in (part.from_time, part.to_time))
