"""Rows -> docs/FAULTS.md."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.faults.run import Row
from tests.service import ROOT

FILE = ROOT / "docs" / "FAULTS.md"

HEAD = """# What happens when something goes wrong

Written by `make faults`, which injects each fault into the real service: a real process, real SQLite, the real kernel.
Only time and the machine's counters are replaced where the fault lies in them. The number of each fault is that of its
kind; *check* stands behind every row: after the fault `python -m cpusensor.check` must find the minutes and the gaps
equal to what the samples make them.

| | |
|---|---|
| date | {date} |
| machine | Linux {kernel}, {cpus} CPUs |
| Python, SQLite | {python}, {sqlite} |
| faults | {total}, of which {held} held |
| took | {minutes:.0f} min |
| again | `make faults` as root, or `make faults ARGS="-k locked"` for those with a word in their name |

| # | fault | times | expected | figure | verdict |
|---|---|---|---|---|---|
"""


def write(rows: Sequence[Row], took_s: float) -> None:
    """Write the table."""
    head = HEAD.format(
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        kernel=platform.release(),
        cpus=os.cpu_count(),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        total=len(rows),
        held=sum(row.outcome.verdict == "held" for row in rows),
        minutes=took_s / 60,
    )
    FILE.write_text(head + "".join(map(line, rows)))


def line(row: Row) -> str:
    """One line of the table."""
    one, outcome = row.fault, row.outcome
    cells = (one.id, one.sentence, str(row.repetitions), one.expected, outcome.figure, outcome.verdict)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"
