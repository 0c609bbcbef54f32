"""The made-up history: what the bench fills must not be told from what the service records."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from cpusensor.check.command import main as check
from cpusensor.model.query import UNIT, TopQuery
from cpusensor.model.records import Cause, Span
from cpusensor.model.rollup import TIERS, Tier
from cpusensor.recording.top import lead
from cpusensor.store.columns import (
    SAMPLE_COLUMNS,
    Row,
    columns_of,
    rollup_of_row,
    row_of_rollup,
    row_of_sample,
    sample_of_row,
    unpack_cores,
)
from cpusensor.store.opening import open_history
from tests.bench.fill import main as fill

UNTIL = 1_763_936_412
"""Beside the grid."""

WEEK, DAY = "0.02", "0.003"
"""About so long, in years."""


def make(path: Path, *arguments: str) -> Path:
    assert fill([str(path), "--until", str(UNTIL), *arguments]) == 0
    return path


def rows(path: Path, query: str) -> Sequence[Row]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two CPUs, a sample every 30 s, as there are six times as many at 5 s; no test changes it."""
    return make(tmp_path_factory.mktemp("fill") / "week.db", "--years", WEEK, "--cores", "2", "--interval", "30")


def test_the_check_finds_nothing(week: Path) -> None:
    assert check([str(week)]) == 0


@pytest.mark.parametrize("arguments", [("--cores", "3", "--seed", "7"), ("--cores", "1", "--interval", "60")])
def test_neither_of_other_machines(arguments: Sequence[str], tmp_path: Path) -> None:
    path = make(tmp_path / "other.db", "--years", DAY, *arguments)

    assert check([str(path)]) == 0


def test_gaps_have_every_cause(week: Path) -> None:
    assert {cause for (cause,) in rows(week, "SELECT cause FROM gap")} == {*Cause}


def test_means_over_gaps_are_known_where_the_counters_prove_them(week: Path) -> None:
    proven = {cause for (cause,) in rows(week, "SELECT cause FROM gap WHERE busy IS NOT NULL")}

    assert proven == {Cause.STOPPED, Cause.CRASHED, Cause.UNREADABLE, Cause.UNWRITTEN, Cause.STALLED}


def test_a_cpu_is_unplugged_and_comes_back(week: Path) -> None:
    cores = [unpack_cores(blob) for (blob,) in rows(week, "SELECT cores FROM sample ORDER BY time")]
    sets = [None if one is None else tuple(core.cpu for core in one) for one in cores]
    changes = [after for before, after in pairwise(sets) if before != after]

    assert changes == [None, (0,), None, (0, 1)]


def test_the_clock_is_set_forward_and_back(week: Path) -> None:
    assert rows(week, "SELECT sum(by_ms > 0), sum(by_ms < 0) FROM clock_step") == [(1, 1)]


def test_one_kernel_counts_neither_interrupts_nor_pressure(week: Path) -> None:
    boots = "SELECT boot_id FROM sample JOIN run ON run.id = run"

    assert len(rows(week, f"{boots} WHERE irq IS NULL AND pressure_us IS NULL GROUP BY 1")) == 1
    assert len(rows(week, f"{boots} WHERE irq IS NOT NULL AND pressure_us IS NOT NULL GROUP BY 1")) == 2


def test_samples_are_packed_as_the_service_packs_them(week: Path) -> None:
    stored = rows(week, f"SELECT {SAMPLE_COLUMNS} FROM sample")  # noqa: S608 - the project's own columns

    assert [row for row in stored if row_of_sample(sample_of_row(row)) != row] == []


@pytest.mark.parametrize("tier", [tier for tier in TIERS if tier.has_histogram], ids=lambda tier: tier.name)
def test_rollups_are_packed_as_the_service_packs_them(week: Path, tier: Tier) -> None:
    stored = rows(week, f"SELECT {columns_of(tier)} FROM {tier.name}")  # noqa: S608 - the project's own columns

    assert [row for row in stored if row_of_rollup(rollup_of_row(row), tier) != row] == []


def test_minutes_are_packed_as_the_service_packs_them(week: Path) -> None:
    minute = TIERS[0]
    stored = rows(week, f"SELECT {columns_of(minute)} FROM minute")  # noqa: S608 - the project's own columns

    assert [row for row in stored if row_of_rollup(rollup_of_row((*row, None)), minute) != row] == []


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a day, with names."""
    path = tmp_path_factory.mktemp("fill") / "named.db"
    return make(path, "--years", DAY, "--cores", "2", "--interval", "30", "--names", DAY)


def test_the_check_finds_nothing_in_names(named: Path) -> None:
    assert check([str(named)]) == 0
    assert rows(named, "SELECT count(*) FROM blame_tick_packed")[0][0] > 0


async def test_names_are_those_that_the_service_would_have_kept(named: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(named, tmp_path))
    async with open_history(path, UNTIL) as history:
        asked = TopQuery(span=Span(from_time=UNTIL - 86_400, to_time=UNTIL), by=UNIT, limit=10)
        top = await lead(asked, history, [], [])
        newest = history.blames.newest

    assert len(top.leaders) == 10
    assert top.unattributed_us < 0.05 * top.busy_us
    # The next reading goes on from what is not over.
    assert newest > UNTIL - 120


async def test_the_service_opens_it(week: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(week, tmp_path))
    async with open_history(path, UNTIL) as history:
        assert history.writer.newest is not None
        assert history.writer.newest.time == UNTIL - UNTIL % 30
        assert history.notice is None


def test_a_seed_makes_the_same_rows_again_and_another_other_ones(tmp_path: Path) -> None:
    dumps = []
    for name, seed in (("first", "3"), ("again", "3"), ("other", "4")):
        path = make(tmp_path / name, "--years", DAY, "--interval", "30", "--seed", seed)
        with closing(sqlite3.connect(path)) as connection:
            dumps.append([*connection.iterdump()])

    assert dumps[0] == dumps[1]
    assert dumps[0] != dumps[2]


def test_a_file_that_exists_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "dear.db"
    path.write_bytes(b"dear")

    assert fill([str(path)]) == 2
    assert path.read_bytes() == b"dear"
    assert capsys.readouterr().err == f"{path}: exists and is not overwritten; name another file\n"
