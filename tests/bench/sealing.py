"""How even the recording is while a long history is sealed at once: `python -m tests.bench.sealing FILE`.

FILE is a history of rows, as `python -m tests.bench.fill` makes one; it is only copied. The service records each
second, first with nothing to seal and then with all of it, as after an upgrade. 0 when every slot was met, else 1.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from cpusensor.store.snapshot import open_snapshot
from tests.bench.history import copy, p99
from tests.bench.report import machine, say, table
from tests.service import Service

INTERVAL_S = 1

LASTS_FOR_EVER = 36_500
"""Days: nothing is so old."""

OWN = "SELECT elapsed_ms FROM main.sample WHERE run = (SELECT max(id) FROM run) ORDER BY time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What one run came to."""

    name: str
    off_ms: Sequence[float]
    """By how much the time between two readings was off, each."""
    missed: int
    """Slots without a sample."""
    sealed: int
    """Hours."""


def record(name: str, file: Path, keep_rows: int, seconds: float) -> Recording:
    """Record beside the history."""
    with TemporaryDirectory() as folder:
        service = Service(copy(file, Path(folder) / name), "--keep-rows", str(keep_rows), interval_s=INTERVAL_S)
        with service:
            time.sleep(seconds)
        with open_snapshot(service.database) as snapshot:
            # The first one begins with the run and not on the grid.
            elapsed = [ms for (ms,) in snapshot.rows(OWN)][1:]
            ((sealed,),) = snapshot.rows("SELECT count(*) FROM sealed_hour")
    off = [abs(ms - 1000 * INTERVAL_S) for ms in elapsed]
    missed = sum(round(ms / 1000 / INTERVAL_S) - 1 for ms in elapsed)
    return Recording(name=name, off_ms=off, missed=missed, sealed=sealed)


def shown(one: Recording) -> list[str]:
    """A row of the table."""
    figures = (median(one.off_ms), p99(one.off_ms), max(one.off_ms))
    return [one.name, f"{len(one.off_ms):,}", *(f"{ms:.1f}" for ms in figures), f"{one.missed}", f"{one.sealed:,}"]


def main() -> int:
    """Run the bench; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sealing", description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, metavar="FILE", help="a history, made by python -m tests.bench.fill")
    parser.add_argument("--seconds", type=float, default=120, help="of each recording (default: 120)")
    told = parser.parse_args()
    found = [
        record("idle", told.file, LASTS_FOR_EVER, told.seconds),
        record("sealing", told.file, 0, told.seconds),
    ]
    header = ("ms between two readings off", "readings", "median", "p99", "most", "slots missed", "hours sealed")
    say(f"{machine()}.\n\n{table(header, [shown(one) for one in found])}")
    return 1 if any(one.missed for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
