"""A second tier is one more row of data: it is closed, read, verified and mended as the minute is."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.check import Checker, Progress, Report
from cpusensor.model.records import Cause, Measured, Sample
from cpusensor.model.rollup import TIERS, Tier, as_rollup, roll_up
from cpusensor.store.opening import History, open_history
from cpusensor.store.plan import plan, tiers_for
from tests.fakes import FakeClock
from tests.samples import histories, sample

NOON = 1_763_936_400
QUARTER = Tier(name="quarter", seconds=900)
TWO = (*TIERS, QUARTER)


@asynccontextmanager
async def history_of(path: Path, *samples: Sample) -> AsyncIterator[History]:
    """A history with two tiers that holds the samples; for the second there is a table like that of the first."""
    async with open_history(path, NOON):
        pass
    with closing(sqlite3.connect(path)) as connection:
        ((minute,),) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'minute'")
        connection.execute(minute.replace("minute", QUARTER.name).replace("% 60", "% 900"))
    async with open_history(path, NOON, TWO) as history:
        await history.runs.start("boot-1", NOON, 5, "1.0.0")
        for one in samples:
            await history.writer.add([Measured(sample=one, cause=Cause.STALLED)])
        yield history


def findings(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with closing(sqlite3.connect(path)) as connection, open("/dev/null", "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a stream that is no terminal
        progress = Progress(FakeClock(), nowhere)
        Checker(connection, Report(progress, 20), progress, TWO).check()
    return capsys.readouterr().out


@given(recorded=histories(length=800), step=st.sampled_from([5, 60, 300, 900, 1800]))
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
    assert sum(part[0].busy for part in cores.values()) == (whole.cores[0].busy if whole.cores else None)


@given(recorded=histories(length=800))
@settings(max_examples=10, deadline=None)
async def test_a_quarter_is_what_its_minutes_add_up_to(recorded: list[Sample]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "two.db"
        async with history_of(path, *recorded):
            pass
        with closing(sqlite3.connect(path)) as connection:
            quarters = dict(connection.execute("SELECT time, count FROM quarter"))
            minutes = connection.execute(
                "SELECT (time + 899) / 900 * 900, sum(count) FROM minute GROUP BY 1 HAVING max(time) <= ? ORDER BY 1",
                (recorded[-1].time,),
            ).fetchall()

    assert quarters == {end: count for end, count in minutes if end <= recorded[-1].time}


async def test_a_quarter_that_is_wrong_or_missing_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.db"
    samples = [sample(NOON + 5 * slot) for slot in range(1, 361)]
    async with history_of(path, *samples):
        pass
    clean = findings(path, capsys)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE quarter SET user = user + 1 WHERE time = ?", (NOON + 600,))
        connection.execute("DELETE FROM quarter WHERE time = ?", (NOON + 1500,))

    assert clean == ""
    assert findings(path, capsys).splitlines() == [
        f"quarter {NOON + 600}: user is 30001, its samples give 30000",
        f"quarter {NOON + 1500}: is missing, though it is over and has 180 samples",
    ]


def test_the_coarsest_tier_that_divides_the_step_is_read_first_and_finer_ones_behind_its_end() -> None:
    chosen = plan(0, 10_000, tiers_for(1800, TWO), [9000, 9960])

    assert chosen.arguments == (0, 10_000, 9000, 10_000, 9960, 10_000)
    assert [name in chosen.sql for name in ("FROM quarter", "FROM minute", "FROM sample")] == [True] * 3
    assert tiers_for(300, TWO) == [*TIERS]
    assert tiers_for(30, TWO) == []
