"""Faults while a database of an older version is brought up to date."""

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from cpusensor.model.rollup import TIERS
from cpusensor.model.times import MAX_TIME
from cpusensor.store.levels import TABLES as BLAMES
from cpusensor.store.statements import rows_of
from tests.faults.harness import Lab, fault
from tests.service import ROOT, Service
from tests.store.opened import drop_views
from tests.waiting import wait_for_samples, wait_until

UNTIL = 1_763_942_400
"""A full quarter-day: nothing of the made history is left to the recording to close."""

YEARS = {True: "0.005", False: "0.2"}
"""How long a history, by whether it is a quick run."""


@fault(
    "F43",
    expected="nothing lost, nothing twice; the rollups are those that would have been recorded; the copy is whole",
    quick=2,
    full=60,
)
def it_is_killed_while_older_history_is_added_up(lab: Lab) -> str:
    """Kill −9 of the whole service at a random moment after its start on a database of the version before."""
    service = Service(lab.folder())
    expected = make_older(service.database, YEARS[lab.is_quick])
    kills, again = 0, 0
    original = service.database.with_name("original")
    shutil.copy(service.database, original)
    while kills < lab.repetitions:
        if not _is_filling(service.database):
            # All of it was added up before enough kills: once more from the beginning.
            _restore(original, service.database)
            again += 1
        service.start()
        time.sleep(lab.chance.uniform(0, 0.6))
        service.kill()
        kills += 1
    with service:
        wait_for_samples(service, 1)
        wait_until(lambda: not _is_filling(service.database), "older history is still being added up")
    found = _rollups(service.database)
    missing = {name: len(rows - found[name]) for name, rows in expected.items()}
    twice = {name: len(found[name]) - len({row[0] for row in found[name]}) for name in found}
    lab.expect(that=not any(missing.values()), otherwise=f"rollups that are not as recorded: {missing}")
    lab.expect(that=not any(twice.values()), otherwise=f"more than one rollup of a time: {twice}")
    lab.expect_clean(service.database)
    kept = service.database.with_name(f"{service.database.name}.v2")
    if kept.exists():
        lab.expect_clean(kept)
    lab.expect(that=not list(service.database.parent.glob("*.part")), otherwise="half a copy was left")
    return f"{kills} kills in {again + 1} upgrades; {sum(map(len, expected.values())):,} rollups as recorded"


def make_older(path: Path, years: str) -> dict[str, set[tuple[object, ...]]]:
    """Make a history and take back what the migrations after the second brought; the rollups that it had."""
    command = [sys.executable, "-m", "tests.bench.fill", str(path), "--years", years, "--cores", "2", "--seed", "43"]
    subprocess.run([*command, "--until", str(UNTIL)], check=True, cwd=ROOT, capture_output=True)
    rollups = _rollups(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table in (*(tier.name for tier in TIERS[1:]), "tier", "sealed_hour", "cursor", "name", "baseline", *BLAMES):
            connection.execute(f"DROP TABLE {table}")
        drop_views(connection)
        connection.execute("PRAGMA user_version = 2")
    return rollups


def _rollups(path: Path) -> dict[str, set[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        return {tier.name: set(connection.execute(rows_of(tier), (0, MAX_TIME))) for tier in TIERS}


def _is_filling(path: Path) -> bool:
    """Whether something is still to be added up; also before that began."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            return bool(connection.execute("SELECT count(*) FROM tier").fetchone()[0])
        except sqlite3.OperationalError:
            return True


def _restore(original: Path, path: Path) -> None:
    for suffix in ("-wal", "-shm", ".v2", ".v2.part"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    shutil.copy(original, path)
