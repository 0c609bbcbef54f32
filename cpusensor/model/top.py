"""Who used the CPU most in a span, and what is left to no name: a `Blame` against the recorded busy time. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from cpusensor.model.blame import Blame, Share, Throttle, cut, merge
from cpusensor.model.query import UNIT, TopQuery
from cpusensor.model.records import Span

Identity: TypeAlias = tuple[str, str, int | None, int | None]
"""Name, unit, pid and start time: what makes two shares those of the same unit or process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is kept of a span, not cut yet."""

    blame: Blame
    seen: Mapping[Identity, Span]
    """From the beginning of the first to the end of the last interval in which each was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """One of those who used the CPU most."""

    share: Share
    seen: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """A span's leaders in one view. They + other + exited + unattributed = busy + excess, all in microseconds."""

    span: Span
    by: str
    busy_us: int
    """Recorded, of the samples."""
    all_us: int
    """CPU time of every kind, of the samples."""
    leaders: tuple[Leader, ...]
    other_us: int
    exited_us: int
    """Of processes that ended before they were read; 0 by unit, whose own time has it."""
    unattributed_us: int
    """Interrupts, what was read across the span's edges, and what was not read at all."""
    excess_us: int
    """What the exact accounts hold above the busy time, which the kernel's tick only samples."""
    throttles: tuple[Throttle, ...]
    """Of units, whichever view it is, that a limit of their own held back, those that waited longest first."""


def identity(share: Share) -> Identity:
    """What the share is of."""
    return share.name, share.unit, share.pid, share.started


def seen_in(blame: Blame) -> dict[Identity, Span]:
    """As `Found.seen`, of a single reading."""
    span = Span(from_time=blame.since, to_time=blame.time)
    return {identity(share): span for share in (*blame.units, *blame.processes)}


def joined(found: Sequence[Found]) -> Found | None:
    """All of it as one; None of nothing. In order of time."""
    if not found:
        return None
    seen: dict[Identity, Span] = {}
    for one in found:
        for key, span in one.seen.items():
            before = seen.get(key)
            seen[key] = span if before is None else replace(before, to_time=span.to_time)
    return Found(blame=merge([one.blame for one in found]), seen=seen)


def top(asked: TopQuery, found: Found | None, *, busy_us: int, all_us: int) -> Top:
    """The leaders of a span in which so much was recorded."""
    nothing = Blame(time=0, since=0, busy_us=0, all_us=0, units=(), processes=(), exited_us=0)
    blame = cut(replace(found.blame if found else nothing, busy_us=busy_us, all_us=all_us), asked.limit)
    is_by_unit, seen = asked.by == UNIT, found.seen if found else {}
    shares = blame.units if is_by_unit else blame.processes
    return Top(
        span=asked.span,
        by=asked.by,
        busy_us=busy_us,
        all_us=all_us,
        leaders=tuple(Leader(share=one, seen=seen[identity(one)]) for one in shares),
        other_us=blame.other_us_by_unit if is_by_unit else blame.other_us_by_process,
        exited_us=0 if is_by_unit else blame.exited_us,
        unattributed_us=blame.unattributed_us_by_unit if is_by_unit else blame.unattributed_us_by_process,
        excess_us=blame.excess_us_by_unit if is_by_unit else blame.excess_us_by_process,
        throttles=tuple(one for one in blame.throttles if one.throttled),
    )
