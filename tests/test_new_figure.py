"""A new figure is one row of the table, one line of the kernel's reading and one migration: all else follows."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.service import ROOT

ROW = """    freezers_milli: int | None = _figure("1/1000 freezers", Source.LEVEL, _mean_of_centi, key="freezers")
"""
BEFORE = "    pressure_us: int | None"

MIGRATION = """ALTER TABLE sample ADD COLUMN freezers_milli INTEGER;
ALTER TABLE minute ADD COLUMN freezers_milli INTEGER;
"""

LIFE = """
import asyncio, sys
from pathlib import Path
from dataclasses import replace
from cpusensor.check.command import main as check
from tests.fakes import FakeClock, FakeKernel, START
from tests.running import Running

class Kernel(FakeKernel):
    def read(self):
        counters = super().read()
        return replace(counters, values={**counters.values, "freezers_milli": 700})

async def main(database):
    clock = FakeClock()
    running = Running(database, clock)
    running.kernel = Kernel(clock)
    await running.start()
    await clock.advance(66)
    history = await running.json(f"api/history?from={START}&to={START + 60}&step=60&series=freezers")
    newest = await running.json("api/now")
    await running.stop()
    assert newest["freezers"] == 7.0, newest
    assert history["freezers"] == [7.0], history

database = Path(sys.argv[1])
asyncio.run(main(database))
sys.exit(check([str(database)]))
"""
"""Recorded, rolled up, read, served and verified."""


def test_a_figure_is_added_in_one_place(tmp_path: Path) -> None:
    for folder in ("cpusensor", "tests", "web"):
        ignored = shutil.ignore_patterns("node_modules", "__pycache__", "bench", "browser")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    table = tmp_path / "cpusensor" / "model" / "figures.py"
    table.write_text(table.read_text(encoding="utf-8").replace(BEFORE, ROW + BEFORE), encoding="utf-8")
    migrations = tmp_path / "cpusensor" / "store" / "migrations"
    (migrations / f"{len(list(migrations.glob('*.sql'))) + 1:04}.sql").write_text(MIGRATION, encoding="utf-8")

    lived = subprocess.run(
        [sys.executable, "-c", LIFE, str(tmp_path / "cpusensor.db")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert lived.returncode == 0, lived.stdout + lived.stderr
