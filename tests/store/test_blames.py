"""Names in a real file: what is read back is what was read, whatever was summed, cut, packed or lost meanwhile."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cpusensor.model.blame import Blame, merge
from cpusensor.model.records import Span
from cpusensor.store.database import WriteError
from cpusensor.store.levels import LEVELS
from cpusensor.store.opening import History, open_history
from tests.blames import SECOND, blame, process, readings, unit
from tests.samples import NOON
from tests.store.opened import new_store, rows

HOUR, DAY = 3600, 86_400
QUARTER = NOON + 600
"""A full quarter of an hour."""
ALL = Span(from_time=NOON - DAY, to_time=NOON + DAY)


async def found(store: History, span: Span = ALL) -> Blame | None:
    one = await store.culprits.over(span)
    return one.blame if one else None


async def pack_all(store: History, now: float = NOON + 3 * DAY) -> None:
    while await store.blames.pack_next(now):
        pass


def inside(blames: Sequence[Blame], span: Span) -> Blame | None:
    parts = [one for one in blames if span.from_time <= one.since and one.time <= span.to_time]
    return merge(parts) if parts else None


@settings(max_examples=12, phases=[Phase.explicit, Phase.generate])
@given(readings(length=3000), st.tuples(st.integers(0, 60_000), st.integers(1, 60_000)))
async def test_a_span_adds_up_to_what_was_read_inside_it(blames: list[Blame], asked: tuple[int, int]) -> None:
    span = Span(from_time=NOON + asked[0], to_time=NOON + sum(asked))
    async with new_store() as store:
        for one in blames:
            await store.blames.add([one])
        loose = await found(store, span)
        await pack_all(store)

        assert loose == await found(store, span)
    expected = inside(blames, span)
    # A sum says that it lasts until the end of its bucket.
    assert loose == (expected and loose and replace(expected, time=loose.time))


async def test_names_are_summed_before_they_are_cut(store: History) -> None:
    # In each tick ten others come before `low`, but never the same ones.
    for slot in range(1, 13):
        others = [unit(f"{slot}-{number}", SECOND) for number in range(10)]
        await store.blames.add([blame(NOON + 5 * slot, *others, unit("low", SECOND // 2))])

    whole = await found(store, Span(from_time=NOON, to_time=NOON + 60))
    assert whole is not None
    assert whole.units[0] == unit("low", 6 * SECOND)
    assert len(whole.units) == 10
    assert sum(one.cpu_us for one in whole.units) + whole.other_us_by_unit == 126 * SECOND


async def test_a_process_is_one_by_its_pid_and_start(store: History) -> None:
    await store.blames.add([blame(NOON + 5, process("a", pid=7, started=NOON), process("a", pid=7, started=NOON - 9))])

    whole = await found(store)
    assert whole is not None
    assert {one.started for one in whole.processes} == {NOON, NOON - 9}


async def test_it_is_told_when_a_name_was_seen_first_and_last(store: History) -> None:
    await store.blames.add([blame(NOON + 5, unit("a")), blame(NOON + 10), blame(NOON + 15, unit("a"), unit("b"))])

    one = await store.culprits.over(ALL)
    assert one is not None
    assert {key[0]: span for key, span in one.seen.items()} == {
        "a": Span(from_time=NOON, to_time=NOON + 15),
        "b": Span(from_time=NOON + 10, to_time=NOON + 15),
    }


async def test_what_was_read_across_the_edge_is_left_out(store: History) -> None:
    await store.blames.add([blame(NOON + 60, unit("a"), since=NOON), blame(NOON + 120, unit("b"), since=NOON + 60)])

    whole = await found(store, Span(from_time=NOON + 30, to_time=NOON + 120))
    assert whole is not None
    assert [one.name for one in whole.units] == ["b"]


async def test_nothing_is_found_where_nothing_was_read(store: History) -> None:
    assert await found(store) is None
    assert await store.culprits.buckets(Span(from_time=NOON, to_time=NOON + 60), 5, 3) == {}


@asynccontextmanager
async def reopened(path: Path, now: float) -> AsyncIterator[History]:
    async with open_history(path, now) as store:
        await store.runs.start("boot-1", now, 5, "1.0.0")
        yield store


async def test_open_sums_go_on_after_a_crash(path: Path) -> None:
    async with reopened(path, QUARTER) as store:
        await store.blames.add([blame(QUARTER + 5 * slot, unit("a")) for slot in range(1, 16)])
    async with reopened(path, QUARTER + 80) as store:
        await store.blames.add([blame(QUARTER + 5 * slot, unit("a")) for slot in range(17, 182)])

        whole = await found(store, Span(from_time=QUARTER, to_time=QUARTER + 900))
    assert whole is not None
    assert whole.units == (unit("a", (15 + 164) * SECOND),)
    assert rows(path, "SELECT time FROM blame_quarter_hour") == [(QUARTER + 900,)]


async def test_a_quarter_that_is_over_survives_a_crash_right_after_it(path: Path) -> None:
    async with reopened(path, QUARTER) as store:
        await store.blames.add([blame(QUARTER + 5, unit("a")), blame(QUARTER + 1000, unit("a"))])
    async with reopened(path, QUARTER + 1005) as store:
        await store.blames.add([blame(QUARTER + 5 * slot, unit("a")) for slot in range(201, 400)])

        whole = await found(store)
    assert whole is not None
    assert whole.units == (unit("a", 201 * SECOND),)


async def test_a_minute_that_a_crash_left_open_is_closed_by_what_comes_next(path: Path) -> None:
    async with reopened(path, NOON) as store:
        await store.blames.add([blame(NOON + 5, unit("a"))])
    async with reopened(path, NOON + HOUR) as store:
        await store.blames.add([blame(NOON + HOUR, unit("b"), since=NOON + 5)])

        whole = await found(store)
    assert whole is not None
    assert {one.name for one in whole.units} == {"a", "b"}
    assert rows(path, "SELECT time FROM blame_minute ORDER BY 1") == [(NOON + 60,), (NOON + HOUR,)]


async def test_a_clock_that_was_set_back_replaces_what_was_read(store: History) -> None:
    await store.blames.add([blame(NOON + 5 * slot, unit("old")) for slot in range(1, 25)])
    await store.blames.add([blame(NOON + 60, unit("new"), since=NOON)])

    first = await found(store, Span(from_time=NOON, to_time=NOON + 60))
    both = await found(store, Span(from_time=NOON, to_time=NOON + 120))
    assert first is not None
    assert first.units == (unit("new"),)
    assert both is not None
    assert both.units == (unit("old", 12 * SECOND), unit("new"))


async def test_a_clock_that_was_set_back_behind_what_is_packed_replaces_it(store: History) -> None:
    await store.blames.add([blame(NOON + 5 * slot, unit("old")) for slot in range(1, 3 * 720)])
    await pack_all(store)
    await store.blames.add([blame(NOON + 60, unit("new"), since=NOON)])
    before = await found(store, Span(from_time=NOON, to_time=NOON + 120))
    await pack_all(store)

    assert before is not None
    assert before.units == (unit("old", 12 * SECOND), unit("new"))
    assert await found(store, Span(from_time=NOON, to_time=NOON + 120)) == before


async def test_what_fails_leaves_nothing_behind(store: History, path: Path) -> None:
    good, bad = blame(NOON + 5, unit("a")), blame(NOON + 10, unit("b"), since=NOON + 10)
    with pytest.raises(WriteError):
        await store.blames.add([good, bad])
    await store.blames.add([good])

    whole = await found(store)
    assert whole == good
    assert rows(path, "SELECT text FROM name") == [("a",)]


async def test_what_is_over_is_packed_and_smaller(store: History, path: Path) -> None:
    await store.blames.add([blame(NOON + 5 * slot, unit("a"), process("b")) for slot in range(1, 1500)])
    before = await found(store)
    await pack_all(store, NOON - NOON % HOUR + 2 * HOUR)

    assert await found(store) == before
    assert rows(path, "SELECT min(time) FROM blame_tick") == [(NOON - NOON % HOUR + HOUR + 5,)]


async def test_what_no_later_reading_has_ended_is_not_packed(store: History) -> None:
    blames = [blame(NOON + 20, unit("a"), since=NOON), blame(NOON + 80, unit("a"), since=NOON + 20)]
    await store.blames.add(blames)
    await pack_all(store)

    assert await found(store, Span(from_time=NOON, to_time=NOON + 120)) == merge(blames)


async def test_a_sum_ends_with_its_last_reading_and_not_with_its_bucket(store: History) -> None:
    ends = [NOON, NOON + 20, NOON + 2560, NOON + 4380, NOON + 6020, NOON + 6860, NOON + 7460]
    blames = [blame(end, unit("a"), since=since) for since, end in pairwise(ends)]
    await store.blames.add(blames)
    await pack_all(store)

    assert await found(store, Span(from_time=NOON, to_time=NOON + 8700)) == merge(blames)


async def test_minutes_stay_when_ticks_are_forgotten(store: History) -> None:
    await store.blames.add([blame(NOON + 5 * slot, unit("a")) for slot in range(1, 1500)])
    await pack_all(store)
    await store.blames.forget_ticks(NOON + DAY)

    minutes = await found(store, Span(from_time=NOON + 300, to_time=NOON + 420))
    part = await found(store, Span(from_time=NOON + 310, to_time=NOON + 415))
    assert minutes is not None
    assert minutes.units == (unit("a", 24 * SECOND),)
    assert part is None


async def test_a_damaged_row_is_left_out(store: History, path: Path) -> None:
    await store.blames.add([blame(NOON + 5, unit("a")), blame(NOON + 10, unit("b"))])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE blame_tick SET shares = x'ff' WHERE time = ?", (NOON + 5,))

    whole = await found(store)
    assert whole is not None
    assert [one.name for one in whole.units] == ["b"]


async def test_buckets_have_their_leaders(store: History) -> None:
    await store.blames.add([blame(NOON + 5 * slot, unit("a"), unit("b", 2 * SECOND)) for slot in range(1, 25)])

    buckets = await store.culprits.buckets(Span(from_time=NOON, to_time=NOON + 120), 30, 1)
    assert list(buckets) == [NOON + end for end in (30, 60, 90, 120)]
    assert all(one.units == (unit("b", 12 * SECOND),) for one in buckets.values())
    assert all(one.other_us_by_unit == 6 * SECOND for one in buckets.values())


async def test_a_bucket_that_is_shorter_than_what_was_read_has_no_names(store: History) -> None:
    await store.blames.add([blame(NOON + 60, unit("a"), since=NOON), blame(NOON + 65, unit("a"))])

    assert list(await store.culprits.buckets(Span(from_time=NOON, to_time=NOON + 120), 5, 1)) == [NOON + 65]


def test_levels_are_multiples_of_each_other() -> None:
    assert all(above.seconds % below.seconds == 0 for below, above in pairwise(LEVELS))
    assert all(level.packed_s is None or level.packed_s % level.seconds == 0 for level in LEVELS)
