"""The frozen migrations against the table of figures, and databases of released versions against today's code."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cpusensor.check.command import main as check
from cpusensor.model.figures import FIGURES
from cpusensor.model.records import Cause, Measured
from cpusensor.model.rollup import TIERS
from cpusensor.store.columns import (
    CLOCK_STEP_COLUMNS,
    GAP_COLUMNS,
    RUN_COLUMNS,
    SAMPLE_COLUMNS,
    columns_of,
)
from cpusensor.store.opening import open_history
from cpusensor.store.schema import MIGRATIONS
from tests.samples import sample

GOLDEN = sorted((Path(__file__).parent / "golden").glob("schema-*.sqlite"))
"""A rich history as each released version left it when it was killed: every cause of a gap, several runs and boots."""

TABLES = {
    "run": RUN_COLUMNS,
    "sample": SAMPLE_COLUMNS,
    **{tier.name: columns_of(tier) for tier in TIERS},
    "gap": GAP_COLUMNS,
    "clock_step": CLOCK_STEP_COLUMNS,
}


def migrated() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for statements in MIGRATIONS:
        for statement in statements:
            connection.execute(statement)
    return connection


@pytest.mark.parametrize("table", TABLES)
def test_the_migrations_lead_to_the_columns_that_are_written_and_read(table: str) -> None:
    with closing(migrated()) as connection:
        columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]

    assert sorted(columns) == sorted(name.strip('"') for name in TABLES[table].split(", "))


@pytest.mark.parametrize("table", ["sample", *(tier.name for tier in TIERS)])
def test_a_column_takes_null_exactly_where_a_figure_may_be_unknown(table: str) -> None:
    with closing(migrated()) as connection:
        required = {name: bool(flag) for _, name, _, flag, *_ in connection.execute(f"PRAGMA table_info({table})")}

    assert {one.name: required[one.name] for one in FIGURES} == {one.name: not one.may_be_unknown for one in FIGURES}


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables}  # noqa: S608 - names of its own tables


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
async def test_a_database_of_a_released_version_opens_and_goes_on(golden: Path, tmp_path: Path) -> None:
    path = tmp_path / "cpusensor.db"
    shutil.copy(golden, path)
    before = rows(golden)
    newest = int(str(before["sample"][-1][0]))

    async with open_history(path, newest + 600) as history:
        run = await history.runs.start("boot-9", newest + 600, 5, "next")
        await history.writer.add([Measured(sample=sample(newest + 600, run=run.id), cause=Cause.REBOOTED)])
        (gap,) = await history.reader.gaps(newest, newest + 600, newest + 600)
        while history.backfill.is_pending:
            await history.backfill.fill_slice()

    after = rows(path)
    assert (gap.from_time, gap.cause) == (newest, Cause.REBOOTED)
    assert len(after["sample"]) == len(before["sample"]) + 1
    assert all(set(before[table]) <= {row[: len(before[table][0])] for row in after[table]} for table in before)
    assert check([str(path)]) == 0


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_a_database_of_a_released_version_is_checked_as_it_is(golden: Path) -> None:
    before = golden.read_bytes()

    assert check([str(golden)]) == 0
    assert golden.read_bytes() == before
