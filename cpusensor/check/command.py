"""The command: checks one file and prints what is wrong with it."""

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from cpusensor.check.checker import Checker
from cpusensor.check.progress import Progress
from cpusensor.check.report import Report
from cpusensor.kernel.clock import Clock, SystemClock
from cpusensor.store.snapshot import SnapshotError, known_tiers, open_unchanged, require_ours

MAX_SHOWN = 20
"""Findings of a kind that are printed one by one."""

PRIMARY_CODE = 0xFF
"""The part of SQLite's error code that is its kind (rescode.html)."""

DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def check(path: Path, report: Report, progress: Progress) -> str:
    """Report what is wrong with the file; what was in it, in words. Raises SnapshotError."""
    require_ours(path)
    try:
        with open_unchanged(path.resolve()) as connection:
            return Checker(connection, report, progress, known_tiers(connection)).check()
    except sqlite3.DatabaseError as error:
        # Damage is a finding; a lock or a lack of memory says nothing of the file.
        if error.sqlite_errorcode & PRIMARY_CODE not in DAMAGE:
            raise SnapshotError(str(error)) from error
        report.add("file", f"cannot be read to its end: {error}")
        return "not all of it could be read"


def main(arguments: Sequence[str] | None = None, *, clock: Clock | None = None) -> int:
    """Check one file; 0 if it is clean, 1 if something was found, 2 if it cannot be checked."""
    parser = argparse.ArgumentParser(prog="python -m cpusensor.check", allow_abbrev=False)
    parser.description = "Verifies a cpusensor database without changing it; cpusensor may be running on it."
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--limit", type=int, default=MAX_SHOWN, help=f"findings of a kind to tell (default: {MAX_SHOWN})"
    )
    options = parser.parse_args(arguments)
    progress = Progress(clock or SystemClock(), sys.stderr)
    report = Report(progress, options.limit)
    try:
        summary = check(options.file, report, progress)
    except SnapshotError as error:
        progress.clear()
        print(f"{options.file}: cannot be checked: {error}", file=sys.stderr)  # noqa: T201 - the answer of the command
        return 2
    report.close(f"{options.file}: {summary}")
    return 1 if report.total else 0
