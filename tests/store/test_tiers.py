"""The coarser rollups: closed, read, verified and mended as the minutes are, and equal to them over any span."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.check.command import main as check
from cpusensor.model.grid import bucket_end
from cpusensor.model.records import Cause, Measured, Sample
from cpusensor.model.rollup import TIERS, as_rollup, roll_up
from cpusensor.model.times import MAX_TIME
from cpusensor.store.columns import rollup_of_row
from cpusensor.store.opening import History, open_history
from cpusensor.store.plan import Extent, plan, tiers_for
from cpusensor.store.statements import rows_of
from tests.samples import NOON, histories, sample

QUARTER_HOUR = TIERS[1]


@asynccontextmanager
async def history_of(path: Path, *samples: Sample) -> AsyncIterator[History]:
    async with open_history(path, NOON) as history:
        await history.runs.start("boot-1", NOON, 5, "1.0.0")
        for one in samples:
            await history.writer.add([Measured(sample=one, cause=Cause.STALLED)])
        yield history


def findings(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    check([str(path)])
    return capsys.readouterr().out


@given(recorded=histories(length=800), step=st.sampled_from([5, 10, 15, 30, 60, 120, 300, 900, 1800]))
@settings(max_examples=25, deadline=None)
async def test_every_resolution_adds_up_to_the_same(recorded: list[Sample], step: int) -> None:
    with TemporaryDirectory() as directory:
        async with history_of(Path(directory) / "two.db", *recorded) as history:
            buckets = await history.reader.buckets(NOON, NOON + 5400, step)
            cores = await history.reader.cores(NOON, NOON + 5400, step)

    whole = roll_up([as_rollup(one) for one in recorded], NOON + 5400)
    found = roll_up(buckets, NOON + 5400)
    assert whole is not None
    assert found is not None
    assert (found.count, found.figures, found.cpu_min_bp, found.cpu_max_bp) == (
        whole.count,
        whole.figures,
        whole.cpu_min_bp,
        whole.cpu_max_bp,
    )
    assert [sum(part[0].busy for part in cores.values()), sum(part[0].all for part in cores.values())] == [
        sum(one.cores[0].busy for one in recorded if one.cores),
        sum(one.cores[0].all for one in recorded if one.cores),
    ]
    assert all(bucket.time % step == 0 for bucket in buckets)


@given(recorded=histories(length=800))
@settings(max_examples=10, deadline=None)
async def test_a_quarter_of_an_hour_is_what_its_samples_add_up_to(recorded: list[Sample]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "cpusensor.db"
        async with history_of(path, *recorded):
            pass
        with closing(sqlite3.connect(path)) as connection:
            stored = [rollup_of_row(row) for row in connection.execute(rows_of(QUARTER_HOUR), (0, MAX_TIME))]

    quarters = groupby(recorded, lambda one: bucket_end(one.time, 900))
    expected = [roll_up([as_rollup(one) for one in samples], end) for end, samples in quarters]
    assert stored == [one for one in expected if one and one.time <= recorded[-1].time]


async def test_a_quarter_of_an_hour_that_is_wrong_or_missing_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cpusensor.db"
    samples = [sample(NOON + 5 * slot) for slot in range(1, 541)]
    async with history_of(path, *samples):
        pass
    clean = findings(path, capsys)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE quarter_hour SET user = user + 1 WHERE time = ?", (NOON + 600,))
        connection.execute("DELETE FROM quarter_hour WHERE time = ?", (NOON + 1500,))
        connection.execute("UPDATE quarter_hour SET histogram = ? WHERE time = ?", (b"I\x05\1\0\0\0", NOON + 2400))

    assert clean.endswith("clean\n")
    assert findings(path, capsys).splitlines()[:-1] == [
        f"quarter_hour {NOON + 600}: user is 30001, its samples give 30000",
        f"quarter_hour {NOON + 1500}: is missing, though it is over and has 180 samples",
        f"quarter_hour {NOON + 2400}: histogram is {{5: 1}}, its samples give {{25: 900000}}",
    ]


def test_the_coarsest_tier_that_divides_the_step_is_read_and_finer_ones_where_it_is_not_kept() -> None:
    quarter_day, quarter_hour, minute = reversed(TIERS)
    extents = [
        Extent(tier=quarter_day, kept_from=43_200, closed=86_400),
        Extent(tier=quarter_hour, kept_from=21_600, closed=90_900),
        Extent(tier=minute, kept_from=0, closed=91_020),
    ]

    parts = plan(0, 91_025, extents)

    assert [(part.tier and part.tier.name, part.from_time, part.to_time) for part in parts] == [
        ("minute", 0, 21_600),
        ("quarter_hour", 21_600, 43_200),
        ("quarter_day", 43_200, 86_400),
        ("quarter_hour", 86_400, 90_900),
        ("minute", 90_900, 91_020),
        (None, 91_020, 91_025),
    ]


def test_a_step_is_made_of_the_tiers_that_divide_it() -> None:
    assert [tier.name for tier in tiers_for(43_200, TIERS)] == ["quarter_day", "quarter_hour", "minute"]
    assert [tier.name for tier in tiers_for(300, TIERS)] == ["minute"]
    assert tiers_for(30, TIERS) == []


async def test_a_quarter_of_an_hour_that_outlived_its_samples_is_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cpusensor.db"
    async with history_of(path, *(sample(NOON + 5 * slot) for slot in range(1, 541))):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM sample WHERE time <= ?", (NOON + 720,))

    assert findings(path, capsys).endswith("clean\n")
