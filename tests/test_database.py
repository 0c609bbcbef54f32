"""docs/DATABASE.md, asked and run as it stands there, against what the service serves of the same file."""

import asyncio
import re
import shlex
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from cpusensor.check.command import main as check
from cpusensor.export import main as export
from cpusensor.model.rollup import TIERS
from cpusensor.store.schema import PRAGMAS
from tests.running import Running
from tests.service import ROOT

DOCUMENT = (ROOT / "docs/DATABASE.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^```sql\n(.*?)```", DOCUMENT, re.MULTILINE | re.DOTALL)
PLAIN, COPIES = re.findall(r"^```sh\n(.*?)```", DOCUMENT, re.MULTILINE | re.DOTALL)
needs_sqlite3 = pytest.mark.skipif(shutil.which("sqlite3") is None, reason="sqlite3 is not installed")


@pytest.fixture
async def recorded(running: Running) -> Running:
    """Half an hour of changing work, and a gap of five minutes in it."""
    for minute in range(25):
        running.kernel.use(minute / 30)
        await running.clock.advance(60)
        if minute == 7:
            await running.stop()
            running.clock.pass_unnoticed(300)
            await running.start()
    await running.clock.advance(10)
    return running


def ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Ask as somebody does who looks while the service runs."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        # As our own connections have it: then no view may use what a file from elsewhere could abuse.
        connection.execute(f"PRAGMA {PRAGMAS[-1]}")
        return connection.execute(sql).fetchall()


async def test_the_five_questions_are_answered(recorded: Running) -> None:
    answers = [ask(recorded.database, query) for query in QUERIES]

    assert len(answers) == 5
    assert all(answers)
    assert not [row for rows in answers for row in rows if None in row]


async def test_the_views_say_what_the_api_says(recorded: Running) -> None:
    for view, step in (("readable_sample", 5), ("readable_minute", 60), ("readable_quarter_hour", 900)):
        answer = await recorded.json(f"api/history?range=1h&step={step}&series=modes,load,pressure")
        grid = range(answer["start"], answer["to"] + 1, step)
        series = {"cpu_percent": answer["cpu"], "load": answer["load"], "pressure_percent": answer["pressure"]}
        series |= {f"{mode}_percent": values for mode, values in answer["modes"].items()}
        if step > 5:
            series |= {"lowest_percent": answer["min"], "highest_percent": answer["max"], "samples": answer["count"]}
        expected = [(at, *row) for at, *row in zip(grid, *series.values(), strict=True) if row[0] is not None]

        found = ask(recorded.database, f"SELECT time, {', '.join(series)} FROM {view} ORDER BY time")  # noqa: S608 - views of ours
        assert found == expected
        assert expected


async def test_a_gap_can_be_read(recorded: Running) -> None:
    (gap,) = (await recorded.json("api/history?range=1h"))["gaps"]

    ((from_utc, seconds, cause, cpu),) = ask(
        recorded.database, "SELECT from_utc, seconds, cause, cpu_percent FROM readable_gap"
    )

    assert (seconds, cause, cpu) == (gap["to"] - gap["from"], gap["cause"], gap["cpu"])
    assert from_utc == "2025-11-23 22:28:00Z"


KEYS = ("id INTEGER PRIMARY KEY,", "run INTEGER NOT NULL REFERENCES run(id),")
"""The columns that count nothing."""


def columns_without_unit(ddl: str) -> list[str]:
    """The lines of a table's text that define a number and say nothing of it."""
    lines = [line.strip() for line in ddl.splitlines()]
    return [
        line for line in lines if re.match(r'"?\w+"? (INTEGER|BLOB)', line) and "--" not in line and line not in KEYS
    ]


async def test_every_number_has_its_unit_in_the_schema(recorded: Running) -> None:
    tables = ask(recorded.database, "SELECT name, sql FROM sqlite_schema WHERE type = 'table'")

    assert len(tables) >= len(TIERS) + len(("run", "sample", "gap", "clock_step", "tier"))
    assert {name: columns_without_unit(str(ddl)) for name, ddl in tables} == {name: [] for name, _ in tables}


async def test_the_commands_make_rows_of_all_hours(
    recorded: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ask(recorded.database, "SELECT * FROM readable_sample")
    monkeypatch.chdir(tmp_path)

    for command in PLAIN.strip().splitlines():
        # The months of the examples are not those that were recorded.
        arguments = re.sub(r"--(from|to) \S+", "", command).split()[3:]
        assert await asyncio.to_thread(export, arguments) == 0

    assert ask(Path("rows.db"), "SELECT * FROM readable_sample") == expected
    assert check(["rows.db"]) == 0
    assert len(Path("minutes.csv").read_text().splitlines()) > 20


@needs_sqlite3
async def test_the_commands_make_whole_copies(
    recorded: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = (await recorded.json("api/now"))["time"]
    monkeypatch.chdir(tmp_path)
    exporting, copying = COPIES.strip().splitlines()

    assert await asyncio.to_thread(export, exporting.split()[3:]) == 0
    await asyncio.to_thread(subprocess.run, shlex.split(copying), check=True)

    await recorded.stop()
    for copy in (Path("backup.db"), tmp_path / "copy.db"):
        assert check([str(copy)]) == 0
        assert ask(copy, "SELECT max(time) FROM readable_sample") == [(newest,)]
